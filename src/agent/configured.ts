import { databaseAdvice } from "#config/database.ts";
import type { Config } from "#config.ts";
import type { Failure } from "#domain/failure.ts";
import type { HealthReport } from "#engine/health.ts";

/** What the configuration lacks, as the dashboard and `vigil doctor` show it. */
export function configuredChecks(chosen: Config, trouble: Failure | null): HealthReport["checks"] {
  const { engineer, secrets, notifier } = chosen;
  const advice = databaseAdvice(chosen);
  const unset = Object.entries(secrets).flatMap(([name, value]) => (value === null ? [name] : []));
  return {
    claude: claudeCheck(engineer, trouble),
    ...(advice === undefined ? {} : { databaseAddress: advice }),
    secrets:
      unset.length === 0
        ? { status: "ok", message: "all set" }
        : { status: "degraded", message: `not set: ${unset.join(", ")}`, hint: "See .env.example." },
    notifications: {
      status: "ok",
      message: notifier.kind === "slack" ? "Slack" : "console (no SLACK_BOT_TOKEN or SLACK_WEBHOOK_URL)",
    },
  };
}

/**
 * Without a key the playbooks go on, which is said all the same (spec.md §13); where they are switched off as well, nobody
 * diagnoses anything.
 */
function claudeCheck(
  { claude, playbooks }: Config["engineer"],
  trouble: Failure | null,
): HealthReport["checks"][string] {
  const hint = "Set ANTHROPIC_API_KEY to a key that starts with sk-ant-.";
  switch (claude.kind) {
    case "malformed":
      return { status: "degraded", message: `ANTHROPIC_API_KEY ${claude.why}`, hint };
    case "missing":
      return {
        status: "degraded",
        message:
          playbooks === "first"
            ? "no ANTHROPIC_API_KEY: only the built-in playbooks diagnose and fix"
            : "no ANTHROPIC_API_KEY, and AGENT_PLAYBOOKS is off: nothing is diagnosed",
        hint,
      };
    case "present":
      return trouble === null
        ? { status: "ok", message: "configured" }
        : { status: "degraded", message: `the last call: ${trouble.message}`, hint: trouble.hint };
  }
}
