import type { Agent } from "#agent.ts";
import { Failure } from "#domain/failure.ts";
import type { IngestKey } from "#ingest/keys.ts";
import type { Parsed } from "#ingest/plain.ts";
import { parseEnvelope, parseStore, sentryBodyBytesMax } from "#ingest/sentry.ts";
import { readEnvelope } from "#ingest/sentry-envelope.ts";
import { readBody } from "./body.ts";
import { type Http, thisProcess } from "./context.ts";
import { asSeenBy, createGate, deliveryFor, type Gate, keyFor, reading } from "./reporting.ts";
import { endpoint, type Handler, json } from "./respond.ts";

/**
 * Sentry's addresses, for applications that only changed their DSN. The SDKs never send anything twice and obey what an
 * answer says about waiting, whatever its status (detection.md §0): they are told to wait only when it is meant.
 */

/** For bodies whose key stands inside: nobody unknown makes us hold more. */
const strangersBytesMax = 256 * 1024;
const rateLimitedSecondsMin = 30;

/** `POST /api/<digits>/envelope/`. */
export function sentryEnvelope(http: Http = thisProcess) {
  return sentryEndpoint(http, async (request, agent, gate) => {
    const outside = keyIn(request);
    const known = outside === null ? undefined : keyOf(outside, agent, request);
    if (known !== undefined) refuseEmpty(gate, known);
    const body = await readBody(request, known === undefined ? strangersBytesMax : sentryBodyBytesMax);
    const envelope = readEnvelope(body);
    const inside = envelope.dsn === null ? null : (/^[a-z]{1,10}:\/\/([^:@/]{1,100})/i.exec(envelope.dsn)?.[1] ?? "");
    if (outside !== null && inside !== null && outside !== inside) throw wrongKey();
    const key = known ?? keyOf(inside, agent, request);
    const parsed = parseEnvelope(envelope, deliveryFor(request, agent, key, http.now()));
    return { key, parsed, id: envelope.eventId ?? parsed.events[0]?.id };
  });
}

/** `POST /api/<digits>/store/`: the older protocol, one event. */
export function sentryStore(http: Http = thisProcess) {
  return sentryEndpoint(http, async (request, agent, gate) => {
    const key = keyOf(keyIn(request), agent, request);
    refuseEmpty(gate, key);
    const body = await readBody(request, sentryBodyBytesMax);
    const parsed = parseStore(body, deliveryFor(request, agent, key, http.now()));
    return { key, parsed, id: parsed.events[0]?.id };
  });
}

type Reading = (
  request: Request,
  agent: Agent,
  gate: Gate,
) => Promise<{ key: IngestKey; parsed: Parsed; id: string | undefined }>;

function sentryEndpoint(http: Http, read: Reading) {
  const gate = createGate(http.now);
  const take: Handler = async (request, context) => {
    try {
      const agent = await http.agentOf();
      if (!/^\d{1,19}$/.test(String((await context.params).project)))
        throw new Failure("not_found", "No such project.");
      const { key, parsed, id } = await read(request, agent, gate);
      return withCors(request, await stored(agent, gate, key, parsed, id));
    } catch (error) {
      if (error instanceof Wait) return withCors(request, tooFast(error.seconds));
      if (!(error instanceof Failure)) throw error;
      if (error.status >= 500) http.log(`sentry: ${error.message}`, error.cause);
      return withCors(request, refusal(error));
    }
  };
  const preflight: Handler = async () => new Response(null, { status: 204, headers: preflightHeaders });
  return endpoint(http.log, { POST: reading(http, take), OPTIONS: preflight });
}

async function stored(agent: Agent, gate: Gate, key: IngestKey, parsed: Parsed, id: string | undefined) {
  const { events, traffic, rejected } = parsed;
  if (events.length + traffic.length === 0 && rejected.length > 0) {
    throw new Failure("invalid", `The event ${rejected[0]?.reason}.`);
  }
  const refused = gate.refused(key, events.length);
  if (events.length > 0 && refused !== undefined) throw new Wait(refused.retryAfterSeconds);
  if (events.length + traffic.length > 0) await agent.ingest({ events, traffic }, { whenAway: "spool" });
  return json(id === undefined ? {} : { id });
}

function refuseEmpty(gate: Gate, key: IngestKey): void {
  const refused = gate.refused(key, 0);
  if (refused !== undefined) throw new Wait(refused.retryAfterSeconds);
}

/** The key is asked for in the query, as browsers and Node send it, and in the header of other SDKs. */
function keyIn(request: Request): string | null {
  const asked = new URL(request.url).searchParams.get("sentry_key");
  if (asked !== null) return asked;
  const header = request.headers.get("x-sentry-auth") ?? request.headers.get("authorization") ?? "";
  return /^Sentry\s/i.test(header) ? (/\bsentry_key=([\w-]{1,100})/.exec(header)?.[1] ?? null) : null;
}

/** Only derived keys open this door: addresses are logged everywhere, and the one key of the installation opens all of them. */
function keyOf(presented: string | null, agent: Agent, request: Request): IngestKey {
  const key = keyFor(presented, agent);
  if (key === undefined || key.environment === null) throw wrongKey();
  return asSeenBy(request, key);
}

function wrongKey(): Failure {
  return new Failure("forbidden", "The key in the DSN is missing or wrong.", {
    hint: "`npx vigil keys` shows the DSNs; docs/watching.md explains them.",
  });
}

/** Not a failure of anybody: the sender is to pause for exactly so long. */
class Wait extends Error {
  readonly seconds: number;
  constructor(seconds: number) {
    super("Too many events.");
    this.seconds = seconds;
  }
}

/** Errors pause; counted requests go on, so that a storm does not look like silence. */
function tooFast(seconds: number): Response {
  const headers = { "retry-after": String(seconds), "x-sentry-rate-limits": `${seconds}:error;default:key` };
  return json({ detail: "Too many events." }, { status: 429, headers });
}

function refusal({ message, hint, status, code }: Failure): Response {
  if (code === "rate_limited") return tooFast(rateLimitedSecondsMin);
  const causes = hint === undefined ? [] : [hint];
  // No Retry-After on a 503: the SDK would drop everything for that long, and the next event may well be taken.
  return json({ detail: message, causes }, { status, headers: { "x-sentry-error": message } });
}

const preflightHeaders = {
  "access-control-allow-origin": "*",
  "access-control-allow-methods": "POST, OPTIONS",
  "access-control-allow-headers":
    "x-sentry-auth, x-requested-with, content-type, content-encoding, authorization, sentry-trace, baggage, accept, origin, referer",
  "access-control-max-age": "86400",
};

/** No cookie counts here, so any page may send and read the answer. */
function withCors(request: Request, response: Response): Response {
  if (!request.headers.has("origin")) return response;
  response.headers.set("access-control-allow-origin", "*");
  response.headers.set("access-control-expose-headers", "x-sentry-error, x-sentry-rate-limits, retry-after");
  return response;
}
