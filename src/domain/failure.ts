/** Every way in which Vigil says no, with what it means over HTTP and whether the same job should run again. */
export const failures = {
  invalid: { status: 400, retry: false },
  unauthorized: { status: 401, retry: false },
  forbidden: { status: 403, retry: false },
  not_found: { status: 404, retry: false },
  method_not_allowed: { status: 405, retry: false },
  conflict: { status: 409, retry: false },
  stale: { status: 409, retry: true },
  too_large: { status: 413, retry: false },
  unsupported: { status: 415, retry: false },
  rate_limited: { status: 429, retry: true },
  misconfigured: { status: 500, retry: false },
  unavailable: { status: 503, retry: true },
  paused: { status: 503, retry: true },
} as const satisfies Record<string, { status: number; retry: boolean }>;

export type FailureCode = keyof typeof failures;

const brand = Symbol.for("vigil.failure");

/**
 * An expected failure. `message` and `hint` may be shown to anyone; whatever is private goes into `cause`.
 * Anything thrown that is not a `Failure` is a bug and is treated as one.
 */
export class Failure extends Error {
  /** Bundlers may load this file twice in one process; a failure of either copy is a `Failure`. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return value instanceof Error && brand in value;
  }
  readonly [brand] = true;
  readonly code: FailureCode;
  /** What the reader can do about it. */
  readonly hint: string | undefined;
  /** The far side wants to be left alone for so long. */
  readonly retryAfterMs: number | undefined;

  constructor(
    code: FailureCode,
    message: string,
    options: { hint?: string; cause?: unknown; retryAfterMs?: number } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "Failure";
    this.code = code;
    this.hint = options.hint;
    this.retryAfterMs = options.retryAfterMs;
  }

  get status(): number {
    return failures[this.code].status;
  }

  get retry(): boolean {
    return failures[this.code].retry;
  }
}
