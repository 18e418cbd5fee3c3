import type { Notice } from "#domain/notice.ts";

/** How an attempt to tell people ended. */
export type Delivery =
  | {
      kind: "delivered";
      /** Where the message is now, in the notifier's own words; `null` where it cannot say. */
      place: string | null;
    }
  /** It broke off in between: the message may have gone out, or not. */
  | { kind: "unknown"; because: string };

export interface SendOptions {
  /** An earlier attempt may have delivered it: look first, and where that is not possible mark the message. */
  repeated: boolean;
  /** The `place` of the first message about the same issue; `null`: there is none. */
  thread: string | null;
}

/**
 * Tells people. Delivers `notice` once, or throws with nothing delivered: `unavailable` and `rate_limited` (later it will
 * go), `misconfigured` (as soon as somebody mended it), `invalid` (this message never will).
 */
export interface Notifier {
  send(notice: Notice, options: SendOptions): Promise<Delivery>;
}
