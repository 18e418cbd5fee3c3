import { randomUUID } from "node:crypto";
import { Failure } from "#domain/failure.ts";
import { type Bucket, refill, takeFrom } from "#ingest/admission.ts";
import { type IngestKey, ingestKeys, userHasher } from "#ingest/keys.ts";
import { bodyBytesMax, parsePlain, type Rejected } from "#ingest/plain.ts";
import { createScrubber } from "#ingest/scrub.ts";
import { readBody } from "./body.ts";
import { type Http, thisProcess } from "./context.ts";
import { endpoint, type Handler, json } from "./respond.ts";
import { bearerOf, isSecret } from "./secret.ts";

const rejectedShownMax = 100;

/** Vigil's own protocol: error events and traffic as JSON (detection.md §2.1). Acknowledged means stored. */
export function ingestEvents(http: Http = thisProcess) {
  const buckets = new Map<string, Bucket>();
  const take: Handler = async (request) => {
    const agent = await http.agentOf();
    const { key, ingestKey } = keyOf(request, agent.secrets.ingestKey);
    const body = await readBody(request, bodyBytesMax);
    const { events, traffic, rejected } = parsePlain(body, {
      contentType: request.headers.get("content-type"),
      receivedAt: http.now(),
      key,
      scrubber: createScrubber(agent.secretValues),
      hashUser: userHasher(ingestKey),
      newId: randomUUID,
    });
    if (events.length + traffic.length === 0 && rejected.length > 0) return nothingTaken(rejected);
    const name = `${key.environment} ${key.trust}`;
    const bucket = takeFrom(refill(buckets.get(name), http.now()), events.length);
    if (bucket.kind === "refused") return tooFast(bucket.retryAfterMs);
    buckets.set(name, bucket.rest);
    const { accepted } = await agent.ingest({ events, traffic });
    return json({ accepted, rejected: rejected.slice(0, rejectedShownMax) });
  };
  return endpoint(http.log, { POST: take });
}

/** Tells nothing about which keys exist; compares with all of them whichever fits. */
function keyOf(request: Request, ingestKey: string | null): { key: IngestKey; ingestKey: string } {
  const presented = bearerOf(request);
  const fitting = ingestKey === null ? [] : ingestKeys(ingestKey).filter(({ secret }) => isSecret(presented, secret));
  const [found] = fitting;
  if (found !== undefined && ingestKey !== null) return { key: found.key, ingestKey };
  throw new Failure("unauthorized", "The key is missing or wrong.", {
    hint: "Send Authorization: Bearer <AGENT_INGEST_KEY>.",
  });
}

function nothingTaken(rejected: Rejected[]): Response {
  const [first] = rejected;
  const message = rejected.length === 1 ? `The event ${first?.reason}.` : "None of the events can be taken.";
  const shown = rejected.slice(0, rejectedShownMax);
  const issues = shown.flatMap(({ index, issues = [] }) => issues.map((issue) => ({ index, ...issue })));
  return json({ error: { code: "invalid", message, issues }, rejected: shown }, { status: 400 });
}

function tooFast(retryAfterMs: number): Response {
  const error = { code: "rate_limited", message: "Too many events; the rest can follow.", hint: "See Retry-After." };
  return json({ error }, { status: 429, headers: { "retry-after": String(Math.ceil(retryAfterMs / 1_000)) } });
}
