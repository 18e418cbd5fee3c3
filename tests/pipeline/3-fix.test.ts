import { describe, expect, it } from "vitest";
import type { FileChange } from "#domain/fix.ts";
import { fix } from "#pipeline/3-fix.ts";
import type { Repository } from "#ports/repository.ts";
import {
  anIssueAt,
  aPlannedFix,
  aTestReport,
  base,
  fixCommit,
  later,
  now,
  someSettings,
} from "#tests/support/builders.ts";
import { aSnapshot, aWorld } from "#tests/support/world.ts";

const before = "export function launch(campaign?: { id: string }) {\n  return campaign.id;\n}\n";
const after = "export function launch(campaign?: { id: string }) {\n  return campaign?.id;\n}\n";

function change(path: string, fields: Partial<FileChange> = {}): FileChange {
  return {
    path,
    change: "modified",
    oldMode: "100644",
    newMode: "100644",
    binary: false,
    addedLines: 1,
    removedLines: 1,
    ...fields,
  };
}

function world(
  parts: { path?: string; content?: string | null; repository?: Partial<Repository> } & Omit<
    Parameters<typeof aWorld>[0] & object,
    "repository"
  > = {},
) {
  const { path = "src/launch.ts", content = after, repository, ...rest } = parts;
  return aWorld({
    testBench: { run: async () => ({ kind: "none", why: "no type check" }) },
    engineer: {
      repair: async () => ({
        kind: "edits",
        edits: [{ path, content }],
        subject: "Guard the campaign",
        explanation: "It may be missing.",
      }),
    },
    ...rest,
    repository: {
      head: async () => base,
      snapshot: async () =>
        aSnapshot({ "src/launch.ts": before, "src/app/api/billing/route.ts": before, "package.json": "{}\n" }, base),
      commit: async () => ({ commit: fixCommit, tree: fixCommit }),
      changes: async () => ({ files: [change(path)], diff: "the diff" }),
      publish: async () => "published",
      ...repository,
    },
  });
}

describe("fix", () => {
  it("commits the change on a branch of its own and goes on to the tests", async () => {
    const outcome = await fix(anIssueAt("fixing"), world());
    expect(outcome).toMatchObject({ kind: "move", to: "testing" });
    expect(outcome.evidence.at(-1)).toMatchObject({
      kind: "written_fix",
      branch: "agent/fix-22222222",
      base,
      commit: fixCommit,
      files: ["src/launch.ts"],
      risks: [],
      approvalFiles: [],
    });
  });

  it("says in the commit what and why, with the ids that a later run looks for", async () => {
    const messages: string[] = [];
    const commit: Repository["commit"] = async ({ message }) => {
      messages.push(message);
      return { commit: fixCommit, tree: fixCommit };
    };
    await fix(anIssueAt("fixing"), world({ repository: { commit } }));
    expect(messages[0]).toBe(
      "Guard the campaign\n\nIt may be missing.\n\nVigil-Issue: 11111111-1111-4111-8111-111111111111\nVigil-Fix: 22222222-2222-4222-8222-222222222222\n",
    );
  });

  it.each([
    "src/app/api/billing/route.ts",
    "SRC/app/api/billing/route.ts",
    "src/lib/../app/api/billing/route.ts",
    ".env.local",
    "vercel.json",
  ])("rejects a change of the protected %s before there is a commit", async (path) => {
    const commit: Repository["commit"] = async () => {
      throw new Error("a commit was made");
    };
    expect(await fix(anIssueAt("fixing"), world({ path, repository: { commit } }))).toMatchObject({
      kind: "move",
      to: "rejected",
    });
  });

  it("rejects by what Git says as well: a symbolic link never reaches a branch", async () => {
    const publish: Repository["publish"] = async () => {
      throw new Error("a branch was made");
    };
    const changes: Repository["changes"] = async () => ({
      files: [change("src/launch.ts", { newMode: "120000", change: "type_changed" })],
      diff: "",
    });
    expect(await fix(anIssueAt("fixing"), world({ repository: { changes, publish } }))).toMatchObject({
      kind: "move",
      to: "rejected",
    });
  });

  it("marks a change of package.json for a person", async () => {
    const outcome = await fix(anIssueAt("fixing"), world({ path: "package.json", content: '{ "a": 1 }\n' }));
    expect(outcome.evidence.at(-1)).toMatchObject({
      kind: "written_fix",
      approvalFiles: [expect.stringContaining("package.json")],
    });
  });

  it.each([
    ["does not parse", "export function launch( {\n"],
    ["changes nothing", before],
    ["changes white space only", before.replace("  return", "    return")],
  ])("gives a change that %s back as feedback", async (_, content) => {
    const outcome = await fix(anIssueAt("fixing"), world({ content }));
    expect(outcome).toMatchObject({ kind: "wait", until: now });
    expect(outcome.evidence.map((item) => item.kind)).toEqual(["attempt_failed", "next_attempt"]);
  });

  it("ends after the third attempt", async () => {
    const issue = anIssueAt("fixing", { fix: aPlannedFix({ attempt: 3 }) });
    expect(await fix(issue, world({ content: before }))).toMatchObject({ kind: "move", to: "failed" });
  });

  it("never writes the same change twice", async () => {
    const outcome = await fix(anIssueAt("fixing"), world({ read: { patchTried: async () => true } }));
    expect(outcome).toMatchObject({ kind: "wait", because: expect.stringContaining("tried before") });
  });

  it("keeps a type error that the fix brings from the branch, and lets one pass that was there before", async () => {
    const red = { kind: "finished" as const, report: aTestReport({ outcome: "failed", output: "TS2322" }) };
    const green = { kind: "finished" as const, report: aTestReport() };
    const brought = await fix(
      anIssueAt("fixing"),
      world({ testBench: { run: async (commit) => (commit === base ? green : red) } }),
    );
    expect(brought).toMatchObject({ kind: "wait", because: expect.stringContaining("type check") });
    const old = await fix(anIssueAt("fixing"), world({ testBench: { run: async () => red } }));
    expect(old).toMatchObject({ kind: "move", to: "testing" });
  });

  it("waits while another fix changes the same files", async () => {
    const read = { inFlightTouching: async () => ({ id: "x", title: "Another" }) };
    expect(await fix(anIssueAt("fixing"), world({ read }))).toMatchObject({ kind: "wait", until: later(30_000) });
  });

  it("gives way to an issue with the same cause that is ahead", async () => {
    const read = { inFlightBefore: async () => ({ id: "x", title: "The older one" }) };
    expect(await fix(anIssueAt("fixing"), world({ read }))).toMatchObject({ kind: "wait", until: later(30_000) });
  });

  it("leaves a branch name that someone else uses alone and takes the next one", async () => {
    const publish: Repository["publish"] = async (branch) => (branch === "agent/fix-22222222" ? "taken" : "published");
    const outcome = await fix(anIssueAt("fixing"), world({ repository: { publish } }));
    expect(outcome.evidence.at(-1)).toMatchObject({ branch: "agent/fix-22222222-2" });
  });

  it("waits until the hour's fixes are free again, without asking the engineer", async () => {
    const engineer = {
      repair: async () => {
        throw new Error("asked");
      },
    };
    const reserve = async () => ({
      kind: "full" as const,
      until: later(60_000),
      because: "the limit of 5 fixes an hour is used up",
    });
    expect(await fix(anIssueAt("fixing"), world({ engineer, reserve }))).toMatchObject({
      kind: "wait",
      until: later(60_000),
    });
  });

  it("fails with the reason when the engineer cannot fix it", async () => {
    const engineer = {
      repair: async () => ({ kind: "cannot_fix" as const, because: "two places could be meant" }),
    };
    expect(await fix(anIssueAt("fixing"), world({ engineer }))).toMatchObject({ kind: "move", to: "failed" });
  });

  it("hands over a change that is larger than the limits to nobody: it is rejected", async () => {
    const changes: Repository["changes"] = async () => ({
      files: [change("src/launch.ts", { addedLines: 301 })],
      diff: "",
    });
    expect(await fix(anIssueAt("fixing"), world({ settings: someSettings(), repository: { changes } }))).toMatchObject({
      kind: "move",
      to: "rejected",
    });
  });
});
