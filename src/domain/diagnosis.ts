import { z } from "zod";

/** What kind of cause a problem has. Only a code fault is repaired; every other class is refused with its reason (spec.md §18.1). */
export const CauseClass = z.enum([
  "code_fault",
  "user_error",
  "expected_denial",
  "infrastructure",
  "third_party",
  "developer_noise",
  "already_fixed",
]);
export type CauseClass = z.infer<typeof CauseClass>;

/** What a fix promises, so that the watch in production can judge it (spec.md §18.3). */
export const Claim = z.discriminatedUnion("kind", [
  /** The recorded error must not come from the new release any more. `operation` is the route or job whose traffic proves it. */
  z.object({
    kind: z.literal("error_stops"),
    fingerprint: z.string().max(200),
    operation: z.string().max(300).nullable(),
    statement: z.string().max(500),
  }),
  /** Nothing measurable must stop (a spelling fix); only what must not appear is judged. */
  z.object({ kind: z.literal("nothing_to_stop"), statement: z.string().max(500) }),
]);
export type Claim = z.infer<typeof Claim>;

/** What the engineer found out. Validated wherever it comes from: a playbook and a model are held to the same shape. */
export const Diagnosis = z.object({
  causeClass: CauseClass,
  rootCause: z.string().min(1).max(4_000),
  /** The places that show it; lines count from 1. */
  evidence: z.array(z.object({ file: z.string().max(500), line: z.int().min(1), note: z.string().max(500) })).max(20),
  fixStrategy: z.string().max(4_000),
  /** Repository paths the fix is expected to touch. */
  files: z.array(z.string().max(500)).max(20),
  /** Percent, 0–100. Below 80 a person decides (spec.md §9). */
  confidence: z.number().min(0).max(100),
  requiresPerson: z.boolean(),
  requiresPersonBecause: z.string().max(1_000).nullable(),
  /** Above 30 a person decides (spec.md §9). */
  estimatedMinutes: z.number().min(0).max(10_000),
  claim: Claim,
  /** Who diagnosed: `playbook:<name>` or `claude:<model>`. */
  engineer: z.string().max(100),
});
export type Diagnosis = z.infer<typeof Diagnosis>;
