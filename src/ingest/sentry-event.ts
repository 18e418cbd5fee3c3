import { isbot } from "isbot";
import type { ErrorEvent } from "#domain/event.ts";
import type { GivenFrame } from "./frames.ts";
import { errorEventFrom, type GivenThrown, saidIn } from "./given-event.ts";
import { remembering } from "./memory.ts";
import type { Delivery } from "./plain.ts";
import { operationFrom } from "./routes.ts";
import { SentryEvent, type SentryException, SentryExceptions, type SentryFrame } from "./sentry-shape.ts";

/** Lines that SDKs cut (`{snip}`) are no longer than this; a longer one is minified code and tells nothing. */
const contextCharactersMax = 300;
const tagsMax = 50;

/** One event in Sentry's JSON as the domain knows it, or why it cannot be taken. `sentAt`: the sender's clock when it sent. */
export function sentryErrorEventOf(
  value: unknown,
  delivery: Delivery,
  sentAt: string | null = null,
): ErrorEvent | string {
  const shape = SentryEvent.safeParse(value);
  if (!shape.success) return "is no event";
  const event = shape.data;
  const { handled, thrown } = understood(JSON.stringify([exceptionIn(value), event.debug_meta ?? null]));
  const isFromBrowser = event.platform === "javascript" && !event.contexts?.runtime;
  return errorEventFrom(
    {
      source: "sentry",
      id: event.event_id?.replaceAll("-", "").toLowerCase() ?? null,
      timestamp: onOurClock(event.timestamp, sentAt, delivery.receivedAt),
      isFromBrowser,
      ...{ environment: event.environment, release: event.release, dist: event.dist, level: event.level },
      handled,
      ...(thrown.length > 0 ? { thrown, message: wordsOf(event) } : saidIn(wordsOf(event) ?? "")),
      operation: operationFrom(event.transaction, event.request?.method, event.request?.url),
      httpStatus: event.contexts?.response?.status_code ?? null,
      traceId: event.contexts?.trace?.trace_id ?? null,
      requestId: headerOf(event, "x-request-id") ?? headerOf(event, "x-vercel-id"),
      user: userOf(event, isFromBrowser || delivery.key.trust === "browser" ? delivery.visitor : null),
      tags: { ...tagsOf(event.tags), ...noiseOf(event, isFromBrowser) },
      clientFingerprint: event.fingerprint?.filter((part) => part !== null) ?? null,
    },
    delivery,
  );
}

function exceptionIn(value: unknown): unknown {
  return typeof value === "object" && value !== null && "exception" in value ? (value.exception ?? null) : null;
}

/** Everything that follows from the exceptions alone; the same object for the same text. */
const understood = remembering({ charactersMax: 32_768, totalCharactersMax: 8_000_000 }, (text) => {
  const [given, meta]: unknown[] = JSON.parse(text);
  const values = SentryExceptions.safeParse(given).data?.values ?? [];
  const exceptions = chainOf(values.filter((link) => link !== null));
  const debugIds = debugIdsOf(SentryEvent.shape.debug_meta.safeParse(meta).data);
  return { handled: isHandled(exceptions), thrown: exceptions.map((exception) => thrownOf(exception, debugIds)) };
});

/**
 * From the outermost exception to its root cause. Of several errors in one (AggregateError) the first leads on: its
 * siblings are no causes of it.
 */
function chainOf(values: SentryException[]): SentryException[] {
  const fromOutside = values.toReversed();
  const byId = new Map(fromOutside.map((exception) => [exception.mechanism?.exception_id ?? null, exception]));
  const root = byId.get(0);
  if (root === undefined || byId.size !== values.length) return fromOutside;
  const chain = [root];
  for (let id = 0; chain.length < values.length; ) {
    const children = values.filter(({ mechanism }) => mechanism?.parent_id === id && mechanism.exception_id !== id);
    const ids = children.map(({ mechanism }) => mechanism?.exception_id ?? 0);
    id = Math.min(...ids);
    const next = byId.get(id);
    // A sender may draw a circle; every link counts once.
    if (next === undefined || chain.includes(next)) break;
    chain.push(next);
  }
  return chain;
}

function thrownOf({ type, value, stacktrace, mechanism }: SentryException, debugIds: Map<string, string>): GivenThrown {
  // What was thrown was no error: the SDK shows where it was caught, which is the same place for everything.
  const isMadeUp = mechanism?.synthetic === true && mechanism.type !== "onerror";
  const frames = (isMadeUp ? [] : (stacktrace?.frames ?? [])).filter((frame) => frame !== null).toReversed();
  return {
    type: type ?? null,
    message: value ?? null,
    frames: frames.map((frame) => frameFrom(frame, debugIds)),
  };
}

function frameFrom(frame: SentryFrame, debugIds: Map<string, string>): GivenFrame {
  const file = frame.filename || frame.abs_path || frame.module || "";
  const context = frame.context_line ?? "";
  return {
    file,
    function: frame.function ?? "",
    line: frame.lineno ?? null,
    column: frame.colno ?? null,
    inApp: frame.in_app ?? undefined,
    context: frame.in_app === false || context.length > contextCharactersMax ? null : context,
    debugId: debugIds.get(frame.abs_path ?? "") ?? debugIds.get(file) ?? null,
  };
}

function debugIdsOf(meta: SentryEvent["debug_meta"]): Map<string, string> {
  const images = meta?.images?.flatMap((image) => (image?.code_file && image.debug_id ? [image] : [])) ?? [];
  return new Map(images.map(({ code_file, debug_id }) => [code_file ?? "", debug_id ?? ""]));
}

/** One link that nobody caught is enough. Nothing thrown is a message, which an application sends on purpose. */
function isHandled(exceptions: SentryException[]): boolean {
  if (exceptions.some(({ mechanism }) => mechanism?.handled === false)) return false;
  return exceptions.length === 0 || exceptions.some(({ mechanism }) => mechanism?.handled === true);
}

function wordsOf({ logentry, message }: SentryEvent): string | null {
  return logentry?.formatted || logentry?.message || message?.formatted || message?.message || null;
}

/** A clock that is wrong is wrong by the same amount when it sends. */
function onOurClock(given: string | number | null | undefined, sentAt: string | null, receivedAt: Date) {
  const sentMs = Date.parse(sentAt?.slice(0, 40) ?? "");
  const givenMs = typeof given === "number" ? given * 1_000 : Date.parse(given?.slice(0, 40) ?? "");
  const heldMs = sentMs - givenMs;
  // Only a plausible pair is used; otherwise the rules for any other time apply.
  if (!(heldMs >= 0 && heldMs < 7 * 24 * 60 * 60_000)) return given ?? null;
  return (receivedAt.getTime() - heldMs) / 1_000;
}

/** Whoever is named first; else who asks from where, which is all that is known of a browser's visitor. */
function userOf({ user, request }: SentryEvent, visitor: string | null | undefined): string | null {
  const named = user?.id ?? user?.email ?? user?.username;
  if (named !== null && named !== undefined && named !== "") return String(named);
  const address = user?.ip_address;
  if (!address || address === "{{auto}}") return visitor ?? null;
  return `${address} ${headerIn(request?.headers, "user-agent") ?? ""}`;
}

function tagsOf(tags: unknown): Record<string, unknown> {
  if (!Array.isArray(tags)) return typeof tags === "object" && tags !== null ? { ...tags } : {};
  const pairs = tags.slice(0, tagsMax).filter((pair): pair is [string, unknown] => isPair(pair));
  return Object.fromEntries(pairs);
}

function isPair(pair: unknown): boolean {
  return Array.isArray(pair) && pair.length === 2 && typeof pair[0] === "string";
}

/** What must never become an issue is marked: our own probes, and crawlers that run pages in ways nobody supports. */
function noiseOf(event: SentryEvent, isFromBrowser: boolean): Record<string, string> {
  if (headerOf(event, "x-vigil-probe") !== null) return { noise: "probe" };
  const agent = headerOf(event, "user-agent")?.slice(0, 500);
  // On a server a crawler meets the same faults as everybody.
  return isFromBrowser && agent && isbot(agent) ? { noise: "crawler" } : {};
}

function headerOf(event: SentryEvent, name: string): string | null {
  return headerIn(event.request?.headers, name);
}

const headersMax = 200;

/** Header names in any case, as an object or as a list of pairs. */
function headerIn(headers: unknown, name: string): string | null {
  if (typeof headers !== "object" || headers === null) return null;
  const pairs: unknown[] = Array.isArray(headers) ? headers : Object.entries(headers);
  for (const pair of pairs.slice(0, headersMax)) {
    if (!Array.isArray(pair) || typeof pair[0] !== "string" || pair[0].toLowerCase() !== name) continue;
    return typeof pair[1] === "string" ? pair[1] : null;
  }
  return null;
}
