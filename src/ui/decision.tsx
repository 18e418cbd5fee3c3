"use client";

import { useRouter } from "next/navigation";
import { Confirm } from "./confirm.tsx";
import { useOrders } from "./orders.tsx";

/** Approve and reject, bound to the diff that this page showed: a fix that changed since is refused by the server. */
export function Decision({ issueId, diffHash, files }: { issueId: string; diffHash: string; files: string[] }) {
  const { role, send } = useOrders();
  const router = useRouter();
  const why = role === "viewer" ? "A viewer may look, and change nothing." : undefined;
  const give = async (command: "approve" | "reject", reason: string) => {
    const body = { diffHash, ...(reason !== "" && { reason }) };
    const refusal = await send("POST", `/api/agent/issues/${issueId}/${command}`, body);
    if (refusal === null) router.refresh();
    return refusal;
  };
  return (
    <div className="flex flex-wrap gap-2">
      <Confirm
        label="Approve & Deploy"
        look="primary"
        title="Approve this fix and deploy it?"
        action="Approve & Deploy"
        done="Approved: it is on its way to production."
        disabled={role === "viewer"}
        why={why}
        reason={{ label: "A note for the audit log", required: false }}
        onConfirm={(reason) => give("approve", reason)}
      >
        <p>
          {files.length === 1 ? files[0] : `${files.length} files`} will go to production exactly as shown, and be
          watched there. If it makes things worse it is rolled back by itself.
        </p>
        <p className="mt-2">
          Change <code className="font-mono text-xs">{diffHash.slice(0, 16)}</code>
        </p>
      </Confirm>
      <Confirm
        label="Reject Fix"
        look="danger"
        title="Reject this fix?"
        action="Reject Fix"
        done="Rejected: it is never deployed."
        disabled={role === "viewer"}
        why={why}
        reason={{ label: "Why (kept with the issue)", required: true }}
        onConfirm={(reason) => give("reject", reason)}
      >
        It ends here and is never deployed. The issue can be tried again later.
      </Confirm>
    </div>
  );
}
