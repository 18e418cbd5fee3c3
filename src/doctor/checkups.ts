import { join } from "node:path";
import { probeSandbox } from "#adapters/test-bench/probe.ts";
import { secretValuesOf } from "#config/secret-values.ts";
import type { Config } from "#config.ts";
import { type Checkup, degraded, down, type Findings, ok } from "./checkup.ts";
import { claudeCheckup } from "./claude.ts";
import { databaseCheckup } from "./database.ts";
import { githubCheckup } from "./github.ts";
import { ownServerCheckup } from "./own-server.ts";
import { urlCheckup } from "./releases.ts";
import { slackCheckup } from "./slack.ts";
import { supabaseCheckup } from "./supabase.ts";
import { vercelCheckups } from "./vercel.ts";

export interface DoctorOptions {
  /** Sends one message to Slack; otherwise nobody sees anything of a check. */
  send: boolean;
}

/** Everything that can be looked at from outside, as the configuration chose it. An embedded database is looked at by its owner. */
export function checkupsFor(config: Config, options: DoctorOptions): Checkup[] {
  const { database, repository, platform, notifier, operators } = config;
  const directory = join(import.meta.dirname, "..", "..", "supabase", "migrations");
  return [
    ...(database.kind === "postgres"
      ? [
          databaseCheckup({ ...database, directory, isVercel: !config.workers }),
          ownServerCheckup(config.appUrl, { hasCronSecret: config.secrets.cronSecret !== null }),
        ]
      : []),
    ...(repository.kind === "github" ? [githubCheckup(repository)] : []),
    ...(platform.kind === "vercel" ? vercelCheckups(platform, config) : []),
    ...(platform.kind === "url" ? [urlCheckup(platform, config.oversight)] : []),
    claudeCheckup(config.engineer),
    ...(notifier.kind === "slack" ? [slackCheckup(notifier, options)] : []),
    ...(operators.supabase === null ? [] : [supabaseCheckup(operators.supabase)]),
    ...(config.testBench.kind === "sandbox" && repository.kind !== "demo" ? [sandboxCheckup()] : []),
    { name: "settings", look: async () => settingsFindings(config) },
  ];
}

function sandboxCheckup(): Checkup {
  return {
    name: "sandbox",
    look: async () => {
      const found = await probeSandbox({ nodePath: process.execPath });
      const hint = "Install bubblewrap, or set AGENT_SANDBOX=none for code that you trust with Vigil's own rights.";
      return {
        sandbox: found.kind === "unavailable" ? down("tests cannot be run in a sandbox here", hint) : ok("ready"),
      };
    },
  };
}

/** What needs no asking. */
function settingsFindings({ secrets, operators, notifier, oversight, database }: Config): Findings {
  const nobodySignsIn = operators.password === null && operators.supabase === null;
  return {
    "ingest key":
      secrets.ingestKey === null
        ? down("no AGENT_INGEST_KEY: no application can report errors", "openssl rand -base64 32")
        : ok("set"),
    "operators' sign-in": nobodySignsIn
      ? down("nobody can sign in", "Set AGENT_OPERATOR_PASSWORD, or the variables of Supabase Auth.")
      : ok(operators.supabase === null ? "by password" : "by Supabase Auth"),
    ...(notifier.kind === "console"
      ? {
          notifications: degraded(
            "messages go to the server's output only",
            "Set SLACK_BOT_TOKEN and SLACK_CHANNEL, or SLACK_WEBHOOK_URL (docs/slack.md).",
          ),
        }
      : {}),
    ...(oversight.heartbeatUrl === null && database.kind === "postgres"
      ? { heartbeat: degraded("nobody notices when Vigil itself stops", "Set HEARTBEAT_URL (any dead man's switch).") }
      : {}),
  };
}

/** The configured secrets taken out of whatever a service said. */
export function withoutSecrets(findings: Findings, config: Config): Findings {
  const secrets = secretValuesOf(config).filter((value) => value.length >= 8);
  const clean = (text: string) => secrets.reduce((cleaned, secret) => cleaned.replaceAll(secret, "[secret]"), text);
  return Object.fromEntries(
    Object.entries(findings).map(([name, { status, message, hint }]) => [
      name,
      { status, message: clean(message), ...(hint === undefined ? {} : { hint: clean(hint) }) },
    ]),
  );
}
