import { z } from "zod";

/**
 * The parts of Sentry's event that are used. SDKs of many languages and years send many shapes: a field that is not what
 * it should be counts as missing and never costs the event. Lists are cut before they are looked at.
 */

const framesMax = 50;
const exceptionsMax = 50;
const imagesMax = 100;

const text = z.string().nullish().catch(null);
const whole = z.number().int().min(0).max(1e9).nullish().catch(null);
const flag = z.boolean().nullish().catch(null);
const moment = z.union([z.string(), z.number()]).nullish().catch(null);

/** The last `max` entries; the innermost frame and the outermost exception come last. */
function lastOf<Item extends z.ZodType>(item: Item, max: number) {
  const cut = (value: unknown) => (Array.isArray(value) ? value.slice(-max) : value);
  return z.preprocess(cut, z.array(item.nullable().catch(null)).nullish().catch(null));
}

const Frame = z.object({
  filename: text,
  abs_path: text,
  module: text,
  function: text,
  lineno: whole,
  colno: whole,
  in_app: flag,
  context_line: text,
});
export type SentryFrame = z.infer<typeof Frame>;

const Mechanism = z.object({ type: text, handled: flag, synthetic: flag, exception_id: whole, parent_id: whole });

const Exception = z.object({
  type: text,
  value: z
    .union([z.string(), z.number().transform(String)])
    .nullish()
    .catch(null),
  stacktrace: z
    .object({ frames: lastOf(Frame, framesMax) })
    .nullish()
    .catch(null),
  mechanism: Mechanism.nullish().catch(null),
});
export type SentryException = z.infer<typeof Exception>;

/** Old SDKs send the list itself. */
export const SentryExceptions = z.preprocess(
  (value) => (Array.isArray(value) ? { values: value } : value),
  z
    .object({ values: lastOf(Exception, exceptionsMax) })
    .nullish()
    .catch(null),
);

const LogEntry = z.union([
  z.string().transform((message) => ({ message, formatted: null })),
  z.object({ message: text, formatted: text }),
]);

const User = z.object({
  id: z.union([z.string(), z.number()]).nullish().catch(null),
  email: text,
  username: text,
  ip_address: text,
});

const Contexts = z.object({
  trace: z.object({ trace_id: text }).nullish().catch(null),
  response: z.object({ status_code: whole }).nullish().catch(null),
  runtime: z.object({ name: text }).nullish().catch(null),
});

const Image = z.object({ type: text, code_file: text, debug_id: text });

/** Without its exceptions, which are most of it and are read apart. */
export const SentryEvent = z.object({
  event_id: text,
  timestamp: moment,
  platform: text,
  level: text,
  message: LogEntry.nullish().catch(null),
  logentry: LogEntry.nullish().catch(null),
  transaction: text,
  release: text,
  dist: text,
  environment: text,
  fingerprint: lastOf(z.union([z.string(), z.number().transform(String)]), 20),
  user: User.nullish().catch(null),
  request: z.object({ url: text, method: text, headers: z.unknown().optional() }).nullish().catch(null),
  contexts: Contexts.nullish().catch(null),
  debug_meta: z
    .object({ images: lastOf(Image, imagesMax) })
    .nullish()
    .catch(null),
  tags: z.unknown().optional(),
});
export type SentryEvent = z.infer<typeof SentryEvent>;

/** A list of spans as the SDKs send it since version 11; of the attributes only text and numbers are looked at. */
export const SentrySpans = z.object({
  items: lastOf(
    z.object({
      name: text,
      span_id: text,
      trace_id: text,
      end_timestamp: moment,
      is_segment: flag,
      status: text,
      attributes: z
        .record(z.string(), z.object({ value: z.unknown() }).nullish().catch(null))
        .nullish()
        .catch(null),
    }),
    1_000,
  ),
});
export type SentrySpan = NonNullable<NonNullable<z.infer<typeof SentrySpans>["items"]>[number]>;

/** What the SDKs sent of a request before they sent spans. */
export const SentryTransaction = z.object({
  event_id: text,
  timestamp: moment,
  release: text,
  environment: text,
  transaction: text,
  transaction_info: z.object({ source: text }).nullish().catch(null),
  request: z.object({ method: text }).nullish().catch(null),
  contexts: z
    .object({
      trace: z
        .object({
          op: text,
          status: text,
          data: z.object({ "http.response.status_code": whole }).nullish().catch(null),
        })
        .nullish()
        .catch(null),
      response: z.object({ status_code: whole }).nullish().catch(null),
    })
    .nullish()
    .catch(null),
});

/** How requests ended, counted by the SDK minute by minute. */
export const SentrySessions = z.object({
  aggregates: lastOf(
    z.object({ started: moment, exited: whole, errored: whole, crashed: whole, abnormal: whole }),
    100,
  ),
  attrs: z.object({ release: text, environment: text }).nullish().catch(null),
});
