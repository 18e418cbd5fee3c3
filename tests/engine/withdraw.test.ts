import { join } from "node:path";
import { eq, sql } from "drizzle-orm";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createGithubRepository } from "#adapters/repository/github.ts";
import type { Evidence } from "#domain/evidence.ts";
import { IssueId, type Sha } from "#domain/ids.ts";
import { round } from "#engine/round.ts";
import type { Repository } from "#ports/repository.ts";
import type { Connection } from "#store/connect.ts";
import { issues, projects } from "#store/schema.ts";
import { action, appendActions } from "#store/write/actions.ts";
import { writeEvidence } from "#store/write/evidence.ts";
import { endFix } from "#store/write/fixes.ts";
import { aDiagnosis } from "#tests/support/builders.ts";
import { databases, empty } from "#tests/support/databases.ts";
import { aGitWorld, branchesOf, type GitWorld } from "#tests/support/git.ts";
import { serverError } from "#tests/support/github/faults.ts";
import { startGithub, type TestGithub } from "#tests/support/github/server.ts";
import { anEngine, auditOf, insertIssue, type TestEngine } from "./an-engine.ts";

const at = new Date("2026-03-04T05:06:07Z");
const hostile = "errors rose; fixes #1 @acme/all\n```\n<!-- ![](https://evil.example/p.png)";

/** What an ended fix leaves with people: its pull request and its branch at GitHub. */
describe.each(databases())("ended fixes on $name", { timeout: 240_000 }, ({ open }) => {
  let connection: Connection;
  let engine: TestEngine;
  let world: GitWorld;
  let github: TestGithub;
  let repository: Repository;

  beforeAll(async () => {
    connection = await open();
  });
  afterAll(() => connection.close());
  beforeEach(async () => {
    await empty(connection);
    world = await aGitWorld();
    github = await startGithub({ remote: world.remote });
    repository = createGithubRepository({
      ...{ owner: github.owner, name: github.name, apiUrl: github.url },
      credentials: { kind: "token", token: github.token },
      scratch: join(world.folder, "scratch"),
      pace: { writeEveryMs: 0, retryUnitMs: 1 },
    });
    engine = await anEngine(connection, { ports: { repository } });
    return async () => {
      await engine.queue.stop();
      await github.stop();
      await world.dispose();
    };
  });

  /** A fix on its branch with its pull request, at an issue that `status` says how far it is. */
  async function aFix(branch: string, status = "failed", known?: IssueId) {
    const issueId = known ?? IssueId.parse(await insertIssue(connection));
    const made = await repository.commit({
      ...{ base: world.first, message: `${branch}\n`, at },
      edits: [{ path: `${branch.replaceAll("/", "-")}.txt`, content: "x\n" }],
    });
    await repository.publish(branch, made.commit);
    const request = { branch, into: "main", title: branch, body: "", path: "/" };
    const proposed = await repository.propose(request);
    if (proposed.kind !== "proposed") throw new Error("it is not proposed");
    const { url, number } = proposed;
    const evidence: Evidence[] = [
      { kind: "diagnosis", diagnosis: aDiagnosis(), feedback: [] },
      {
        kind: "written_fix",
        ...{ branch, base: world.first, commit: made.commit, patchHash: branch },
        ...{ files: [], diff: "", risks: [], approvalFiles: [] },
      },
      { kind: "pull_request", pullRequest: { url, number, head: made.commit, mergeAskedAt: null } },
    ];
    const fixId = await connection.db.transaction((tx) =>
      writeEvidence(tx, { projectId: "default", issueId, fixId: null }, evidence),
    );
    if (fixId === null) throw new Error("there is no fix");
    await connection.db.execute(sql`ALTER TABLE agent_issues DISABLE TRIGGER USER`);
    await connection.db.update(issues).set({ fixId, status }).where(eq(issues.id, issueId));
    await connection.db.execute(sql`ALTER TABLE agent_issues ENABLE TRIGGER USER`);
    return { issueId, fixId, number, commit: made.commit };
  }

  const ends = (fixId: string, outcome: Parameters<typeof endFix>[2], because: string) =>
    connection.db.transaction((tx) => endFix(tx, fixId, outcome, because));
  /** Another minute: rounds of the same minute do nothing twice. */
  async function nextRound() {
    await connection.db.execute(sql`UPDATE agent_rounds SET slot = slot - 1 WHERE kind = 'withdraw'`);
    await round(engine);
  }
  const pulls = () => github.pulls().map(({ state, comments }) => [state, comments.length]);
  const audit = async () => (await auditOf(connection)).filter((line) => line.includes("withdraw"));

  it("are closed with the reason, which does nothing at GitHub, and their branches removed: once", async () => {
    const { fixId, number } = await aFix("agent/fix-1", "rejected");
    await ends(fixId, "rejected", hostile);
    for (let time = 0; time < 3; time++) await nextRound();
    const [pull] = github.pulls();
    expect(pull).toMatchObject({ number, state: "closed", mergedAt: null });
    expect(pull?.comments.map(({ body }) => body)).toEqual([
      `This fix was rejected:\n\n\`\`\`\`text\n${hostile}\n\`\`\`\`\n\nThe branch is removed as well; it can be restored here.`,
    ]);
    expect(await branchesOf(world.remote)).toEqual(["main", "staging"]);
    expect(await audit()).toEqual(["repository.withdraw agent/fix-1 intended", "repository.withdraw agent/fix-1 done"]);
  });

  it("say that another attempt takes their place, which is left alone while its issue works with it", async () => {
    const first = await aFix("agent/fix-1");
    await ends(first.fixId, "failed", "Attempt 1 of 3: two tests fail");
    await aFix("agent/fix-2", "awaiting_approval", first.issueId);
    await nextRound();
    expect(pulls()).toEqual([
      ["closed", 1],
      ["open", 0],
    ]);
    expect(github.pulls()[0]?.comments[0]?.body).toMatch(/^Another attempt takes the place of this fix:/);
    expect(await branchesOf(world.remote)).toEqual(["agent/fix-2", "main", "staging"]);
  });

  it("stay with whoever committed to them, which is said once", async () => {
    const { fixId } = await aFix("agent/fix-1");
    await ends(fixId, "failed", "expired");
    const head = await world.person.commit("agent/fix-1", { "mine.txt": "mine\n" });
    for (let time = 0; time < 2; time++) await nextRound();
    expect(pulls()).toEqual([["open", 0]]);
    expect(await world.person.git("ls-remote", "origin", "agent/fix-1")).toContain(head);
    expect(await audit()).toEqual([
      "repository.withdraw agent/fix-1 intended",
      "repository.withdraw agent/fix-1 refused",
    ]);
  });

  it("are known by every commit that was meant for them, also of a process that did not live to say so", async () => {
    const { fixId, issueId, commit } = await aFix("agent/fix-1");
    await ends(fixId, "failed", "expired");
    const edits = [{ path: "another.txt", content: "x\n" }];
    const { commit: to } = await repository.commit({ base: commit, edits, message: "Another candidate\n", at });
    await repository.advance("agent/fix-1", { from: commit, to });
    const about = { issueId, fixId, actor: "agent", subject: "agent/fix-1", detail: { from: commit, to } };
    const intent = action({
      ...about,
      action: "repository.replace",
      outcome: "intended",
      effectKey: "the replacement",
    });
    await connection.db.transaction((tx) => appendActions(tx, [intent]));
    await nextRound();
    expect(await branchesOf(world.remote)).toEqual(["main", "staging"]);
  });

  it("wait while the agent is paused, and while GitHub is away", async () => {
    const { fixId } = await aFix("agent/fix-1");
    await ends(fixId, "failed", "expired");
    const pause = (paused: boolean) => connection.db.update(projects).set({ paused });
    await pause(true);
    await nextRound();
    expect([pulls(), await audit()]).toEqual([[["open", 0]], []]);
    await pause(false);
    github.faults.push({ path: /./, answer: serverError, times: 50 });
    await nextRound();
    github.faults.length = 0;
    await nextRound();
    expect(pulls()).toEqual([["closed", 1]]);
    expect((await audit()).length).toBe(2);
  });

  it("that are in main lose their branch without a word", async () => {
    const { fixId, number } = await aFix("agent/fix-1", "resolved");
    const landed = (await github.merge(number, { method: "squash" })) as Sha;
    await ends(fixId, "resolved", "it held");
    await nextRound();
    expect(pulls()).toEqual([["closed", 0]]);
    expect(await repository.head("main")).toBe(landed);
    expect(await branchesOf(world.remote)).toEqual(["main", "staging"]);
  });
});
