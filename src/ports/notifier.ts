import type { Notice } from "#domain/notice.ts";

/** Tells people. Delivers `notice` once or throws `unavailable`; `repeated` marks a message that may have been delivered before. */
export interface Notifier {
  send(notice: Notice, options: { repeated: boolean }): Promise<void>;
}
