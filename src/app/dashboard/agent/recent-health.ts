import type { Agent, HealthReport } from "#agent.ts";

/** Asking the repository costs a process or a request to another host: no view of the page may wait for that again and again. */
const keptMs = 10_000;
let last: { agent: Agent; at: number; report: Promise<HealthReport> } | undefined;

/** The agent's health as it was within the last ten seconds. Whoever watches over the agent asks `/api/health`, which looks each time. */
export function recentHealth(agent: Agent): Promise<HealthReport> {
  if (last !== undefined && last.agent === agent && performance.now() - last.at < keptMs) return last.report;
  const asked = { agent, at: performance.now(), report: agent.health() };
  last = asked;
  asked.report.catch(() => {
    if (last === asked) last = undefined;
  });
  return asked.report;
}
