import { ErrorEvent, type Thrown, TrafficReport } from "#domain/event.ts";
import { cleanLine } from "#domain/text.ts";
import { decided } from "./chain.ts";
import { spokenError } from "./error-text.ts";
import {
  block,
  idOf,
  levelOf,
  line,
  messageCharactersMax,
  momentOf,
  operationOf,
  placeOf,
  stackCharactersMax,
  tagsOf,
  userOf,
} from "./fields.ts";
import { thrownIn } from "./frames.ts";
import type { Delivery } from "./plain.ts";
import { type PlainEvent, type PlainException, type PlainTraffic, thrown } from "./plain-shape.ts";

/** From a parsed record to the domain's event. */

/** The event, or why it cannot be taken. */
export function errorEventOf(plain: PlainEvent, delivery: Delivery): ErrorEvent | string {
  const place = placeOf(plain.environment, delivery);
  if (typeof place === "string") return place;
  const { at, ...clockTags } = momentOf(plain.timestamp, delivery.receivedAt);
  const notes = { ...place.tags, ...clockTags.tags };
  const event = ErrorEvent.safeParse({
    id: idOf(plain.id ?? plain.event_id, delivery),
    at,
    trust: delivery.key.trust,
    environment: place.environment,
    level: levelOf(plain.level),
    handled: plain.handled ?? false,
    httpStatus: plain.status ?? plain.httpStatus ?? null,
    userHash: userOf(plain.user, delivery),
    ...wordsOf(plain, notes),
  });
  return event.success ? event.data : "cannot be brought into the shape of an event";
}

/** The report, or why it cannot be taken. */
export function trafficReportOf(plain: PlainTraffic, delivery: Delivery): TrafficReport | string {
  const place = placeOf(plain.environment, delivery);
  if (typeof place === "string") return place;
  const report = TrafficReport.safeParse({
    at: momentOf(plain.timestamp, delivery.receivedAt).at,
    environment: place.environment,
    release: line(plain.release, 200),
    operation: operationOf(plain.operation ?? plain.route) ?? "",
    requests: plain.requests,
    failures: plain.failures,
  });
  return report.success ? report.data : "cannot be brought into the shape of a traffic report";
}

type Words = Pick<
  ErrorEvent,
  "source" | "message" | "stack" | "frames" | "chain" | "errorType" | "operation" | "release" | "issueType" | "tags"
> &
  Partial<Pick<ErrorEvent, "kind" | "dist" | "clientFingerprint" | "externalHost" | "traceId" | "requestId">>;

/** Everything that people or programs wrote. */
function wordsOf(plain: PlainEvent, notes: Record<string, string>): Words {
  const exception = thrown(plain);
  const said = exceptionOf(plain);
  const { errorType, message, frames, chain } = decided([...said.thrown, ...causesOf(below(exception))]);
  const tags = tagsOf(plain.tags);
  // A log line around an exception says something else than the exception does.
  const own = exception?.message || exception?.value;
  const around = own && plain.message && plain.message !== own ? plain.message : said.before;
  if (around) tags.log_message = line(around, 300) ?? "";
  const externalHost = line(plain.externalHost ?? plain.external_host, 253);
  const isThrown = said.stack !== null || errorType !== null;
  return {
    kind: externalHost !== null && !isThrown ? "external" : "error",
    source: line(plain.source, 50) ?? "plain",
    ...{ message: message || "(no message)", stack: said.stack, frames, errorType, chain },
    operation: operationOf(plain.operation ?? plain.route),
    release: line(plain.release, 200),
    dist: line(plain.dist, 64),
    issueType: line(plain.issue_type ?? plain.issueType, 100),
    clientFingerprint: statedIn(plain.fingerprint),
    externalHost,
    traceId: line(plain.traceId ?? plain.trace_id, 64),
    requestId: line(plain.requestId ?? plain.request_id, 200),
    tags: { ...tags, ...notes },
  };
}

interface Said {
  thrown: Thrown[];
  stack: string | null;
  /** What a logger wrote before the exception. */
  before: string;
}

/** The exception in its own fields, or as a log line prints it. */
function exceptionOf(plain: PlainEvent): Said {
  const exception = thrown(plain);
  const message = block(exception?.message || exception?.value || plain.message, messageCharactersMax);
  const stack = block(exception?.stack ?? exception?.stacktrace ?? plain.stack, stackCharactersMax) || null;
  const type = line(givenType(plain), 200) ?? typeIn(stack);
  if (stack !== null) return { thrown: thrownIn(stack, { type, message }), stack, before: "" };
  const spoken = spokenError(message);
  const head = { type: type ?? spoken.type, message: type === null ? spoken.message : message };
  if (spoken.stack === null) return { thrown: [{ ...head, frames: [] }], stack: null, before: spoken.before };
  const said = { ...head, message: spoken.message };
  return { thrown: thrownIn(spoken.stack, said), stack: spoken.stack, before: spoken.before };
}

const causesMax = 8;

/** The causes that stand in fields of their own, outermost first. */
function causesOf(cause: PlainException | null | undefined): Thrown[] {
  const causes: Thrown[] = [];
  for (let next = cause; next !== null && next !== undefined && causes.length < causesMax; next = below(next)) {
    const message = block(next.message ?? next.value, messageCharactersMax);
    const stack = block(next.stack ?? next.stacktrace, stackCharactersMax);
    const type = line(next.type ?? next.name, 200) ?? typeIn(stack);
    causes.push(...thrownIn(stack, { type, message }));
  }
  return causes;
}

function below(exception: PlainException | null | undefined): PlainException | null | undefined {
  return exception?.cause ?? exception?.errors?.[0];
}

function statedIn(given: string | string[] | null | undefined): string[] | null {
  const texts = typeof given === "string" ? [given] : (given ?? []);
  const parts = texts.slice(0, 20).flatMap((text) => line(cleanLine(text), 200) ?? []);
  return parts.length === 0 ? null : parts;
}

/** The exception's class. A `type` that only says what kind of record this is says nothing. */
function givenType(plain: PlainEvent): string | null | undefined {
  const exception = thrown(plain);
  const own = /^(?:error|event|exception|log)$/.test(plain.type ?? "") ? null : plain.type;
  return exception?.type ?? exception?.name ?? own ?? plain.name;
}

/** `TypeError: …` at the head of a stack names the type where no field does. */
function typeIn(stack: string | null): string | null {
  return /^(?:Uncaught )?([A-Z][\w$.]{0,100}(?:Error|Exception))(?![\w$])/.exec(stack ?? "")?.[1] ?? null;
}
