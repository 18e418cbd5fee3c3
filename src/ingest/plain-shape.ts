import { z } from "zod";

/** The shape of a plain record: only the fields that are used, most of them in more than one spelling. */

const text = z.string();
/** Numbers must be numbers: 1e400 is read as Infinity, which is none. */
const whole = z.number().int();
const moment = z.union([z.string(), z.number(), z.null()]).catch(null);

const User = z.union([
  z.string(),
  z.number(),
  z.object({
    id: z.union([z.string(), z.number()]).nullish(),
    email: text.nullish(),
    username: text.nullish(),
    name: text.nullish(),
  }),
]);

const Exception = z.object({
  type: text.nullish(),
  name: text.nullish(),
  message: text.nullish(),
  value: text.nullish(),
  stack: text.nullish(),
  stacktrace: text.nullish(),
  // A cause that is none of an exception (people throw texts, too) costs only itself.
  /** Of several errors in one the first leads on: its siblings are no causes of it. */
  get errors(): z.ZodType<(PlainException | null)[] | null | undefined> {
    return z.array(Exception.nullable().catch(null)).nullish().catch(null);
  },
  get cause(): z.ZodType<PlainException | null | undefined> {
    return Exception.nullish().catch(null);
  },
});
export interface PlainException {
  type?: string | null | undefined;
  name?: string | null | undefined;
  message?: string | null | undefined;
  value?: string | null | undefined;
  stack?: string | null | undefined;
  stacktrace?: string | null | undefined;
  cause?: PlainException | null | undefined;
  errors?: (PlainException | null)[] | null | undefined;
}

export const PlainEvent = z
  .object({
    id: text.nullish(),
    event_id: text.nullish(),
    message: text.nullish(),
    exception: Exception.nullish(),
    error: Exception.nullish(),
    type: text.nullish(),
    name: text.nullish(),
    stack: text.nullish(),
    timestamp: moment.optional(),
    level: text.nullish(),
    handled: z.boolean().nullish(),
    environment: text.nullish(),
    release: text.nullish(),
    dist: text.nullish(),
    fingerprint: z.union([text, z.array(text)]).nullish(),
    externalHost: text.nullish(),
    external_host: text.nullish(),
    traceId: text.nullish(),
    trace_id: text.nullish(),
    requestId: text.nullish(),
    request_id: text.nullish(),
    operation: text.nullish(),
    route: text.nullish(),
    status: whole.min(-1).max(999).nullish(),
    httpStatus: whole.min(-1).max(999).nullish(),
    user: User.nullish(),
    issue_type: text.nullish(),
    issueType: text.nullish(),
    source: text.nullish(),
    tags: z.record(z.string(), z.unknown()).nullish(),
  })
  .refine(
    (event) =>
      [event.message, thrown(event)?.message, thrown(event)?.value].some((words) => (words ?? "").trim() !== ""),
    { path: ["message"], message: "is required (or exception.message)" },
  );
export type PlainEvent = z.infer<typeof PlainEvent>;

/** The exception, under either of its names. */
export function thrown(event: { exception?: PlainException | null; error?: PlainException | null }) {
  return event.exception ?? event.error ?? undefined;
}

const countMax = 10_000_000;

export const PlainTraffic = z
  .object({
    type: z.literal("traffic"),
    timestamp: moment.optional(),
    environment: text.nullish(),
    release: text.nullish(),
    operation: text.nullish(),
    route: text.nullish(),
    requests: whole.min(0).max(countMax),
    failures: whole.min(0).max(countMax).default(0),
  })
  .refine(({ requests, failures }) => failures <= requests, {
    path: ["failures"],
    message: "are more than the requests",
  });
export type PlainTraffic = z.infer<typeof PlainTraffic>;
