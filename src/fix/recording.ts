import type { Sha } from "#domain/ids.ts";
import type { Repository, Snapshot } from "#ports/repository.ts";
import type { TestBench, TestRun } from "#ports/test-bench.ts";

/** A test bench that runs everything once: the same commit gives the same answer, and the report at the end costs nothing. */
export interface RecordedBench extends TestBench {
  /** The tests of a commit, where they ran. */
  ran(commit: Sha): TestRun | undefined;
}

export function recordRuns(bench: TestBench, tell: (what: "tests" | "types", commit: Sha) => void): RecordedBench {
  const runs = new Map<string, Promise<TestRun>>();
  const finished = new Map<string, TestRun>();
  const keyOf = (commit: Sha, what: "tests" | "types") => `${what} ${commit}`;
  return {
    run(commit, what) {
      const key = keyOf(commit, what);
      const known = runs.get(key);
      if (known !== undefined) return known;
      tell(what, commit);
      const run = bench.run(commit, what);
      runs.set(key, run);
      run.then(
        (answer) => finished.set(key, answer),
        () => runs.delete(key),
      );
      return run;
    },
    ran: (commit) => finished.get(keyOf(commit, "tests")),
  };
}

/**
 * The repository, and which files of it were read, in the order in which they were read first. A commit never changes, so
 * what was asked once is not asked of git again.
 */
export function recordReads(repository: Repository): { repository: Repository; files: () => string[] } {
  const read = new Set<string>();
  const snapshots = new Map<Sha, Promise<Snapshot>>();
  const snapshotOf = async (commit: Sha): Promise<Snapshot> => {
    const snapshot = await repository.snapshot(commit);
    const texts = new Map<string, Promise<string | undefined>>();
    let listed: Promise<string[]> | undefined;
    return {
      ...snapshot,
      list() {
        listed ??= snapshot.list();
        return listed;
      },
      async read(path) {
        const asked = texts.get(path) ?? snapshot.read(path);
        texts.set(path, asked);
        const text = await asked;
        if (text !== undefined) read.add(path);
        return text;
      },
    };
  };
  return {
    repository: {
      ...repository,
      snapshot(commit) {
        const known = snapshots.get(commit) ?? snapshotOf(commit);
        snapshots.set(commit, known);
        return known;
      },
    },
    files: () => [...read],
  };
}
