import type { Evidence } from "#domain/evidence.ts";
import type { Candidate, Edit, WrittenFix } from "#domain/fix.ts";
import { Sha } from "#domain/ids.ts";
import type { IssueFacts } from "#domain/issue.ts";
import type { Outcome } from "#domain/outcome.ts";
import type { Settings } from "#domain/settings.ts";
import { diagnosis } from "#pipeline/2-diagnosis.ts";
import { fix } from "#pipeline/3-fix.ts";
import { tests } from "#pipeline/4-tests.ts";
import { staging } from "#pipeline/5-staging.ts";
import type { World } from "#pipeline/stage.ts";
import type { DiagnoseResult } from "#ports/engineer.ts";
import type { Repository } from "#ports/repository.ts";
import type { TestBench } from "#ports/test-bench.ts";
import {
  aCandidate,
  aDeployment,
  aDiagnosis,
  anIssueAt,
  aPlannedFix,
  aTestReport,
  digest,
  facts,
  later,
  minute,
  samples,
} from "#tests/support/builders.ts";
import { aSnapshot, aWorld } from "#tests/support/world.ts";

export interface Proposal {
  edits: Edit[];
  issue?: Partial<IssueFacts>;
  settings?: Partial<Settings>;
  found?: Partial<Extract<DiagnoseResult, { kind: "diagnosed" }>>;
  subject?: string;
  explanation?: string;
}

export interface Ending {
  /** Where the issue would go; `fixing`: another attempt is asked for. */
  status: string;
  because: string;
  /** What would be on the branch. */
  files: string[];
}

/** Where commits are kept. */
export interface Ground {
  repository: Repository;
  testBench: TestBench;
}

/**
 * Takes what a model proposes through the real stages 2 to 5 at autonomy level 3, where all tests pass, the new ones
 * fail without the fix, and staging is healthy: nothing but the rules stands in the way.
 */
export async function throughTheStages(proposal: Proposal, { repository, testBench }: Ground): Promise<Ending> {
  const {
    edits,
    found,
    issue: known = {},
    settings = {},
    subject = "Mend it",
    explanation = "It was broken.",
  } = proposal;
  const world = (at: Date): World =>
    aWorld({
      at,
      settings,
      repository,
      testBench,
      engineer: {
        diagnose: async () => ({
          kind: "diagnosed",
          severity: null,
          diagnosis: aDiagnosis({ confidence: 100 }),
          ...found,
        }),
        repair: async () => ({ kind: "edits", edits, subject, explanation }),
      },
    });
  const now = facts().createdAt;
  const diagnosed = await diagnosis(anIssueAt("diagnosing", known), world(now));
  const opinion = of(diagnosed, "opinion");
  const severity = opinion?.severity ?? facts(known).severity;
  const made = of(diagnosed, "diagnosis");
  if (made === undefined) return ending(diagnosed, []);
  const planned = aPlannedFix({ diagnosis: made.diagnosis });
  const fixed = await fix(anIssueAt("fixing", { ...known, severity, fix: planned }), world(now));
  const written = of(fixed, "written_fix");
  if (written === undefined) return ending(fixed, []);
  const own: WrittenFix = { ...planned, ...written, rebuilds: 0, candidate: null, pullRequest: null };
  const built = await tests(anIssueAt("testing", { ...known, severity, fix: own }), world(now));
  const candidate: Candidate = of(built, "candidate")?.candidate ?? aCandidate;
  const tested = await tests(anIssueAt("testing", { ...known, severity, fix: { ...own, candidate } }), world(now));
  const report = of(tested, "tests")?.report ?? aTestReport();
  if (tested.kind !== "move" || tested.to !== "staging") return ending(tested, own.files);
  const { commit } = candidate;
  const deployment = aDeployment({
    ...{ environment: "staging", commit, baseline: null, previousCommit: null },
    watchUntil: later(10 * minute),
  });
  const issue = anIssueAt("staging", {
    ...known,
    severity,
    fix: { ...own, candidate, tests: report },
    deployment,
    samples: samples(0, 9, { servedCommit: commit }),
  });
  return ending(await staging(issue, world(later(10 * minute))), own.files);
}

function ending(outcome: Outcome, files: string[]): Ending {
  return { status: outcome.kind === "move" ? outcome.to : "fixing", because: outcome.because, files };
}

function of<Kind extends Evidence["kind"]>(
  outcome: Outcome,
  kind: Kind,
): Extract<Evidence, { kind: Kind }> | undefined {
  return outcome.evidence.find((item): item is Extract<Evidence, { kind: Kind }> => item.kind === kind);
}

/** Tests that pass whatever the commit holds; those that came with a fix fail without it. */
export function passing(messageOf: (commit: Sha) => Promise<string>): TestBench {
  return {
    run: async (commit, what) => {
      if (what === "types") return { kind: "none", why: "no types" };
      const isWithout = (await messageOf(commit)).startsWith("Tests of ");
      const report = isWithout
        ? aTestReport({ commit, outcome: "failed", failed: 1 })
        : aTestReport({ commit, passed: 20 });
      return { kind: "finished", report };
    },
  };
}

/** A repository that lives in memory. Its commits are plain files: what Git says of links and modes is asked elsewhere. */
export function groundInMemory(files: Record<string, string>): Ground {
  const commits = new Map<Sha, { files: Record<string, string>; message: string }>();
  const write = (content: Record<string, string>, message: string): Sha => {
    const id = Sha.parse(digest(JSON.stringify([content, message])).slice(0, 40));
    commits.set(id, { files: content, message });
    return id;
  };
  const main = write(files, "Begin");
  const filesOf = (commit: Sha) => commits.get(commit)?.files ?? {};
  const repository: Repository = {
    ...aWorld().repository,
    head: async (branch) => (branch === "main" ? main : undefined),
    snapshot: async (commit) => aSnapshot(filesOf(commit), commit),
    commit: async ({ base, edits, message }) => {
      const next = { ...filesOf(base) };
      for (const { path, content } of edits) {
        if (content === null) delete next[path];
        else next[path] = content;
      }
      return { commit: write(next, message), tree: Sha.parse("e".repeat(40)) };
    },
    changes: async (from, to) => changesBetween(filesOf(from), filesOf(to)),
    publish: async () => "published",
    compose: async ({ fix: commit, message }) => ({
      kind: "composed",
      commit: write(filesOf(commit), message),
      tree: Sha.parse("e".repeat(40)),
    }),
  };
  return { repository, testBench: passing(async (commit) => commits.get(commit)?.message ?? "") };
}

function changesBetween(before: Record<string, string>, after: Record<string, string>) {
  const paths = [...new Set([...Object.keys(before), ...Object.keys(after)])].filter(
    (path) => before[path] !== after[path],
  );
  const linesOf = (text: string | undefined) => (text === undefined ? 0 : text.split("\n").length);
  const files = paths.sort().map((path) => ({
    path,
    change: !(path in before) ? ("added" as const) : path in after ? ("modified" as const) : ("deleted" as const),
    oldMode: path in before ? "100644" : "000000",
    newMode: path in after ? "100644" : "000000",
    binary: false,
    // As if every line were new: Git counts fewer, and never more.
    addedLines:
      linesOf(after[path]) - (path in before ? linesOf(before[path]) - 1 : 0) > 0
        ? Math.max(1, linesOf(after[path]) - linesOf(before[path]))
        : 0,
    removedLines: 0,
  }));
  return { files, diff: JSON.stringify(paths.map((path) => [path, after[path] ?? null])) };
}
