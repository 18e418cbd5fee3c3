"use client";

import { useRouter } from "next/navigation";
import { Confirm } from "./confirm.tsx";
import { useBoard } from "./live-board.tsx";
import { useOrders } from "./orders.tsx";

/** What each level means (spec.md §9), in the words of the matrix. */
const levels = {
  1: { name: "Watch", means: "A person approves every fix.", rows: ["manual", "manual", "manual", "manual"] },
  2: {
    name: "Auto-fix low risk",
    means: "P2 to P4 ship by themselves after their watch on staging; a person approves P0 and P1.",
    rows: ["manual", "manual", "auto", "auto"],
  },
  3: {
    name: "Full",
    means: "Everything ships by itself; of P0 only what the diagnosis recommends to a person waits.",
    rows: ["manual if the diagnosis asks", "auto", "auto", "auto"],
  },
} as const;

const severities = ["P0", "P1", "P2", "P3–P4"];

/** The autonomy level, and the choice of another with what it means. */
export function Autonomy() {
  const { autonomyLevel } = useBoard().board;
  const { role, send } = useOrders();
  const router = useRouter();
  const choose = async (level: 1 | 2 | 3) => {
    const refused = await send("PATCH", "/api/agent/settings", { autonomyLevel: level });
    router.refresh();
    return refused;
  };
  return (
    <details className="rounded-lg border border-line bg-panel">
      <summary className="px-4 py-2">
        Autonomy level <span className="font-semibold">{autonomyLevel}</span>: {levels[autonomyLevel].name}.{" "}
        <span className="text-muted">{levels[autonomyLevel].means}</span>
      </summary>
      <div className="space-y-3 overflow-x-auto border-line border-t p-4">
        <table className="w-full min-w-md text-left">
          <caption className="sr-only">Who approves what at each autonomy level</caption>
          <thead className="text-muted">
            <tr>
              <th scope="col" className="py-1 pr-4 font-normal">
                Level
              </th>
              {severities.map((severity) => (
                <th key={severity} scope="col" className="py-1 pr-4 font-normal">
                  {severity}
                </th>
              ))}
              <th scope="col" className="font-normal">
                <span className="sr-only">Choose</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {([1, 2, 3] as const).map((level) => (
              <tr key={level} className="border-line border-t">
                <th scope="row" className="py-2 pr-4 font-medium">
                  {level} {levels[level].name}
                </th>
                {levels[level].rows.map((row, n) => (
                  <td key={severities[n]} className="py-2 pr-4">
                    {row}
                  </td>
                ))}
                <td className="py-2">
                  {level === autonomyLevel ? (
                    <span className="text-muted">chosen</span>
                  ) : (
                    <Confirm
                      label={`Choose ${level}`}
                      title={`Change to level ${level}: ${levels[level].name}?`}
                      action={`Choose level ${level}`}
                      done={`Level ${level} holds from now on.`}
                      disabled={role === "viewer"}
                      why="A viewer may look, and change nothing."
                      onConfirm={() => choose(level)}
                    >
                      {levels[level].means} Fixes that wait for approval are asked about again under the new rules.
                    </Confirm>
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
        <p className="text-muted">
          Whatever the level, a person must approve when the confidence is below the limit, the diagnosis asks for a
          person, the estimate is long, the review of the change finds a risk, or a file on the approval list is
          touched.
        </p>
      </div>
    </details>
  );
}
