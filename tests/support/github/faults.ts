import type { Answer } from "./router.ts";
import { problem } from "./router.ts";

/** Something that goes wrong with the calls that it matches. */
export interface Fault {
  method?: string;
  /** Matched against the path without the query. */
  path: RegExp;
  /** How often; the default is once. */
  times?: number;
  /** Calls to let pass first. */
  skip?: number;
  /**
   * `before`: answered instead of being done. `after`: done, and then this answer is given instead of the true one.
   * `cut`: done, and the connection is closed without an answer. `hang`: never answered.
   */
  when?: "before" | "after" | "cut" | "hang";
  answer?: Answer;
  /** What happens elsewhere right before the call is done. */
  meanwhile?: () => Promise<unknown>;
}

export const serverError: Answer = { status: 502, body: { message: "Server Error" } };

/** The hourly limit is used up until `resetAt`. */
export function primaryLimit(resetAt: Date): Answer {
  const reset = String(Math.ceil(resetAt.getTime() / 1_000));
  const answer = problem(403, "API rate limit exceeded for installation ID 1.");
  return {
    ...answer,
    headers: {
      "x-ratelimit-limit": "5000",
      "x-ratelimit-remaining": "0",
      "x-ratelimit-used": "5000",
      "x-ratelimit-reset": reset,
    },
  };
}

/** Too many calls at once or too many that write. */
export function secondaryLimit(retryAfterSeconds: number, status: 403 | 429 = 403): Answer {
  const answer = problem(
    status,
    "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.",
  );
  return { ...answer, headers: { "retry-after": String(retryAfterSeconds) } };
}

/** Takes the fault that this call meets, if any, and counts it. */
export function faultFor(faults: Fault[], method: string, path: string): Fault | undefined {
  for (const fault of faults) {
    if ((fault.method ?? method) !== method || !fault.path.test(path)) continue;
    if ((fault.skip ?? 0) > 0) {
      fault.skip = (fault.skip ?? 0) - 1;
      continue;
    }
    const times = fault.times ?? 1;
    if (times <= 0) continue;
    fault.times = times - 1;
    return fault;
  }
  return undefined;
}
