import { mayMove, type Status } from "#domain/lifecycle.ts";

/** What an operator may tell the agent to do with an issue. */
export type Command = "approve" | "reject" | "retry" | "dismiss" | "revert";

/** Why the command is refused, or `undefined` when it may be given. Button, API and engine all ask here. */
export function refusal(command: Command, status: Status): string | undefined {
  switch (command) {
    case "approve":
    case "reject":
      return status === "awaiting_approval" ? undefined : "This fix is not waiting for approval.";
    case "retry":
      return status === "failed" || status === "rejected"
        ? undefined
        : "Only an issue that failed or was rejected can be tried again.";
    case "dismiss":
      return mayMove(status, "dismissed") ? undefined : dismissRefusal(status);
    case "revert":
      return status === "resolved" ? undefined : "Only a resolved issue can be reverted.";
    default:
      return "There is no such command.";
  }
}

function dismissRefusal(status: Status): string {
  if (status === "dismissed") return "This issue is dismissed already.";
  if (status === "resolved") return "This issue is resolved; revert its fix instead.";
  return "The fix is on its way to production; the watch has to end first.";
}
