import { Failure } from "#domain/failure.ts";
import { boundedJson } from "./bounded-json.ts";
import { trafficReportFrom } from "./given-event.ts";
import type { Delivery, Parsed } from "./plain.ts";
import type { Envelope } from "./sentry-envelope.ts";
import { sentryErrorEventOf } from "./sentry-event.ts";
import { addSpans, addTransaction } from "./sentry-requests.ts";
import { SentrySessions } from "./sentry-shape.ts";

/** Sentry's protocol: what an application sends when only its DSN was changed (detection.md §1a). */

/** Detection.md §2.1: the whole body unpacked, and one event of it. */
export const sentryBodyBytesMax = 2 * 1024 * 1024;
const eventBytesMax = 1024 * 1024;
/** SDKs nest what users attach; we look at none of it. */
const limits = { depthMax: 100, valuesMax: 200_000 };

/**
 * The errors and the counted requests of an envelope. Other items (logs, attachments, replays, client reports, single
 * sessions) are known and left aside, unknown ones as well: SDKs learn new ones every year.
 */
export function parseEnvelope(envelope: Envelope, delivery: Delivery): Parsed {
  const parsed: Parsed = { events: [], traffic: [], rejected: [] };
  for (const [index, { type, payload }] of envelope.items.entries()) {
    if (type === "event") addEvent(parsed, index, payload, delivery, envelope.sentAt);
    // Anybody can send with a browser's key: such counts are left aside (reliability D3).
    else if (delivery.key.trust !== "server") continue;
    else if (type === "sessions") addSessions(parsed, index, payload, delivery);
    else if (type === "span") addSpans(parsed, jsonOf(payload), delivery, envelope.sampleRate);
    else if (type === "transaction") addTransaction(parsed, jsonOf(payload), delivery, envelope.sampleRate);
  }
  return parsed;
}

function jsonOf(payload: Buffer): unknown {
  return boundedJson(payload.toString("utf8"), limits);
}

/** The older protocol: the body is one event. */
export function parseStore(body: Buffer, delivery: Delivery): Parsed {
  const parsed: Parsed = { events: [], traffic: [], rejected: [] };
  addEvent(parsed, 0, body, delivery, null);
  return parsed;
}

function addEvent(parsed: Parsed, index: number, payload: Buffer, delivery: Delivery, sentAt: string | null): void {
  if (payload.byteLength > eventBytesMax) {
    throw new Failure("too_large", `The event is larger than ${eventBytesMax} bytes.`);
  }
  const event = sentryErrorEventOf(jsonOf(payload), delivery, sentAt);
  if (typeof event === "string") parsed.rejected.push({ index, reason: event });
  else parsed.events.push(event);
}

/**
 * Only what nobody caught counts as failed. `errored` says that something was reported during a request which may have
 * been answered well; its events are counted anyway.
 */
function addSessions(parsed: Parsed, index: number, payload: Buffer, delivery: Delivery): void {
  const shape = SentrySessions.safeParse(jsonOf(payload));
  if (!shape.success) {
    parsed.rejected.push({ index, reason: "is no list of sessions" });
    return;
  }
  const { aggregates, attrs } = shape.data;
  for (const minute of aggregates ?? []) {
    if (minute === null) continue;
    const failures = (minute.crashed ?? 0) + (minute.abnormal ?? 0);
    const report = trafficReportFrom(
      {
        // SDKs never send twice, and two processes may well count the same.
        id: null,
        timestamp: minute.started ?? null,
        environment: attrs?.environment ?? null,
        release: attrs?.release ?? null,
        // The SDK counts for the whole application.
        operation: "",
        requests: (minute.exited ?? 0) + (minute.errored ?? 0) + failures,
        failures,
      },
      delivery,
    );
    if (typeof report === "string") parsed.rejected.push({ index, reason: report });
    else parsed.traffic.push(report);
  }
}
