import type { Sha } from "#domain/ids.ts";
import type { TestBench, TestRun } from "#ports/test-bench.ts";
import { type ClientOptions, createClient, politePace } from "../github/client.ts";
import { type Announcements, announcements } from "./checks/announcements.ts";
import { checksOf, requiredOf } from "./checks/reading.ts";
import { failureOutput, reportOf } from "./checks/report.ts";
import { type Judged, judged } from "./checks/verdict.ts";

export interface ChecksOptions extends Omit<ClientOptions, "timeoutMs" | "pace"> {
  pace?: ClientOptions["pace"];
  /** The branch whose required checks count: production's. */
  branch: string;
  limits?: ChecksLimits;
  now: () => Date;
}

export interface ChecksLimits {
  /** A repository without any continuous integration shows no check in this time. */
  appearWithinMs: number;
  /** Checks that never end. */
  endWithinMs: number;
  lookAgainMs: number;
}

/** Workflows start within seconds; a busy queue may take minutes (reliability C12). */
const defaultLimits: ChecksLimits = { appearWithinMs: 180_000, endWithinMs: 60 * 60_000, lookAgainMs: 10_000 };

const callTimeoutMs = 15_000;

/**
 * Lets the repository's own checks (GitHub Actions and whatever else reports check runs or statuses) test a commit. GitHub starts
 * them when a branch arrives at it: a commit that shows none is put on `agent/check/…`, which is deleted when they have ended.
 * Only checks that `branch` requires count, or all of them where none is required or nobody may ask.
 */
export function createChecksTestBench(options: ChecksOptions): TestBench {
  const { branch, limits = defaultLimits, pace = politePace, now } = options;
  const client = createClient({ ...options, pace, timeoutMs: callTimeoutMs });
  const announced = announcements(client, now);
  return {
    async run(commit, what) {
      if (what === "types") return { kind: "none", why: "the repository's own checks decide about types" };
      const [checks, required] = await Promise.all([checksOf(client, commit), requiredOf(client, branch)]);
      const verdict = judged(checks, required);
      if (verdict.kind !== "ended") return waiting(commit, verdict, { announced, limits, now });
      await announced.remove(commit);
      const output = await failureOutput(client, verdict.failed);
      return { kind: "finished", report: reportOf(commit, verdict, output) };
    },
  };
}

/** Not all have ended. How long that has been so is told by the branch that started them, so that no restart forgets it. */
async function waiting(
  commit: Sha,
  verdict: Exclude<Judged, { kind: "ended" }>,
  { announced, limits, now }: { announced: Announcements; limits: ChecksLimits; now: () => Date },
): Promise<TestRun> {
  const since = (await announced.since(commit)) ?? (await announced.add(commit));
  const waitedMs = now().getTime() - since.getTime();
  if (verdict.kind === "none" && waitedMs > limits.appearWithinMs) {
    await announced.remove(commit);
    const minutes = Math.round(limits.appearWithinMs / 60_000);
    return {
      kind: "none",
      why: `no check ran on the commit within ${minutes} minutes: no continuous integration is set up`,
    };
  }
  if (waitedMs > limits.endWithinMs) {
    await announced.remove(commit);
    const open = verdict.kind === "open" ? verdict.open : [];
    const output = `Did not end within ${Math.round(limits.endWithinMs / 60_000)} minutes: ${open.join(", ")}`;
    return { kind: "finished", report: { ...reportOf(commit, verdict, output), outcome: "timed_out" } };
  }
  return { kind: "pending", lookAgainMs: limits.lookAgainMs };
}
