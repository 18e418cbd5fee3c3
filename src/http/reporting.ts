import { randomUUID } from "node:crypto";
import type { Agent } from "#agent.ts";
import { type Bucket, refill, takeFrom } from "#ingest/admission.ts";
import { type IngestKey, ingestKeys, userHasher } from "#ingest/keys.ts";
import type { Delivery } from "#ingest/plain.ts";
import { discardBody } from "./body.ts";
import { enterRoom, leaveRoom, sharedBodyRoom } from "./body-room.ts";
import type { Http } from "./context.ts";
import { goingOn } from "./go-on.ts";
import type { Handler } from "./respond.ts";
import { oneOf } from "./secret.ts";

/** What every way of reporting has in common: whose key it is, how much it may still send, what the readers need. */

/** A process has one key; what it is compared with is worked out once and not for every request. */
let opening: { ingestKey: string; keyOf: (presented: string | null) => IngestKey | undefined } | undefined;

/** What the presented key stands for; tells nothing about which keys exist: it is compared with all of them whichever fits. */
export function keyFor(presented: string | null, agent: Agent): IngestKey | undefined {
  const { ingestKey } = agent.secrets;
  if (ingestKey === null) return undefined;
  if (opening?.ingestKey !== ingestKey) opening = { ingestKey, keyOf: oneOf(ingestKeys(ingestKey)) };
  return opening.keyOf(presented);
}

/** A key that a page shows to everybody is a browser's, whatever it was made for (reliability D3). */
export function asSeenBy(request: Request, key: IngestKey): IngestKey {
  return request.headers.has("origin") ? { ...key, trust: "browser" } : key;
}

export function deliveryFor(request: Request, agent: Agent, key: IngestKey, receivedAt: Date): Delivery {
  return {
    contentType: request.headers.get("content-type"),
    receivedAt,
    key,
    hashUser: userHasher(agent.secrets.ingestKey ?? agent.drain.secret ?? ""),
    visitor: visitorOf(request),
    newId: randomUUID,
  };
}

/** Who asks, as the proxies in front of us say. Somebody can forge it; it only counts the users of an unverified event. */
function visitorOf({ headers }: Request): string | null {
  const address = headers.get("x-forwarded-for")?.slice(0, 100).split(",")[0]?.trim() || headers.get("x-real-ip");
  return address ? `${address} ${headers.get("user-agent")?.slice(0, 300) ?? ""}` : null;
}

/** The handler's answer, with nothing of the body left in memory or in the way of the sender's next request. */
export function reading(http: Http, handler: Handler): Handler {
  const { bodyRoom = sharedBodyRoom } = http;
  return async (request, context) => {
    enterRoom(bodyRoom, request);
    try {
      return await goingOn(http, handler)(request, context);
    } finally {
      leaveRoom(request);
      await discardBody(request);
    }
  };
}

/** How much each key may still send to one endpoint. There are as many buckets as keys. */
export interface Gate {
  /** Undefined, or how long to wait. Asked with 0 before a body is read, with the number of its events afterwards. */
  refused(key: IngestKey, events: number): { retryAfterSeconds: number } | undefined;
}

export function createGate(now: () => Date): Gate {
  const buckets = new Map<string, Bucket>();
  return {
    refused(key, events) {
      const name = `${key.environment} ${key.trust}`;
      const filled = refill(buckets.get(name), now(), key.trust);
      // Whoever has nothing left is told so before anything of the body is read.
      const taken = takeFrom(filled, Math.max(events, 1), key.trust);
      if (taken.kind === "refused") return { retryAfterSeconds: Math.max(1, Math.ceil(taken.retryAfterMs / 1_000)) };
      if (events > 0) buckets.set(name, taken.rest);
      return undefined;
    },
  };
}
