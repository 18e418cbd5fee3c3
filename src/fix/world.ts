import { createHash } from "node:crypto";
import { Failure } from "#domain/failure.ts";
import type { Settings } from "#domain/settings.ts";
import type { World } from "#pipeline/stage.ts";
import type { Engineer, EngineerSession } from "#ports/engineer.ts";
import type { Platform } from "#ports/platform.ts";
import type { Repository } from "#ports/repository.ts";
import type { TestBench } from "#ports/test-bench.ts";
import type { ReportedError } from "./error-input.ts";

/** The world of a run without a database: one issue, nobody else at work, nothing that could be deployed. */
export function worldOf(parts: {
  settings: Settings;
  repository: Repository;
  testBench: TestBench;
  engineer: Engineer;
  session: EngineerSession;
  error: ReportedError;
  now: () => Date;
}): World {
  const { settings, repository, testBench, engineer, session, error, now } = parts;
  return {
    clock: { now },
    settings,
    repository,
    testBench,
    platform: noPlatform,
    engineer,
    session,
    read: { ...nothingElse, frames: async () => error.frames },
    // The money is the session's business; how many fixes an hour are too many is nobody's here.
    reserve: async () => ({ kind: "taken" }),
    digest: digestOf,
  };
}

export function digestOf(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

const nothingElse: Omit<World["read"], "frames"> = {
  pastIssues: async () => [],
  inFlightWithCause: async () => undefined,
  inFlightBefore: async () => undefined,
  inFlightTouching: async () => undefined,
  fixesWrittenSince: async () => 0,
  patchTried: async () => false,
  placedOn: async () => [],
  rollbacksSince: async () => 0,
  errorKinds: async () => [],
  errorCounts: async () => ({ errors: unmeasured, requests: unmeasured, durationMs: 0, dispersion: 1 }),
  requestsOf: async () => unmeasured,
  issuesBefore: async () => 0,
  trafficHistory: async () => ({ hourBefore: null, sameHour: [], lastReportAt: null }),
};

const unmeasured = { kind: "unmeasured", why: "nothing is deployed here" } as const;

function noDeployment(): Promise<never> {
  throw new Failure("unsupported", "vigil fix deploys nothing.");
}

const noPlatform: Platform = {
  ensureDeployed: noDeployment,
  serving: noDeployment,
  checkHealth: noDeployment,
  restore: noDeployment,
};
