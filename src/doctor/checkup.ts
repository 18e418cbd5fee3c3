import { Failure } from "#domain/failure.ts";

/** `down`: Vigil cannot do its work with this. `degraded`: it can, and something is missing or will surprise. */
export interface Finding {
  status: "ok" | "degraded" | "down";
  message: string;
  /** What to change. */
  hint?: string;
}

/** What one look at one thing found, by name. */
export type Findings = Record<string, Finding>;

export interface Checkup {
  /** Under this name it is reported that the look itself failed. */
  name: string;
  /** Changes nothing, and ends when `signal` fires. */
  look(signal: AbortSignal): Promise<Findings>;
}

export const ok = (message: string): Finding => ({ status: "ok", message });
export const degraded = (message: string, hint: string): Finding => ({ status: "degraded", message, hint });
export const down = (message: string, hint: string): Finding => ({ status: "down", message, hint });

/** One look at one thing. A person waits for the slowest of them. */
export const lookMs = 15_000;

/** Runs all looks at the same time, each within its time. No look can break another one. */
export async function examine(checkups: Checkup[], limitMs = lookMs): Promise<Findings> {
  const found = await Promise.all(checkups.map((checkup) => within(checkup, limitMs)));
  return Object.assign({}, ...found);
}

async function within({ name, look }: Checkup, limitMs: number): Promise<Findings> {
  const ending = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Findings>((resolve) => {
    timer = setTimeout(() => {
      resolve({
        [name]: down(`no answer within ${limitMs / 1_000} s`, "Is the address right, and reachable from here?"),
      });
      ending.abort();
    }, limitMs);
  });
  try {
    return await Promise.race([look(ending.signal).catch((error: unknown) => ({ [name]: asFinding(error) })), late]);
  } finally {
    clearTimeout(timer);
  }
}

/** What a failed look says. An unexpected error is named by its kind alone: its text could hold anything. */
export function asFinding(error: unknown): Finding {
  if (error instanceof Failure) return down(error.message, error.hint ?? "See docs/deploy.md.");
  const code = error instanceof Error && "code" in error && typeof error.code === "string" ? ` (${error.code})` : "";
  return down(`it cannot be asked${code}`, "Is the address right, and reachable from here?");
}
