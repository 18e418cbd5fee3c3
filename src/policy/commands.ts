import { mayMove, type Status } from "#domain/lifecycle.ts";

/** What an operator may tell the agent to do with an issue. */
export type Command = "approve" | "reject" | "retry" | "dismiss" | "mute" | "revert";

/** An issue as far as commands ask. */
export interface Commanded {
  status: Status;
  /** Its fix was brought to production and not taken back since. */
  isLive: boolean;
}

/** Why the command is refused, or `undefined` when it may be given. Button, API and engine all ask here. */
export function refusal(command: Command, { status, isLive }: Commanded): string | undefined {
  switch (command) {
    case "approve":
    case "reject":
      return status === "awaiting_approval" ? undefined : "This fix is not waiting for approval.";
    case "retry":
      return status === "failed" || status === "rejected"
        ? undefined
        : "Only an issue that failed or was rejected can be tried again.";
    case "dismiss":
    case "mute":
      return mayMove(status, "dismissed") ? undefined : dismissRefusal(status);
    case "revert":
      return revertRefusal(status, isLive);
    default:
      return "There is no such command.";
  }
}

/** A fix without a verdict stays in production, and one whose rollback failed may: a person can still take it back. */
function revertRefusal(status: Status, isLive: boolean): string | undefined {
  if (status === "resolved" || (status === "failed" && isLive)) return undefined;
  return status === "failed"
    ? "No fix of this issue is in production."
    : "Only a fix whose watch has ended can be taken back.";
}

function dismissRefusal(status: Status): string {
  if (status === "dismissed") return "This issue is dismissed already.";
  if (status === "resolved") return "This issue is resolved; revert its fix instead.";
  return "The fix is on its way to production; the watch has to end first.";
}

/** An issue as far as merging asks. */
export interface Mergeable {
  id: string;
  status: Status;
  mergedInto: string | null;
}

/** Why one issue cannot be merged into the other, or `undefined` when it can. */
export function mergeRefusal(from: Mergeable, into: Mergeable): string | undefined {
  if (from.id === into.id) return "An issue cannot be merged into itself.";
  if (from.mergedInto !== null) return "This issue was merged into another one already.";
  if (into.mergedInto !== null) return "The other issue was merged itself; merge into the one it belongs to.";
  if (into.status === "dismissed") return "The other issue is dismissed.";
  // A resolved issue rests already; the others have to be able to.
  const mayRest = from.status === "resolved" || from.status === "dismissed" || mayMove(from.status, "dismissed");
  return mayRest ? undefined : dismissRefusal(from.status);
}

/** Why a group cannot be taken out of its issue, or `undefined` when it can. */
export function splitRefusal(group: { belongs: boolean; isOwn: boolean; groups: number }): string | undefined {
  if (!group.belongs) return "This issue has no such group (any more).";
  if (group.groups < 2) return "This is the issue's only group.";
  if (group.isOwn) return "The issue was opened by this group; split off the others.";
  return undefined;
}
