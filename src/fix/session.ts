import type { ModelCall } from "#domain/evidence.ts";
import { cleanLine } from "#domain/text.ts";
import type { EngineerSession } from "#ports/engineer.ts";

/** What one run may spend and has spent, in memory. */
export interface Spending {
  session: EngineerSession;
  /** Every call that was paid for, in order. */
  calls: readonly ModelCall[];
  costUsd(): number;
}

const progressCharactersMax = 200;

/** An `EngineerSession` for a run that ends with its process: one budget, nothing stored. */
export function createSpending(options: {
  budgetUsd: number;
  signal: AbortSignal;
  newId: () => string;
  tell: (progress: string) => void;
}): Spending {
  const { budgetUsd, signal, newId } = options;
  const answers = new Map<string, unknown>();
  const reserved = new Map<string, { request: string; usdMax: number }>();
  const calls: ModelCall[] = [];
  const costUsd = () => calls.reduce((sum, call) => sum + call.costUsd, 0);
  const session: EngineerSession = {
    signal,
    recall: async (request) => answers.get(request),
    async reserve({ request, usdMax }) {
      const held = [...reserved.values()].reduce((sum, call) => sum + call.usdMax, 0);
      // Written so that a price that is no number is refused.
      if (!(costUsd() + held + usdMax <= budgetUsd)) return { kind: "refused", because: usedUp(costUsd(), usdMax) };
      const id = newId();
      reserved.set(id, { request, usdMax });
      return { kind: "granted", id };
    },
    async book(id, call, answer) {
      const request = reserved.get(id)?.request;
      reserved.delete(id);
      calls.push(call);
      if (request !== undefined) answers.set(request, answer);
    },
    async release(id) {
      reserved.delete(id);
    },
    tell: (progress) => options.tell(cleanLine(progress).slice(0, progressCharactersMax)),
  };
  const usedUp = (spentUsd: number, nextUsd: number) =>
    `the budget of this run is used up: $${spentUsd.toFixed(2)} of $${budgetUsd.toFixed(2)} are spent, and the next call may cost $${nextUsd.toFixed(2)} (--budget)`;
  return { session, calls, costUsd };
}
