import type { Transaction } from "../connect.ts";
import { actions } from "../schema.ts";

/** One line of the audit trail: who did what, on what, with which result, and why. */
export interface NewAction {
  issueId: string | null;
  fixId: string | null;
  /** `agent`, `operator:<name>`, `token:<name>` or `system`. */
  actor: string;
  /** Dotted, past tense where it happened: `status.changed`, `repository.advance`, `settings.changed`. */
  action: string;
  subject: string;
  outcome: "intended" | "done" | "failed" | "refused";
  because: string;
  detail: Record<string, unknown>;
  effectKey: string | null;
}

const becauseMax = 4_000;

/** Appends to the chain, in order. Called last in a transaction: the chain's lock is held until it ends. */
export async function appendActions(tx: Transaction, rows: NewAction[]): Promise<void> {
  for (const row of rows) {
    const because = withoutNul(row.because).slice(0, becauseMax);
    // Position, predecessor and hash are set by the database.
    await tx
      .insert(actions)
      .values({ ...row, because, seq: 0, prevHash: "", hash: "" })
      .onConflictDoNothing();
  }
}

/** Postgres text holds no NUL. */
function withoutNul(text: string): string {
  return text.replaceAll("\u0000", "");
}

export function action(fields: Partial<NewAction> & Pick<NewAction, "actor" | "action">): NewAction {
  return {
    issueId: null,
    fixId: null,
    subject: "",
    outcome: "done",
    because: "",
    detail: {},
    effectKey: null,
    ...fields,
  };
}
