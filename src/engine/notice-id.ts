import { createHash } from "node:crypto";

/** A job id that follows from the notice's key: the same event can only ever be queued once. */
export function noticeId(key: string): string {
  const hex = createHash("sha256").update(key).digest("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
