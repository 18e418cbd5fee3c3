import { z } from "zod";
import { Environment } from "./ids.ts";

/** One frame of a stack; the innermost comes first. Paths are relative to the repository where that could be found out. */
export const Frame = z.object({
  file: z.string().max(500),
  line: z.int().min(0).nullable(),
  column: z.int().min(0).nullable(),
  function: z.string().max(300),
  inApp: z.boolean(),
});
export type Frame = z.infer<typeof Frame>;

/** One error of the watched application: parsed, bounded and scrubbed. What protocol it came by no longer matters. */
export const ErrorEvent = z.object({
  id: z.string().max(100),
  at: z.date(),
  source: z.string().max(50),
  /** `browser` sources are public and therefore unverified (reliability D3). */
  trust: z.enum(["server", "browser"]),
  environment: Environment,
  release: z.string().max(200).nullable(),
  level: z.enum(["fatal", "error", "warning", "info", "debug"]),
  /** The application caught it and went on. */
  handled: z.boolean(),
  errorType: z.string().max(200).nullable(),
  message: z.string().max(8_192),
  stack: z.string().max(32_768).nullable(),
  frames: z.array(Frame).max(50),
  operation: z.string().max(300).nullable(),
  httpStatus: z.int().min(-1).max(999).nullable(),
  /** A keyed hash; the user itself is never stored. */
  userHash: z.string().max(64).nullable(),
  /** Set by the sender when it knows better than the rules, for example `typo`. */
  issueType: z.string().max(100).nullable(),
  tags: z.record(z.string().max(100), z.string().max(300)),
});
export type ErrorEvent = z.infer<typeof ErrorEvent>;

/** How many requests a release served in a stretch of time, and how many of them failed. */
export const TrafficReport = z.object({
  at: z.date(),
  environment: Environment,
  release: z.string().max(200).nullable(),
  operation: z.string().max(300),
  requests: z.int().min(0).max(10_000_000),
  failures: z.int().min(0).max(10_000_000),
});
export type TrafficReport = z.infer<typeof TrafficReport>;
