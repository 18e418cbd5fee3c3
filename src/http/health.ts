import { setTimeout as after } from "node:timers/promises";
import type { HealthReport } from "#agent.ts";
import { Failure } from "#domain/failure.ts";
import { type Http, thisProcess } from "./context.ts";
import { endpoint, errorResponse, type Handler, json } from "./respond.ts";

/** An uptime monitor waits no longer; neither do we. */
const answerWithinMs = 5_000;

/** 200 while Vigil does its work, also with a part of it degraded; 503 when it does not. */
export function health(http: Http = thisProcess, withinMs: number = answerWithinMs) {
  const look: Handler = async (request) => {
    const report = await reportOf(http, withinMs, request);
    return json(report, { status: report.status === "down" ? 503 : 200 });
  };
  return endpoint(http.log, { GET: look, HEAD: look });
}

async function reportOf({ agentOf, log }: Http, withinMs: number, request: Request): Promise<HealthReport> {
  const giveUp = new AbortController();
  const late = after(withinMs, undefined, { signal: giveUp.signal, ref: false }).then(() => {
    throw new Failure("unavailable", `Nothing answered within ${withinMs} ms.`);
  });
  try {
    return await Promise.race([agentOf().then((agent) => agent.health()), late]);
  } catch (error) {
    // Logs what nobody may see; the answer says the rest.
    errorResponse(error, log, request);
    return down(error);
  } finally {
    late.catch(() => undefined);
    giveUp.abort();
  }
}

function down(error: unknown): HealthReport {
  const known =
    error instanceof Failure ? error : new Failure("unavailable", "Vigil could not start; the log says why.");
  const check = {
    status: "down" as const,
    message: known.message,
    ...(known.hint !== undefined && { hint: known.hint }),
  };
  return { status: "down", version: "unknown", checks: { start: check } };
}
