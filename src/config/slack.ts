import { z } from "zod";
import type { Config } from "../config.ts";
import type { Variables } from "./environment.ts";
import { secret } from "./operation.ts";

const signingSecretCharactersMin = 20;
const operatorsMax = 200;

/** Whom Vigil tells, and who may answer there. A bot token does more than a webhook, so it goes first. */
export function notifierOf(variables: Variables): Config["notifier"] {
  const delivery = deliveryOf(variables);
  const signingSecret = secret(variables, "SLACK_SIGNING_SECRET", signingSecretCharactersMin);
  const apiUrl = variables.url("SLACK_API_URL", { secureOnly: true });
  const operators = operatorsOf(variables);
  if (delivery === null) return { kind: "console" };
  return { kind: "slack", delivery, apiUrl: apiUrl === null ? null : `${apiUrl}/`, signingSecret, operators };
}

type Delivery = Extract<Config["notifier"], { kind: "slack" }>["delivery"];

function deliveryOf(variables: Variables): Delivery | null {
  const url = variables.url("SLACK_WEBHOOK_URL", { secureOnly: true });
  const token = variables.parsed(
    "SLACK_BOT_TOKEN",
    z.string().regex(/^xoxb-[\w-]{10,250}$/),
    "must be the app's bot token, which starts with xoxb-",
  );
  const channel = variables.parsed(
    "SLACK_CHANNEL",
    z.string().regex(/^[CG][A-Z0-9]{6,20}$/),
    "must be the id of the channel (C…), at the end of its details in Slack, not its name",
  );
  if (token !== null && channel !== null) return { kind: "bot", token, channel };
  const isHalf = variables.isSet("SLACK_BOT_TOKEN") !== variables.isSet("SLACK_CHANNEL");
  if (isHalf)
    variables.bad(token === null ? "SLACK_BOT_TOKEN" : "SLACK_CHANNEL", "must be set together with the other");
  return url === null ? null : { kind: "webhook", url };
}

/** `U012ABCDEF=alice@example.com, U345GHIJKL=bob@example.com` */
function operatorsOf(variables: Variables): Record<string, string> {
  const pair = z.string().regex(/^[UW][A-Z0-9]{4,20}=[\w.+@-]{1,100}$/);
  const list = variables.parsed(
    "SLACK_OPERATORS",
    z
      .string()
      .transform((text) => text.split(",").map((part) => part.trim()))
      .pipe(z.array(pair).max(operatorsMax)),
    "must be pairs of a Slack user's id and the operator's name, for example U012ABCDEF=alice@example.com,U345GHIJKL=bob@example.com",
  );
  return Object.fromEntries((list ?? []).map((one) => one.split("=") as [string, string]));
}
