import type { Config } from "#config.ts";
import { type Checkup, degraded, down, ok } from "./checkup.ts";
import { request } from "./http.ts";

type Slack = Extract<Config["notifier"], { kind: "slack" }>;

const webhookHint = "Make a new incoming webhook at api.slack.com/apps → your app, and set SLACK_WEBHOOK_URL.";
const botHint = "Check SLACK_BOT_TOKEN and SLACK_CHANNEL, and invite the bot to the channel: docs/slack.md.";

/** Nobody sees anything of it, unless a message is asked for. */
export function slackCheckup({ delivery, apiUrl, ...click }: Slack, { send }: { send: boolean }): Checkup {
  return {
    name: "slack",
    async look(signal) {
      const slack =
        delivery.kind === "webhook"
          ? await lookAtWebhook(delivery.url, { send, signal })
          : await lookAtBot({ ...delivery, apiUrl: apiUrl ?? "https://slack.com/api/" }, { send, signal });
      return { slack, "slack buttons": buttonsFinding(click) };
    },
  };
}

type Look = { send: boolean; signal: AbortSignal };
const text = "Vigil: `vigil doctor --send` reached this channel.";

/** An empty message: Slack refuses it with "no_text" where the webhook is good. */
async function lookAtWebhook(url: string, { send, signal }: Look) {
  const body = JSON.stringify(send ? { text } : {});
  const headers = { "content-type": "application/json" };
  return webhookFinding(await request(url, { method: "POST", headers, body, signal }), send);
}

/** Whether the bot may write to the channel shows only by writing. */
async function lookAtBot(bot: { token: string; channel: string; apiUrl: string }, { send, signal }: Look) {
  const headers = { authorization: `Bearer ${bot.token}`, "content-type": "application/json; charset=utf-8" };
  const method = send ? "chat.postMessage" : "auth.test";
  const body = JSON.stringify(send ? { channel: bot.channel, text } : {});
  const reply = await request(`${bot.apiUrl}${method}`, { method: "POST", headers, body, signal });
  if (reply === undefined) return down("Slack does not answer", "Check the network.");
  const said = /"error": ?"([a-z_]{1,60})"/.exec(reply.text)?.[1];
  if (said !== undefined || reply.status !== 200)
    return down(`Slack refuses the bot: ${said ?? reply.status}`, botHint);
  return ok(send ? "a message was sent" : "the bot's token is good (nothing was sent; --send tries the channel)");
}

function buttonsFinding({ signingSecret, operators }: Pick<Slack, "signingSecret" | "operators">) {
  if (signingSecret === null) {
    return degraded("no SLACK_SIGNING_SECRET: messages have no buttons", "Copy it from the app's Basic Information.");
  }
  const who = Object.keys(operators).length;
  if (who === 0)
    return degraded("no SLACK_OPERATORS: nobody may approve in Slack", "docs/slack.md says how to name them.");
  return ok(`SLACK_SIGNING_SECRET is set, and ${who} may decide`);
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
