import { z } from "zod";
import { createAgent, type HealthReport } from "#agent.ts";
import { config } from "#config.ts";
import { Failure } from "#domain/failure.ts";

const marks = { ok: "✓", degraded: "!", down: "✗" } as const;
const askTimeoutMs = 5_000;
const Report = z.object({
  status: z.enum(["ok", "degraded", "down"]),
  version: z.string(),
  checks: z.record(
    z.string(),
    z.object({ status: z.enum(["ok", "degraded", "down"]), message: z.string(), hint: z.string().optional() }),
  ),
});

/** Checks what is configured and whether it answers. Answers whether everything is well. */
export async function doctor(options: { json: boolean; write: (line: string) => void }): Promise<boolean> {
  const report = await examine();
  if (options.json) options.write(JSON.stringify(report));
  else for (const line of inWords(report)) options.write(line);
  return report.status === "ok";
}

async function examine(): Promise<HealthReport> {
  let url: string;
  try {
    url = config().appUrl;
  } catch (error) {
    return failed("configuration", error);
  }
  // A server that runs holds the embedded database: it is asked instead.
  const running = await ask(url);
  if (running !== undefined) return running;
  try {
    const agent = await createAgent(config(), () => {});
    try {
      return await agent.health();
    } finally {
      await agent.stop();
    }
  } catch (error) {
    return failed("start", error);
  }
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

function failed(check: string, error: unknown): HealthReport {
  if (!(error instanceof Failure)) throw error;
  const { message, hint } = error;
  return {
    status: "down",
    version: "",
    checks: { [check]: { status: "down", message, ...(hint === undefined ? {} : { hint }) } },
  };
}

function inWords({ status, checks }: HealthReport): string[] {
  const lines = Object.entries(checks).flatMap(([name, check]) => {
    const line = `${marks[check.status]} ${name}: ${check.message}`;
    return check.hint === undefined || check.status === "ok" ? [line] : [line, `    ${check.hint}`];
  });
  return [...lines, status === "ok" ? "Everything is well." : "Something needs attention."];
}
