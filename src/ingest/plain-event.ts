import { ErrorEvent, TrafficReport } from "#domain/event.ts";
import type { Environment } from "#domain/ids.ts";
import { cleanLine, cleanText, cut } from "#domain/text.ts";
import { framesOf } from "./frames.ts";
import type { Delivery } from "./plain.ts";
import { type PlainEvent, type PlainTraffic, thrown } from "./plain-shape.ts";
import type { Scrubber } from "./scrub.ts";

/** From a parsed record to the domain's event: times held to the clock, names to their sets, texts cleaned and scrubbed. */

/** Longer texts are cut before anything is done with them; the scrubber cuts again, and knows that something is missing. */
const rawCharactersMax = 70_000;
const messageCharactersMax = 8_192;
const stackCharactersMax = 32_768;
const tagsMax = 50;

/** The event, or why it cannot be taken. */
export function errorEventOf(plain: PlainEvent, delivery: Delivery): ErrorEvent | string {
  const place = placeOf(plain.environment, delivery);
  if (typeof place === "string") return place;
  const { at, ...clockTags } = momentOf(plain.timestamp, delivery.receivedAt);
  const notes = { ...place.tags, ...clockTags.tags };
  const event = ErrorEvent.safeParse({
    id: idOf(plain, delivery),
    at,
    trust: delivery.key.trust,
    environment: place.environment,
    level: levelOf(plain.level),
    handled: plain.handled ?? false,
    httpStatus: plain.status ?? plain.httpStatus ?? null,
    userHash: userOf(plain.user, delivery),
    ...wordsOf(plain, notes, delivery.scrubber),
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
    release: line(plain.release, 200, delivery.scrubber),
    operation: operationOf(plain.operation ?? plain.route, delivery.scrubber) ?? "",
    requests: plain.requests,
    failures: plain.failures,
  });
  return report.success ? report.data : "cannot be brought into the shape of a traffic report";
}

type Words = Pick<
  ErrorEvent,
  "source" | "message" | "stack" | "frames" | "errorType" | "operation" | "release" | "issueType" | "tags"
>;

/**
 * Everything that people or programs wrote. Fails closed: when a text cannot be scrubbed, no text of the event is kept
 * (detection.md §2.3, step 11).
 */
function wordsOf(plain: PlainEvent, notes: Record<string, string>, scrubber: Scrubber): Words {
  try {
    return scrubbedWords(plain, notes, scrubber);
  } catch {
    const message = "The text of this event was withheld: it could not be scrubbed.";
    const nothing = { source: "plain", errorType: null, operation: null, release: null, issueType: null };
    return { message, stack: null, frames: [], ...nothing, tags: notes };
  }
}

function scrubbedWords(plain: PlainEvent, notes: Record<string, string>, scrubber: Scrubber): Words {
  const exception = thrown(plain);
  const own = exception?.message || exception?.value;
  const message = block(own || plain.message, messageCharactersMax, scrubber) || "(no message)";
  const stack = block(exception?.stack ?? exception?.stacktrace ?? plain.stack, stackCharactersMax, scrubber) || null;
  const tags = tagsOf(plain.tags, scrubber);
  // A log line around an exception says something else than the exception does.
  if (own && plain.message && plain.message !== own) tags.log_message = line(plain.message, 300, scrubber) ?? "";
  return {
    source: line(plain.source, 50, scrubber) ?? "plain",
    message,
    stack,
    frames: stack === null ? [] : framesOf(stack, message),
    errorType: line(givenType(plain), 200, scrubber) ?? typeIn(stack),
    operation: operationOf(plain.operation ?? plain.route, scrubber),
    release: line(plain.release, 200, scrubber),
    issueType: line(plain.issue_type ?? plain.issueType, 100, scrubber),
    tags: { ...tags, ...notes },
  };
}

/** Where an event comes from: the key decides, and a claim that differs from it is only noted (detection.md §2.1). */
function placeOf(
  claimed: string | null | undefined,
  { key }: Delivery,
): { environment: Environment; tags: Record<string, string> } | string {
  const claim = claimed?.slice(0, 100).trim().toLowerCase() ?? "";
  const environment = environments[claim];
  if (key.environment === null) {
    if (claim === "") return { environment: "production", tags: {} };
    // Events of a developer's machine must not count as production's.
    return environment === undefined ? "environment must be staging or production" : { environment, tags: {} };
  }
  const differs = claim !== "" && environment !== key.environment;
  return { environment: key.environment, tags: differs ? { claimed_environment: quoted(claim) } : {} };
}

const environments: Record<string, Environment | undefined> = Object.assign(Object.create(null), {
  production: "production",
  prod: "production",
  staging: "staging",
  preview: "staging",
});

const earliestMs = 7 * 24 * 60 * 60_000;
const latestMs = 2 * 60_000;

/** The sender's time; the server's own, with a note, where that is missing the mark by more than −7 days or +2 minutes. */
function momentOf(
  given: string | number | null | undefined,
  receivedAt: Date,
): { at: Date; tags: Record<string, string> } {
  if (given === undefined || given === null) return { at: receivedAt, tags: {} };
  const aheadMs = millisecondsOf(given) - receivedAt.getTime();
  if (aheadMs >= -earliestMs && aheadMs <= latestMs) return { at: new Date(receivedAt.getTime() + aheadMs), tags: {} };
  return { at: receivedAt, tags: { clock: `sender said ${quoted(String(given))}` } };
}

/** ISO text, seconds or milliseconds since 1970; NaN for anything else. */
function millisecondsOf(given: string | number): number {
  const number =
    typeof given === "number" ? given : /^\d{9,16}(?:\.\d{1,9})?$/.test(given.trim()) ? Number(given) : NaN;
  if (!Number.isNaN(number)) return Math.abs(number) < 1e11 ? number * 1_000 : number;
  return typeof given === "string" && given.length <= 40 ? Date.parse(given) : NaN;
}

/** A claim in a note: only what cannot be anything but a name or a time. */
function quoted(claim: string): string {
  return /^[\w:.+-]{1,40}$/.test(claim) ? claim : "something unreadable";
}

function idOf({ id, event_id }: PlainEvent, { newId }: Delivery): string {
  const given = id ?? event_id ?? "";
  return /^[\w.:-]{1,100}$/.test(given) ? given : newId();
}

const levels: Record<string, ErrorEvent["level"] | undefined> = Object.assign(Object.create(null), {
  fatal: "fatal",
  critical: "fatal",
  error: "error",
  warning: "warning",
  warn: "warning",
  info: "info",
  log: "info",
  debug: "debug",
  trace: "debug",
});

function levelOf(given: string | null | undefined): ErrorEvent["level"] {
  return levels[given?.slice(0, 20).toLowerCase() ?? ""] ?? "error";
}

function userOf(user: PlainEvent["user"], { hashUser }: Delivery): string | null {
  const key = typeof user === "object" ? (user?.id ?? user?.email ?? user?.username ?? user?.name) : user;
  return key === undefined || key === null || key === "" ? null : hashUser(String(key).slice(0, 1_000));
}

/** `POST /api/orders`: without a query, which would make every request an operation of its own and may hold secrets. */
function operationOf(given: string | null | undefined, scrubber: Scrubber): string | null {
  return line(given?.slice(0, rawCharactersMax).replace(/[?#].*$/s, ""), 300, scrubber);
}

function tagsOf(tags: PlainEvent["tags"], scrubber: Scrubber): Record<string, string> {
  const kept = Object.entries(tags ?? {})
    .filter(([name, value]) => !isTrap(name) && isScalar(value))
    .slice(0, tagsMax)
    .map(([name, value]) => [tagNameOf(name, scrubber), tagValueOf(name, String(value), scrubber)] as const);
  return Object.fromEntries(kept.filter(([name]) => name !== "" && !isTrap(name)));
}

/** Keys that would reach into JavaScript's own objects. */
function isTrap(name: string): boolean {
  return name === "__proto__" || name === "constructor" || name === "prototype";
}

function isScalar(value: unknown): boolean {
  return (
    typeof value === "string" || typeof value === "boolean" || (typeof value === "number" && Number.isFinite(value))
  );
}

function tagNameOf(name: string, scrubber: Scrubber): string {
  return line(name, 100, scrubber) ?? "";
}

function tagValueOf(name: string, value: string, scrubber: Scrubber): string {
  return cut(scrubber.value(name, cleanLine(value.slice(0, rawCharactersMax))), 300);
}

function block(given: string | null | undefined, charactersMax: number, scrubber: Scrubber): string {
  return cut(scrubber.text(cleanText((given ?? "").slice(0, rawCharactersMax))), charactersMax);
}

function line(given: string | null | undefined, charactersMax: number, scrubber: Scrubber): string | null {
  return cut(scrubber.text(cleanLine((given ?? "").slice(0, rawCharactersMax))), charactersMax) || null;
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
