import { Failure } from "#domain/failure.ts";

/** Sentry's envelope: a line of headers, then items of a line of headers and a payload. Looks at bytes; believes no length. */

export interface Envelope {
  eventId: string | null;
  /** The full DSN, where the sender identifies itself in the body. */
  dsn: string | null;
  sentAt: string | null;
  /** The share of requests that the sender tells of, where it says so. */
  sampleRate: number | null;
  items: { type: string; payload: Buffer }[];
}

/** Detection.md §2.1. */
const itemsMax = 100;
const headerBytesMax = 8 * 1024;
const newline = 10;

/** Throws `invalid` where the bytes are no envelope by the rules, `too_large` where they hold too many items. */
export function readEnvelope(body: Buffer): Envelope {
  const head = headerAt(body, 0);
  const envelope: Envelope = {
    eventId: textIn(head.header, "event_id"),
    dsn: textIn(head.header, "dsn"),
    sentAt: textIn(head.header, "sent_at"),
    sampleRate: sampleRateIn(head.header),
    items: [],
  };
  for (let at = head.next; at < body.length; ) {
    if (envelope.items.length === itemsMax) {
      throw new Failure("too_large", `The envelope holds more than ${itemsMax} items.`);
    }
    const { header, next } = headerAt(body, at);
    const end = endOfPayload(body, next, header);
    const type = textIn(header, "type");
    if (type === null) throw malformed("an item does not name its type");
    envelope.items.push({ type, payload: body.subarray(next, end) });
    at = end + 1;
  }
  return envelope;
}

function sampleRateIn({ trace }: Record<string, unknown>): number | null {
  const rate = typeof trace === "object" && trace !== null && "sample_rate" in trace ? Number(trace.sample_rate) : 0;
  return rate > 0 && rate <= 1 ? rate : null;
}

function headerAt(body: Buffer, from: number): { header: Record<string, unknown>; next: number } {
  const found = body.indexOf(newline, from);
  const end = found < 0 ? body.length : found;
  if (end - from > headerBytesMax) throw malformed(`a header is longer than ${headerBytesMax} bytes`);
  return { header: headerFrom(body.toString("utf8", from, end)), next: end + 1 };
}

function headerFrom(text: string): Record<string, unknown> {
  let header: unknown;
  try {
    header = JSON.parse(text);
  } catch (cause) {
    throw malformed("a header is not valid JSON", cause);
  }
  if (typeof header !== "object" || header === null || Array.isArray(header)) throw malformed("a header is no object");
  return { ...header };
}

/** With a length exactly so many bytes, then a line break or the end; without one everything up to the line break. */
function endOfPayload(body: Buffer, from: number, { length }: Record<string, unknown>): number {
  if (length === undefined || length === null) {
    if (from > body.length) throw malformed("an item has no payload");
    const found = body.indexOf(newline, from);
    return found < 0 ? body.length : found;
  }
  if (typeof length !== "number" || !Number.isSafeInteger(length) || length < 0) {
    throw malformed("an item's length is no number of bytes");
  }
  // An item that says it is empty may end with its header.
  const end = from + length;
  if (end > Math.max(body.length, length === 0 ? from : 0)) throw malformed("an item is shorter than its length says");
  if (end < body.length && body[end] !== newline) throw malformed("an item is longer than its length says");
  return end;
}

function textIn(header: Record<string, unknown>, name: string): string | null {
  const value = Object.hasOwn(header, name) ? header[name] : null;
  return typeof value === "string" ? value : null;
}

function malformed(why: string, cause?: unknown): Failure {
  return new Failure("invalid", `The envelope is malformed: ${why}.`, { cause });
}
