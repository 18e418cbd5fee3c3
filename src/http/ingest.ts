import { Failure } from "#domain/failure.ts";
import { bodyBytesMax, parsePlain, type Rejected } from "#ingest/plain.ts";
import { readBody } from "./body.ts";
import { type Http, thisProcess } from "./context.ts";
import { asSeenBy, createGate, deliveryFor, keyFor, reading } from "./reporting.ts";
import { endpoint, type Handler, json } from "./respond.ts";
import { bearerOf } from "./secret.ts";

const rejectedShownMax = 100;

/** Vigil's own protocol: error events and traffic as JSON (detection.md §2.1). Acknowledged means stored. */
export function ingestEvents(http: Http = thisProcess) {
  const gate = createGate(http.now);
  const take: Handler = async (request) => {
    const agent = await http.agentOf();
    const known = keyFor(bearerOf(request), agent);
    if (known === undefined) {
      throw new Failure("unauthorized", "The key is missing or wrong.", {
        hint: "Send Authorization: Bearer <AGENT_INGEST_KEY>.",
      });
    }
    const key = asSeenBy(request, known);
    const empty = gate.refused(key, 0);
    if (empty !== undefined) return tooFast(empty);
    const body = await readBody(request, bodyBytesMax);
    const { events, traffic, rejected } = parsePlain(body, deliveryFor(request, agent, key, http.now()));
    if (events.length + traffic.length === 0 && rejected.length > 0) return nothingTaken(rejected);
    const refused = gate.refused(key, events.length);
    if (refused !== undefined) return tooFast(refused);
    const { accepted } = await agent.ingest({ events, traffic });
    return json({ accepted, rejected: rejected.slice(0, rejectedShownMax) });
  };
  return endpoint(http.log, { POST: reading(http, take) });
}

function nothingTaken(rejected: Rejected[]): Response {
  const [first] = rejected;
  const message = rejected.length === 1 ? `The event ${first?.reason}.` : "None of the events can be taken.";
  const shown = rejected.slice(0, rejectedShownMax);
  const issues = shown.flatMap(({ index, issues = [] }) => issues.map((issue) => ({ index, ...issue })));
  return json({ error: { code: "invalid", message, issues }, rejected: shown }, { status: 400 });
}

function tooFast({ retryAfterSeconds }: { retryAfterSeconds: number }): Response {
  const error = { code: "rate_limited", message: "Too many events; the rest can follow.", hint: "See Retry-After." };
  return json({ error }, { status: 429, headers: { "retry-after": String(retryAfterSeconds) } });
}
