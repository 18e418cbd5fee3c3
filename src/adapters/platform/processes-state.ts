import { open, readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { Failure } from "#domain/failure.ts";
import { Sha } from "#domain/ids.ts";
import { ProcessGroup } from "./process-group.ts";

/** A release as a process: which commit it runs and where it listens. */
export const Release = ProcessGroup.extend({
  commit: Sha,
  port: z.int().min(1).max(65_535),
  startedAtMs: z.number(),
});
export type Release = z.infer<typeof Release>;

/** What runs for one environment. The front reads `serving.port` for every request: replacing this file is the switch. */
export const State = z.object({
  front: ProcessGroup.nullable(),
  serving: Release.nullable(),
  /** Served before and is kept running, so that going back takes one write. */
  previous: Release.nullable(),
  /** Started and not yet ready. */
  candidate: Release.nullable(),
  /** Answers the requests that it still has, and is ended `drainMs` after `retiredAtMs`. */
  retiring: z.array(Release.extend({ retiredAtMs: z.number() })),
  /** The latest commits that did not become ready. */
  failures: z.array(z.object({ commit: Sha, why: z.string(), atMs: z.number() })),
});
export type State = z.infer<typeof State>;

export const noState: State = {
  front: null,
  serving: null,
  previous: null,
  candidate: null,
  retiring: [],
  failures: [],
};

const failuresMax = 10;

/** `release` serves, and what served before is kept as the previous one; what was kept before that retires. */
export function promoted(state: State, release: Release, nowMs: number): State {
  const isRestart = state.serving?.commit === release.commit;
  return {
    ...without(state, release),
    serving: release,
    previous: isRestart ? state.previous : state.serving,
    retiring: [...retiringWithout(state, release), ...retired(isRestart ? state.serving : state.previous, nowMs)],
    failures: failuresWithout(state, release.commit),
  };
}

/** `release` serves again. What it takes the place of retires: nobody goes forward to a release that was taken back. */
export function restored(state: State, release: Release, nowMs: number): State {
  const rest = without(state, release);
  const others = [rest.candidate, rest.serving, rest.previous];
  return {
    ...rest,
    serving: release,
    previous: null,
    candidate: null,
    retiring: [...rest.retiring, ...others.flatMap((other) => retired(other, nowMs))],
    failures: failuresWithout(state, release.commit),
  };
}

/** `release` is on its way, whatever it was before. */
export function awaited(state: State, release: Release): State {
  return { ...without(state, release), candidate: release };
}

/** The candidate is gone, and the reason is remembered. */
export function failed(state: State, commit: Sha, why: string, atMs: number): State {
  const failures = [...failuresWithout(state, commit), { commit, why, atMs }].slice(-failuresMax);
  return { ...state, candidate: null, failures };
}

/** Everything that was started and not yet ended. */
export function recordedGroups(state: State): ProcessGroup[] {
  return [state.candidate, ...state.retiring, state.previous, state.serving, state.front].filter(
    (group) => group !== null,
  );
}

function without(state: State, release: Release): State {
  const other = (one: Release | null) => (one !== null && isSame(one, release) ? null : one);
  return {
    ...state,
    serving: other(state.serving),
    previous: other(state.previous),
    candidate: other(state.candidate),
    retiring: retiringWithout(state, release),
  };
}

const retiringWithout = (state: State, release: Release) => state.retiring.filter((one) => !isSame(one, release));

const failuresWithout = (state: State, commit: Sha) => state.failures.filter((failure) => failure.commit !== commit);

const retired = (release: Release | null, nowMs: number) =>
  release === null ? [] : [{ ...release, retiredAtMs: nowMs }];

export function isSame(a: ProcessGroup, b: ProcessGroup): boolean {
  return a.pid === b.pid && a.startedAs === b.startedAs;
}

export const stateFile = (directory: string) => join(directory, "state.json");

/** What was recorded last; nothing when the environment was never used. */
export async function readState(directory: string): Promise<State> {
  let text: string;
  try {
    text = await readFile(stateFile(directory), "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return noState;
    throw new Failure("unavailable", "The record of the running releases cannot be read.", { cause: error });
  }
  try {
    return State.parse(JSON.parse(text));
  } catch (cause) {
    throw new Failure("misconfigured", "The record of the running releases is damaged.", {
      hint: "End the processes of this environment, then delete its state.json.",
      cause,
    });
  }
}

/** Replaces the record as a whole: a reader sees the old or the new one, also after a crash. Only for the holder of the lock. */
export async function writeState(directory: string, state: State): Promise<void> {
  const draft = `${stateFile(directory)}.draft`;
  const file = await open(draft, "w", 0o600);
  try {
    await file.writeFile(JSON.stringify(state));
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(draft, stateFile(directory));
}
