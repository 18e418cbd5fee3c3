import type { ModelCall } from "#domain/evidence.ts";
import type { EngineerSession, PlannedCall } from "#ports/engineer.ts";

export interface WatchedSession extends EngineerSession {
  /** What was booked, in order. */
  booked: { request: string; call: ModelCall; answer: unknown }[];
  /** What was set aside, in order. */
  planned: PlannedCall[];
  /** Ids of money that was given back. */
  released: string[];
  told: string[];
  /** Reserved and neither booked nor released: must be empty after a step. */
  open(): string[];
  spentUsd(): number;
}

/**
 * A session that keeps its books in memory, with a budget. Give it the `booked` of an earlier one, and that one's answers
 * are found again: a step that was cut off and begins anew.
 */
export function aSession(
  options: {
    usdMax?: number;
    earlier?: WatchedSession["booked"];
    signal?: AbortSignal;
    onTell?: (text: string) => void;
  } = {},
): WatchedSession {
  const open = new Map<string, PlannedCall>();
  const booked: WatchedSession["booked"] = [];
  const planned: PlannedCall[] = [];
  const released: string[] = [];
  const told: string[] = [];
  const spentUsd = () => booked.reduce((sum, { call }) => sum + call.costUsd, 0);
  const kept = (answer: unknown) => JSON.parse(JSON.stringify(reordered(answer)));
  return {
    booked,
    planned,
    released,
    told,
    open: () => [...open.keys()],
    spentUsd,
    signal: options.signal ?? new AbortController().signal,
    recall: async (request) =>
      [...(options.earlier ?? []), ...booked].find((entry) => entry.request === request)?.answer,
    reserve: async (call) => {
      const aside = [...open.values()].reduce((sum, { usdMax }) => sum + usdMax, 0);
      if (spentUsd() + aside + call.usdMax > (options.usdMax ?? 100)) {
        return { kind: "refused", because: `the budget of ${options.usdMax} USD is used up` };
      }
      const id = `r${planned.length}`;
      planned.push(call);
      open.set(id, call);
      return { kind: "granted", id };
    },
    book: async (id, call, answer) => {
      const plan = open.get(id);
      if (plan === undefined) throw new Error(`${id} was not reserved, or is booked already`);
      open.delete(id);
      booked.push({ request: plan.request, call, answer: kept(answer) });
    },
    release: async (id) => {
      if (!open.delete(id)) throw new Error(`${id} was not reserved`);
      released.push(id);
    },
    tell: (text) => {
      told.push(text);
      options.onTell?.(text);
    },
  };
}

/** A database keeps JSON, but not the order of its fields. */
function reordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reordered);
  if (typeof value !== "object" || value === null) return value;
  const fields = Object.entries(value).toSorted(([a], [b]) => a.length - b.length || (a < b ? -1 : 1));
  return Object.fromEntries(fields.map(([name, inner]) => [name, reordered(inner)]));
}
