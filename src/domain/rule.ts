import { z } from "zod";
import { Severity } from "./issue.ts";

const minute = 60_000;
const hour = 60 * minute;

const text = (charactersMax: number) =>
  z
    .string()
    .trim()
    .min(1)
    .max(charactersMax)
    .regex(/^\P{C}+$/u, "holds control characters");

/** What every rule has. `threshold` is what its kind says; reaching it is enough. */
const common = {
  /** Names the rule wherever it is spoken of: in issues, counts and the audit trail. */
  name: text(60),
  enabled: z.boolean().default(true),
  /** How grave its issues are at the least. `null`: their impact alone decides. */
  severity: Severity.nullable().default(null),
  windowMs: z
    .int()
    .min(minute)
    .max(24 * hour),
};
const count = z.int().min(1).max(1_000_000);

/** A new kind of error is worth an issue after `threshold` events within the window. The surer the evidence, the fewer. */
const NewError = z.strictObject({
  ...common,
  kind: z.literal("new_error"),
  /** `stated`: the sender itself says what it is, for example a typo. */
  of: z.enum(["stated", "unhandled", "handled", "log", "browser"]),
  threshold: count,
  /** Distinct users that must have met it. */
  usersMin: z.int().min(0).max(1_000_000).default(0),
});

/** Calls to somebody else's service failed `threshold` times within the window. */
const FailureCount = z.strictObject({
  ...common,
  kind: z.literal("failure_count"),
  /** Only this host; `null`: any, each by itself. */
  host: text(253).nullable().default(null),
  threshold: count,
});

/** `threshold` requests of one operation failed within the window, more than its own past explains. */
const FailureRate = z.strictObject({
  ...common,
  kind: z.literal("failure_rate"),
  /** Only this operation, as it is reported (`GET /cart`); `null`: any, each by itself. */
  operation: text(300).nullable().default(null),
  threshold: count,
  requestsMin: count.default(20),
  sharePctMin: z.number().min(0.01).max(100).default(5),
  /** Times its share over the last 24 hours. */
  riseMin: z.number().min(1).max(1_000).default(3),
  pValueMax: z.number().min(1e-12).max(0.5).default(1e-5),
});

/** Events come `threshold` times as often as they used to; the window is the length of one count. */
const Spike = z.strictObject({ ...common, kind: z.literal("spike"), threshold: z.number().min(1.5).max(1_000) });

/** `threshold` distinct users met the error within the window. */
const AffectedUsers = z.strictObject({ ...common, kind: z.literal("affected_users"), threshold: count });

/** `threshold` health checks failed in a row, all of them within the window. */
const HealthChecks = z.strictObject({ ...common, kind: z.literal("health_check"), threshold: count.max(60) });

/** No request was reported for the whole window, where `threshold` in five minutes are usual at this hour. */
const Heartbeat = z.strictObject({ ...common, kind: z.literal("heartbeat"), threshold: count });

/** When something becomes an issue, as data: operators edit these in the settings. */
export const Rule = z.discriminatedUnion("kind", [
  NewError,
  FailureCount,
  FailureRate,
  Spike,
  AffectedUsers,
  HealthChecks,
  Heartbeat,
]);
export type Rule = z.infer<typeof Rule>;
export type RuleOf<Kind extends Rule["kind"]> = Extract<Rule, { kind: Kind }>;

const rulesMax = 50;

/** Names are unique: issues are counted by them. */
export const Rules = z
  .array(Rule)
  .max(rulesMax)
  .refine((rules) => new Set(rules.map(({ name }) => name)).size === rules.length, "two rules have the same name");

/** detection.md §2.4, number for number. */
export const defaultRules: Rule[] = Rules.parse([
  { name: "stated by the sender", kind: "new_error", of: "stated", windowMs: hour, threshold: 1 },
  { name: "unhandled error", kind: "new_error", of: "unhandled", windowMs: hour, threshold: 1 },
  { name: "handled error", kind: "new_error", of: "handled", windowMs: 15 * minute, threshold: 3 },
  { name: "logged error", kind: "new_error", of: "log", windowMs: 15 * minute, threshold: 5 },
  { name: "error in browsers", kind: "new_error", of: "browser", windowMs: hour, threshold: 3, usersMin: 2 },
  { name: "external service fails", kind: "failure_count", windowMs: 5 * minute, threshold: 15, severity: "P2" },
  { name: "operation fails often", kind: "failure_rate", windowMs: 5 * minute, threshold: 5, severity: "P2" },
  { name: "spike", kind: "spike", windowMs: 5 * minute, threshold: 3 },
  { name: "many users", kind: "affected_users", windowMs: hour, threshold: 100, severity: "P1" },
  { name: "production is down", kind: "health_check", windowMs: 15 * minute, threshold: 3, severity: "P0" },
  { name: "production fell silent", kind: "heartbeat", windowMs: 15 * minute, threshold: 10, severity: "P0" },
]);
