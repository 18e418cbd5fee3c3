import type { Settings } from "#domain/settings.ts";
import type { World } from "#pipeline/stage.ts";
import type { Engineer } from "#ports/engineer.ts";
import type { Platform } from "#ports/platform.ts";
import type { Repository, Snapshot } from "#ports/repository.ts";
import type { TestBench } from "#ports/test-bench.ts";
import type { Reads } from "#store/read/reads.ts";
import { digest, now, someErrors, someSettings } from "./builders.ts";
import { aSession } from "./engineer-session.ts";

interface Parts {
  at?: Date;
  settings?: Partial<Settings>;
  repository?: Partial<Repository>;
  testBench?: Partial<TestBench>;
  platform?: Partial<Platform>;
  engineer?: Partial<Engineer>;
  read?: Partial<Reads>;
  reserve?: World["reserve"];
}

/**
 * The world of a stage, in which everything that a test does not name is an unexpected call and fails it. Reads answer
 * "nothing" by default; budgets are free.
 */
export function aWorld(parts: Parts = {}): World {
  return {
    clock: { now: () => parts.at ?? now },
    settings: someSettings(parts.settings),
    digest,
    reserve: parts.reserve ?? (async () => ({ kind: "taken" })),
    repository: { ...noRepository, ...parts.repository },
    testBench: { run: unexpected("testBench.run"), ...parts.testBench },
    platform: { ...noPlatform, ...parts.platform },
    engineer: {
      triage: async () => ({ kind: "unchanged" }),
      diagnose: unexpected("engineer.diagnose"),
      repair: unexpected("engineer.repair"),
      ...parts.engineer,
    },
    session: aSession(),
    read: { ...quietReads, ...parts.read },
  };
}

function unexpected(call: string): (...given: unknown[]) => Promise<never> {
  return async (...given) => {
    throw new Error(`unexpected call: ${call}(${given.map((item) => JSON.stringify(item)).join(", ")})`);
  };
}

const noRepository: Repository = {
  head: unexpected("repository.head"),
  snapshot: unexpected("repository.snapshot"),
  export: unexpected("repository.export"),
  changes: unexpected("repository.changes"),
  contains: unexpected("repository.contains"),
  commit: unexpected("repository.commit"),
  publish: unexpected("repository.publish"),
  compose: unexpected("repository.compose"),
  advance: unexpected("repository.advance"),
  replace: unexpected("repository.replace"),
  revert: unexpected("repository.revert"),
  propose: async () => ({ kind: "unsupported" }),
  proposal: async () => undefined,
  withdraw: unexpected("repository.withdraw"),
};

const noPlatform: Platform = {
  ensureDeployed: unexpected("platform.ensureDeployed"),
  serving: unexpected("platform.serving"),
  checkHealth: unexpected("platform.checkHealth"),
  restore: unexpected("platform.restore"),
};

const quietReads: Reads = {
  frames: async () => [],
  pastIssues: async () => [],
  inFlightWithCause: async () => undefined,
  inFlightBefore: async () => undefined,
  inFlightTouching: async () => undefined,
  fixesWrittenSince: async () => 0,
  patchTried: async () => false,
  placedOn: async () => [],
  rollbacksSince: async () => 0,
  errorKinds: async () => [],
  errorCounts: async () => someErrors(0, 500),
  requestsOf: async () => ({ kind: "measured", value: 500 }),
  issuesBefore: async () => 0,
  trafficHistory: async () => ({ hourBefore: null, sameHour: [], lastReportAt: null }),
};

/** A commit's files, held in memory. */
export function aSnapshot(files: Record<string, string>, commit: Snapshot["commit"]): Snapshot {
  return {
    commit,
    list: async () => Object.keys(files).toSorted(),
    read: async (path) => files[path],
    search: async () => [],
    history: async () => [],
    blame: async () => [],
  };
}
