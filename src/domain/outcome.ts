import type { Evidence } from "./evidence.ts";
import type { Status } from "./lifecycle.ts";

/** How a stage ends: the issue moves on, or it waits until a time. Anything else is thrown. */
export type Outcome<To extends Status = Status> =
  | { kind: "move"; to: To; because: string; evidence: Evidence[] }
  | { kind: "wait"; until: Date; because: string; evidence: Evidence[] };

/** Ends the stage: the issue goes to `to`. `because` is the sentence that people read in the timeline. */
export function move<To extends Status>(to: To, because: string, evidence: Evidence[] = []): Outcome<To> {
  return { kind: "move", to, because, evidence };
}

/** Runs the stage again at `until`. Waiting is data, never a sleep. */
export function wait(until: Date, because: string, evidence: Evidence[] = []): Outcome<never> {
  return { kind: "wait", until, because, evidence };
}
