import { z } from "zod";
import { Environment } from "./ids.ts";

/** One frame of a stack; the innermost comes first. Paths are relative to the repository where that could be found out. */
export const Frame = z.object({
  file: z.string().max(500),
  line: z.int().min(0).nullable(),
  column: z.int().min(0).nullable(),
  function: z.string().max(300),
  inApp: z.boolean(),
  /** The source line that the frame stands on, where the sender or a source map knew it. */
  context: z.string().max(300).nullable().default(null),
  /** Names the very build of the file, so that its source map is found without a release. */
  debugId: z.string().max(64).nullable().default(null),
  /** A source map turned it from the built file into the original one. */
  mapped: z.boolean().default(false),
});
export type Frame = z.infer<typeof Frame>;

/** One exception of a chain of causes. */
export const Thrown = z.object({
  type: z.string().max(200).nullable(),
  message: z.string().max(1_000),
  frames: z.array(Frame).max(50),
});
export type Thrown = z.infer<typeof Thrown>;

/**
 * One error of the watched application: parsed, bounded and scrubbed. What protocol it came by no longer matters.
 * Fields with a default came later than the first stored samples.
 */
export const ErrorEvent = z.object({
  id: z.string().max(100),
  at: z.date(),
  /** `http`: a request that failed, without an exception. `external`: a call to somebody else's service that failed, without one. */
  kind: z.enum(["error", "http", "external"]).default("error"),
  source: z.string().max(50),
  /** `browser` sources are public and therefore unverified (reliability D3). */
  trust: z.enum(["server", "browser"]),
  environment: Environment,
  release: z.string().max(200).nullable(),
  /** Which of a release's builds, where a release has several. */
  dist: z.string().max(64).nullable().default(null),
  level: z.enum(["fatal", "error", "warning", "info", "debug"]),
  /** The application caught it and went on. */
  handled: z.boolean(),
  /** Type, message and frames are those of the exception that decides: the innermost cause with a frame of the application. */
  errorType: z.string().max(200).nullable(),
  message: z.string().max(8_192),
  stack: z.string().max(32_768).nullable(),
  frames: z.array(Frame).max(50),
  /** The whole chain, outermost first, where there is more than one exception; otherwise empty. */
  chain: z.array(Thrown).max(8).default([]),
  /** What the application says itself about grouping; `{{ default }}` stands for our own parts. */
  clientFingerprint: z.array(z.string().max(200)).max(20).nullable().default(null),
  /** `METHOD /route`, without a query. */
  operation: z.string().max(300).nullable(),
  httpStatus: z.int().min(-1).max(999).nullable(),
  /** The service that an outgoing call went to, without port. */
  externalHost: z.string().max(253).nullable().default(null),
  traceId: z.string().max(64).nullable().default(null),
  requestId: z.string().max(200).nullable().default(null),
  /** A keyed hash; the user itself is never stored. */
  userHash: z.string().max(64).nullable(),
  /** Set by the sender when it knows better than the rules, for example `typo`. */
  issueType: z.string().max(100).nullable(),
  tags: z.record(z.string().max(100), z.string().max(300)),
});
export type ErrorEvent = z.infer<typeof ErrorEvent>;

/** How many requests a release served in a stretch of time, and how many of them failed. */
export const TrafficReport = z.object({
  /** Set where a sender may deliver the same report again: with the same id it is counted once. */
  id: z.string().max(200).nullish(),
  at: z.date(),
  environment: Environment,
  release: z.string().max(200).nullable(),
  operation: z.string().max(300),
  requests: z.int().min(0).max(10_000_000),
  failures: z.int().min(0).max(10_000_000),
});
export type TrafficReport = z.infer<typeof TrafficReport>;
