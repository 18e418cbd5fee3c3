import type { ErrorEvent } from "#domain/event.ts";
import { errorEventFrom, trafficReportFrom } from "./given-event.ts";
import { lambdaText, type Spoken } from "./lambda-text.ts";
import { membersOf } from "./members.ts";
import type { Delivery, Parsed } from "./plain.ts";
import { operationFrom } from "./routes.ts";
import { stableId } from "./stable-id.ts";
import { VercelLine } from "./vercel-shape.ts";

/** Vercel's log drains: what the platform and the functions of a deployment print (detection.md §1a). */

export const drainBodyBytesMax = 10 * 1024 * 1024;
const limits = { memberBytesMax: 1024 * 1024, membersMax: 20_000, depthMax: 12 };
/** Lines of what ran for a visitor; builds, the firewall and redirects are not the application. */
const runtimeSources = new Set(["edge", "edge-light", "lambda", "static", "external", "serverless"]);

export interface DrainDelivery extends Delivery {
  /** Lines of other projects of the team are left aside; `null` takes them all. */
  projectId: string | null;
  /** The share of requests that the drain is set to send, above 0 up to 1. */
  samplingRate: number;
}

/**
 * Reads a list or lines of JSON. One request is counted once however many lines it printed, under an id of its own, so
 * that a batch that is sent again changes nothing. A request that failed and printed no error becomes an event of kind
 * `http`.
 */
export function parseDrain(body: Buffer, delivery: DrainDelivery): Parsed {
  const parsed: Parsed = { events: [], traffic: [], rejected: [] };
  const isLines = /^application\/(?:x-)?(?:ndjson|jsonl)\b/i.test(delivery.contentType ?? "");
  const seen: Seen = { requests: new Map(), events: new Set() };
  for (const [index, member] of membersOf(body.toString("utf8"), isLines, limits).entries()) {
    const line = member.kind === "text" ? lineOf(member.text) : member.reason;
    if (typeof line === "string") parsed.rejected.push({ index, reason: line });
    else if (isOurs(line, delivery)) take(parsed, index, line, seen, delivery);
  }
  for (const request of seen.requests.values()) count(parsed, request, delivery);
  return parsed;
}

function lineOf(text: string): VercelLine | string {
  try {
    const shape = VercelLine.safeParse(JSON.parse(text));
    return shape.success ? shape.data : "is no line of a drain";
  } catch {
    // Said to the sender as the record's reason.
    return "is not valid JSON";
  }
}

function isOurs({ source, projectId }: VercelLine, delivery: DrainDelivery): boolean {
  return runtimeSources.has(source ?? "") && (delivery.projectId === null || projectId === delivery.projectId);
}

/** What the lines of one request say together. */
interface Request {
  id: string;
  line: VercelLine;
  status: number | null;
  hasError: boolean;
}

interface Seen {
  requests: Map<string, Request>;
  events: Set<string>;
}

function take(parsed: Parsed, index: number, line: VercelLine, seen: Seen, delivery: DrainDelivery): void {
  const request = line.requestId ? noted(seen.requests, line.requestId, line) : undefined;
  if (line.level !== "error" && line.level !== "fatal") return;
  const spoken = lambdaText(line.message ?? "");
  if (spoken === undefined) return;
  const event = eventOf(line, spoken, delivery);
  if (typeof event === "string") {
    parsed.rejected.push({ index, reason: event });
    return;
  }
  if (request !== undefined) request.hasError = true;
  if (!seen.events.has(event.id)) parsed.events.push(event);
  seen.events.add(event.id);
}

/** The worst that any line says about a request counts: −1 (the function gave no answer), then the highest status. */
function noted(requests: Map<string, Request>, id: string, line: VercelLine): Request {
  const known = requests.get(id);
  const status = statusOf(line);
  if (known === undefined) {
    const request = { id, line, status, hasError: false };
    requests.set(id, request);
    return request;
  }
  if (known.status === null || isFailure(status)) known.status = status;
  if (!known.line.proxy && line.proxy) known.line = { ...line, level: known.line.level };
  return known;
}

function statusOf({ statusCode, proxy }: VercelLine): number | null {
  return statusCode === -1 ? -1 : (proxy?.statusCode ?? statusCode ?? null);
}

function isFailure(status: number | null): boolean {
  return status !== null && (status === -1 || status >= 500);
}

/** The page was rendered anew in the background: no visitor waited, and its status says nothing. */
function isRevalidation({ proxy }: VercelLine): boolean {
  return proxy?.statusCode === -1;
}

function eventOf(line: VercelLine, spoken: Spoken, delivery: DrainDelivery): ErrorEvent | string {
  const [thrown] = spoken.thrown;
  const words = thrown?.message ?? spoken.message;
  const status = statusOf(line);
  return errorEventFrom(
    {
      ...commonOf(line),
      // The application and the framework often print the same error, each in its own line.
      id: stableId("vercel", line.requestId ?? line.id ?? delivery.newId(), thrown?.type ?? "", words.slice(0, 1_000)),
      level: spoken.isUnhandled || line.level === "fatal" ? "fatal" : "error",
      handled: !(spoken.isUnhandled || line.level === "fatal" || isFailure(status)),
      thrown: spoken.thrown,
      message: spoken.message,
    },
    delivery,
  );
}

function commonOf(line: VercelLine) {
  const status = isRevalidation(line) ? (line.statusCode ?? null) : statusOf(line);
  return {
    source: "vercel",
    timestamp: line.timestamp ?? null,
    environment: line.environment ?? null,
    // The commit behind a deployment is the platform's to tell.
    release: line.deploymentId ?? null,
    operation: operationFrom(null, line.proxy?.method, line.path || line.proxy?.path),
    httpStatus: status,
    traceId: line.traceId ?? line["trace.id"] ?? null,
    requestId: line.requestId ?? null,
    user: visitorOf(line),
    tags: isRevalidation(line) ? { noise: "revalidation" } : isProbe(line) ? { noise: "probe" } : {},
  };
}

function isProbe(line: VercelLine): boolean {
  return agentsOf(line).some((agent) => agent.startsWith("vigil-probe"));
}

/** Nobody signs in to a platform's log: who asked is as near as it gets, and only a keyed hash of it is kept. */
function visitorOf(line: VercelLine): string | null {
  return line.proxy?.clientIp ? `${line.proxy.clientIp} ${agentsOf(line).join(" ").slice(0, 300)}` : null;
}

function agentsOf({ proxy }: VercelLine): string[] {
  const agents = Array.isArray(proxy?.userAgent) ? proxy.userAgent : [proxy?.userAgent];
  return agents.filter((agent) => typeof agent === "string");
}

function count(parsed: Parsed, { id, line, status, hasError }: Request, delivery: DrainDelivery): void {
  const isRequest = line.proxy && !isRevalidation(line) && !isProbe(line) && status !== null;
  if (!isRequest) return;
  const common = commonOf(line);
  const weight = Math.max(1, Math.round(1 / delivery.samplingRate));
  const report = trafficReportFrom(
    {
      id: stableId("vercel-request", id),
      timestamp: line.proxy?.timestamp ?? common.timestamp,
      environment: common.environment,
      release: common.release,
      operation: common.operation ?? "",
      requests: weight,
      failures: isFailure(status) ? weight : 0,
    },
    delivery,
  );
  if (typeof report !== "string") parsed.traffic.push(report);
  if (isFailure(status) && !hasError) addFailedRequest(parsed, id, status, common, delivery);
}

function addFailedRequest(
  parsed: Parsed,
  id: string,
  status: number | null,
  common: ReturnType<typeof commonOf>,
  delivery: DrainDelivery,
): void {
  const answer = status === -1 ? "gave no answer" : `answered ${status}`;
  const event = errorEventFrom(
    {
      ...common,
      id: stableId("vercel-failure", id),
      kind: "http",
      level: "error",
      handled: false,
      thrown: [],
      message: `${common.operation ?? "A request"} ${answer}`,
      httpStatus: status,
    },
    delivery,
  );
  if (typeof event !== "string") parsed.events.push(event);
}
