import { z } from "zod";
import { createAgent, type HealthReport } from "#agent.ts";
import { type Config, config } from "#config.ts";
import { type Checkup, examine, type Findings } from "#doctor/checkup.ts";
import { checkupsFor, withoutSecrets } from "#doctor/checkups.ts";
import { Failure } from "#domain/failure.ts";

const marks = { ok: "✓", degraded: "!", down: "✗" } as const;
const askTimeoutMs = 5_000;
/** Opening an embedded database for the first time sets it up, demo included. */
const startLimitMs = 120_000;
const Report = z.object({
  status: z.enum(["ok", "degraded", "down"]),
  version: z.string(),
  checks: z.record(
    z.string(),
    z.object({ status: z.enum(["ok", "degraded", "down"]), message: z.string(), hint: z.string().optional() }),
  ),
});

export interface DoctorCommand {
  json: boolean;
  /** Sends a message to Slack. */
  send: boolean;
  write: (line: string) => unknown;
}

/**
 * Looks at everything that is configured, all at the same time, and says what to change. Changes nothing. Answers
 * whether Vigil can work: what is merely missing or surprising does not count.
 */
export async function doctor({ json, send, write }: DoctorCommand): Promise<boolean> {
  const report = await reportOf({ send });
  for (const line of json ? [JSON.stringify(report)] : inWords(report)) await write(line);
  return report.status !== "down";
}

async function reportOf({ send }: { send: boolean }): Promise<HealthReport> {
  let chosen: Config;
  try {
    chosen = config();
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    const { message, hint = "See .env.example." } = error;
    return summary({ configuration: { status: "down", message, hint } });
  }
  const own = chosen.database.kind === "embedded" ? await examine([ownerCheckup(chosen)], startLimitMs) : {};
  const found = { ...own, ...(await examine(checkupsFor(chosen, { send }))) };
  return summary(withoutSecrets(found, chosen));
}

function summary(checks: Findings): HealthReport {
  const worst = (["down", "degraded"] as const).find((status) =>
    Object.values(checks).some((one) => one.status === status),
  );
  return { status: worst ?? "ok", version: "", checks };
}

/** A server that runs holds the embedded database: it is asked. Otherwise this process opens it for a moment. */
function ownerCheckup(chosen: Config): Checkup {
  return {
    name: "start",
    async look() {
      const running = await ask(chosen.appUrl);
      if (running !== undefined) return running.checks;
      const agent = await createAgent(chosen, () => {});
      try {
        return (await agent.health()).checks;
      } finally {
        await agent.stop();
      }
    },
  };
}

async function ask(appUrl: string): Promise<HealthReport | undefined> {
  try {
    const response = await fetch(`${appUrl}/api/health`, { signal: AbortSignal.timeout(askTimeoutMs) });
    const parsed = Report.safeParse(await response.json());
    return parsed.success ? parsed.data : undefined;
  } catch {
    // Nobody listens there, or it is not Vigil: then this process looks for itself.
    return undefined;
  }
}

function inWords({ status, checks }: HealthReport): string[] {
  const width = Math.max(...Object.keys(checks).map((name) => name.length));
  const lines = Object.entries(checks).flatMap(([name, { status: how, message, hint }]) => {
    const [first = "", ...more] = message.split("\n");
    const indent = " ".repeat(width + 4);
    const body = [`${marks[how]} ${name.padEnd(width)}  ${first}`, ...more.map((line) => `${indent}${line}`)];
    return hint === undefined || how === "ok" ? body : [...body, `${indent}→ ${hint}`];
  });
  const ending = {
    ok: "Everything is well.",
    degraded: "Vigil can work. What is marked with ! deserves a look.",
    down: "Vigil cannot work yet: change what is marked with ✗, and run this again.",
  };
  return [...lines, ending[status]];
}
