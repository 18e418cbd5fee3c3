import { randomUUID } from "node:crypto";

const flushEveryMs = 250;
const sendTimeoutMs = 3_000;
/** Errors waiting to be sent while the receiver is away. */
const waitingMax = 200;
/** Of one kind in one delivery: in an outage more of the same say nothing new, and every request is counted anyway. */
const sameMax = 5;

const environment = process.env.ENVIRONMENT ?? "development";
const release = process.env.RELEASE ?? null;
const url = process.env.REPORT_URL;
const key = process.env.REPORT_KEY ?? "";

let waiting: object[] = [];
const sameSoFar = new Map<string, number>();
const counts = new Map<string, { requests: number; failures: number }>();

/** An error that a route did not catch. */
export function reportError(error: unknown, request: { operation: string; status: number; userId: string | null }): void {
  const { name, message, stack } = error instanceof Error ? error : new Error(String(error));
  const kind = `${request.operation} ${message}`;
  const same = (sameSoFar.get(kind) ?? 0) + 1;
  sameSoFar.set(kind, same);
  if (same > sameMax) return;
  enqueue({
    level: "error",
    handled: false,
    exception: { type: name, message, stack },
    operation: request.operation,
    status: request.status,
    ...(request.userId === null ? {} : { user: { id: request.userId } }),
  });
}

/** Something that a person at the front desk saw and wrote down. */
export function reportFeedback(message: string, about: { issueType: string; operation: string; userId: string | null }): void {
  enqueue({
    issue_type: about.issueType,
    level: "warning",
    handled: true,
    message,
    operation: about.operation,
    ...(about.userId === null ? {} : { user: { id: about.userId } }),
  });
}

/** One answered request, for the counts that errors are compared with. */
export function countRequest(operation: string, failed: boolean): void {
  if (url === undefined) return;
  const count = counts.get(operation) ?? { requests: 0, failures: 0 };
  count.requests += 1;
  count.failures += failed ? 1 : 0;
  counts.set(operation, count);
}

/** Sends what has gathered. Never throws and never holds up a request. */
export async function flushReports(): Promise<void> {
  const errors = waiting;
  const batch = [...trafficSoFar(), ...errors];
  waiting = [];
  sameSoFar.clear();
  if (url === undefined || batch.length === 0) return;
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
      body: JSON.stringify(batch),
      signal: AbortSignal.timeout(sendTimeoutMs),
    });
    await response.body?.cancel();
    if (response.status >= 500) sendAgain(errors);
  } catch {
    sendAgain(errors);
  }
}

export function startReporting(): void {
  setInterval(() => void flushReports(), flushEveryMs).unref();
}

function enqueue(event: object): void {
  if (url === undefined || waiting.length >= waitingMax) return;
  waiting.push({ type: "error", id: randomUUID(), timestamp: new Date().toISOString(), environment, release, ...event });
}

/** Errors carry an id and may arrive twice. Counts do not: one sent twice would be worse than one lost. */
function sendAgain(errors: object[]): void {
  waiting = [...errors, ...waiting].slice(0, waitingMax);
}

function trafficSoFar(): object[] {
  const timestamp = new Date().toISOString();
  const reports = [...counts].map(([operation, count]) => {
    return { type: "traffic", timestamp, environment, release, operation, ...count };
  });
  counts.clear();
  return reports;
}
