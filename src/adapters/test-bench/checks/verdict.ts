import type { Check } from "./reading.ts";

export type Judged =
  /** Nothing reported about the commit. */
  | { kind: "none"; passed: Check[]; failed: Check[]; skipped: Check[] }
  | { kind: "open"; open: string[]; passed: Check[]; failed: Check[]; skipped: Check[] }
  | { kind: "ended"; passed: Check[]; failed: Check[]; skipped: Check[] };

/**
 * What the checks that count say together: those of `required`, each of which has to be there, or all where none is required. A
 * failure counts when all have ended: the next attempt wants to know everything that failed.
 */
export function judged(checks: Check[], required: ReadonlySet<string>): Judged {
  const counting = required.size === 0 ? checks : checks.filter(({ name }) => required.has(name));
  const of = (state: Check["state"]) => counting.filter((check) => check.state === state);
  const sorted = { passed: of("passed"), failed: of("failed"), skipped: of("skipped") };
  if (checks.length === 0) return { kind: "none", ...sorted };
  const missing = [...required].filter((name) => !counting.some((check) => check.name === name));
  const open = [...of("open").map(({ name }) => name), ...missing.map((name) => `${name} (has not begun)`)];
  return open.length > 0 ? { kind: "open", open, ...sorted } : { kind: "ended", ...sorted };
}
