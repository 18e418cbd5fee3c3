import type { Config } from "#config.ts";
import { type Checkup, degraded, down, ok } from "./checkup.ts";
import { request } from "./http.ts";

type Slack = Extract<Config["notifier"], { kind: "slack" }>;

const webhookHint = "Make a new incoming webhook at api.slack.com/apps → your app, and set SLACK_WEBHOOK_URL.";

/** An empty message: Slack refuses it with "no_text" where the webhook is good, and nobody sees anything. */
export function slackCheckup({ webhookUrl, signingSecret }: Slack, { send }: { send: boolean }): Checkup {
  const text = "Vigil: `vigil doctor --send` reached this channel.";
  return {
    name: "slack",
    async look(signal) {
      const body = JSON.stringify(send ? { text } : {});
      const headers = { "content-type": "application/json" };
      const reply = await request(webhookUrl, { method: "POST", headers, body, signal });
      const buttons =
        signingSecret === null
          ? degraded("no SLACK_SIGNING_SECRET: messages have no buttons", "Copy it from the app's Basic Information.")
          : ok("SLACK_SIGNING_SECRET is set");
      return { slack: webhookFinding(reply, send), "slack buttons": buttons };
    },
  };
}

function webhookFinding(reply: Awaited<ReturnType<typeof request>>, sent: boolean) {
  if (reply === undefined) return down("Slack does not answer", "Check SLACK_WEBHOOK_URL and the network.");
  if (sent && reply.status === 200) return ok("a message was sent");
  const said = reply.text.trim().slice(0, 60);
  if (!sent && reply.status === 400 && /^(no_text|invalid_payload|missing_text|no_active_hooks)/.test(said)) {
    return said === "no_active_hooks"
      ? down("the webhook was switched off", webhookHint)
      : ok("the webhook is good (nothing was sent)");
  }
  return down(`Slack refuses the webhook: ${reply.status} ${said.replace(/[^\w .-]/g, "")}`, webhookHint);
}
