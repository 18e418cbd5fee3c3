import { spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { sql } from "drizzle-orm";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { Connection } from "#store/connect.ts";
import { git } from "#tests/support/git.ts";
import { checkInvariants, type Sighting } from "#tests/support/invariants.ts";
import { anAgent, canary } from "./an-agent.ts";
import { drive } from "./drive.ts";
import { aSceneHere, type Scene } from "./scene.ts";

let scene: Scene;
let connection: Connection;
let clean: Sighting;
let copies = 0;

beforeAll(async () => {
  ({ scene, connection } = await aSceneHere());
  const engine = await anAgent(scene.order, connection, () => undefined, scene.platform);
  await drive(engine, { between: async () => undefined, production: scene.order.ports.production });
  await engine.queue.stop();
  clean = await scene.sighting(connection);
  await keep();
});
afterAll(() => scene.dispose());
afterEach(restore);

const tables = [
  "agent_projects",
  "agent_issues",
  "agent_fixes",
  "agent_approvals",
  "agent_deployments",
  "agent_actions",
];

async function keep(): Promise<void> {
  for (const table of tables) await connection.db.execute(sql.raw(`CREATE TABLE kept_${table} AS TABLE ${table}`));
}

async function restore(): Promise<void> {
  await unguarded(
    `TRUNCATE ${tables.join(", ")} CASCADE`,
    ...tables.map((table) => `INSERT INTO ${table} SELECT * FROM kept_${table}`),
    "CREATE UNIQUE INDEX IF NOT EXISTS agent_actions_effect_done ON agent_actions (effect_key) WHERE effect_key IS NOT NULL AND outcome = 'done'",
  );
}

/** As whoever may do anything to the database: no trigger fires. */
async function unguarded(...statements: string[]): Promise<void> {
  await connection.script(async (run) => {
    await run("SET LOCAL session_replication_role = replica");
    for (const statement of statements) await run(statement);
  });
}

/** The same sighting with a remote that may be spoiled. */
async function withOwnRemote(): Promise<Sighting & { git: NonNullable<Sighting["git"]> }> {
  const remote = `${scene.world.remote}-${copies++}`;
  await cp(scene.world.remote, remote, { recursive: true });
  return { ...clean, git: { remote, agentEmail: clean.git?.agentEmail ?? "", copies: [] } };
}

const somebody = ["-c", "user.name=Ada", "-c", "user.email=ada@clinic.example"];
const agent = ["-c", "user.name=Vigil", "-c", "user.email=vigil@localhost"];

/** A commit with the files of main, by `who`, on no branch. */
async function aCommit(remote: string, who: string[], message: string, ...more: string[]): Promise<string> {
  return git(remote, ...who, "commit-tree", "main^{tree}", "-p", "main", ...more, "-m", message);
}

/** What an invariant says of a planted violation; that it alone says something. */
async function saysOnly(name: string, sighting: Sighting): Promise<string[]> {
  const found = await checkInvariants(sighting);
  expect(found.filter((violation) => !violation.startsWith(`${name}:`))).toEqual([]);
  return found;
}

describe("the invariants", () => {
  it("find nothing wrong with an issue that was detected, fixed, released and watched", async () => {
    expect(await checkInvariants(clean)).toEqual([]);
  });

  it("I1 finds a commit of a person that no branch holds any more", async () => {
    const own = await withOwnRemote();
    const lost = await aCommit(own.git.remote, somebody, "Work");
    expect(await saysOnly("I1", own)).toEqual([`I1: nothing holds commit ${lost} of ada@clinic.example any more`]);
  });

  it("I2 finds a version in production that nobody let through", async () => {
    const staged = "9".repeat(40);
    const served = { ...clean, production: { served: staged, deployedByPeople: [scene.world.first] } };
    expect(await saysOnly("I2", served)).toEqual([`I2: production serves ${staged}, which nobody let through`]);
  });

  it("I2 finds a candidate in production that a person was asked about and did not approve", async () => {
    await unguarded(`INSERT INTO agent_approvals (issue_id, fix_id, state, environment, candidate_commit, candidate_tree, candidate_base,
        diff_hash, policy_hash, expires_at)
      SELECT issue_id, id, 'rejected', 'production', candidate_commit, candidate_tree, candidate_base, diff_hash, diff_hash, now()
      FROM agent_fixes`);
    expect(await saysOnly("I2", clean)).toEqual([expect.stringContaining("which nobody let through")]);
  });

  it("I2 finds a production that serves what was rolled back, or does not say what it serves", async () => {
    await unguarded("UPDATE agent_fixes SET outcome = 'rolled_back'");
    expect(await saysOnly("I2", clean)).toEqual([expect.stringContaining("which was rolled back")]);
    const silent = { ...clean, production: { served: null, deployedByPeople: [] } };
    expect(await saysOnly("I2", silent)).toEqual(["I2: production does not say what it serves"]);
  });

  it("I3 finds a release whose files are not those that were tested", async () => {
    const [row] = await connection.script((run) => run("SELECT candidate_commit AS commit FROM agent_fixes"));
    const released = String(row?.commit);
    const own = await withOwnRemote();
    const other = await git(own.git.remote, "rev-parse", `${scene.world.first}`);
    await unguarded(`UPDATE agent_deployments SET commit_sha = '${other}' WHERE environment = 'production'`);
    const found = await checkInvariants({ ...own, production: { served: released, deployedByPeople: [released] } });
    expect(found).toContain(`I3: ${other} was released although no test passed on it`);
    expect(found.filter((line) => line.startsWith("I3:")).length).toBe(2);
  });

  it("I4 finds an effect that is done twice", async () => {
    await unguarded(
      "DROP INDEX agent_actions_effect_done",
      // A row like the first effect's, so that only the doubling is wrong: the chain is checked by I6.
      `INSERT INTO agent_actions SELECT (jsonb_populate_record(a, jsonb_build_object('seq', (SELECT max(seq) + 1 FROM agent_actions)))).*
       FROM agent_actions a WHERE action = 'repository.advance' AND subject = 'main' AND outcome = 'done'`,
    );
    expect(await checkInvariants(clean)).toContainEqual(
      expect.stringMatching(/^I4: repository\.advance:main:.* is done 2 times$/),
    );
  });

  it("I4 finds a second merge of a fix, a second revert, and a message that came again without a mark", async () => {
    const own = await withOwnRemote();
    const { remote } = own.git;
    const merge = await aCommit(remote, agent, "Merge again\n\nVigil-Fix: f1", "-p", scene.world.first);
    await git(remote, "update-ref", "refs/heads/main", merge);
    const again = await aCommit(remote, agent, "Merge again\n\nVigil-Fix: f1", "-p", scene.world.first);
    await git(remote, "update-ref", "refs/heads/main", again);
    for (const n of [1, 2]) {
      const revert = await aCommit(remote, agent, `Revert ${n}\n\nReverts: ${merge}`);
      await git(remote, "update-ref", "refs/heads/main", revert);
    }
    const notices = [
      { key: "k", repeated: false },
      { key: "k", repeated: false },
    ];
    const found = (await checkInvariants({ ...own, notices })).filter((line) => line.startsWith("I4:"));
    expect(found).toEqual([
      `I4: 2 commits are the revert of ${merge}`,
      "I4: 2 commits are the merge of fix f1",
      "I4: message k came again without a mark",
    ]);
  });

  it("I5 finds two claims that settled the same version, and a move that does not follow", async () => {
    await unguarded(`UPDATE agent_actions SET detail = detail || '{"version": 1}'
      WHERE action = 'status.changed' AND detail->>'to' IN ('diagnosing', 'fixing')`);
    const doubled = (await checkInvariants(clean)).filter((line) => line.startsWith("I5:"));
    expect(doubled).toEqual([expect.stringMatching(/^I5: two claims of issue .* settled version 1/)]);
    await restore();
    await unguarded("UPDATE agent_issues SET status = 'failed'");
    expect(await saysOnly("I5", clean)).toEqual([expect.stringContaining("is failed but moved to resolved last")]);
  });

  it("I6 finds an effect without an intent, and a trail that somebody touched", async () => {
    await unguarded("DELETE FROM agent_actions WHERE action = 'repository.publish' AND outcome = 'intended'");
    const found = await saysOnly("I6", clean);
    expect(found).toEqual([
      expect.stringMatching(/^I6: the audit trail is broken: row \d+ is missing$/),
      expect.stringMatching(/^I6: repository\.publish:.* is done without an intent before it$/),
      expect.stringMatching(/^I6: nobody intended agent\/fix-/),
    ]);
  });

  it("I6 finds a commit of the agent on main that nobody intended", async () => {
    const own = await withOwnRemote();
    const commit = await aCommit(own.git.remote, agent, "Sneak in");
    await git(own.git.remote, "update-ref", "refs/heads/main", commit);
    expect(await saysOnly("I6", own)).toEqual([`I6: nobody intended main ${commit}`]);
  });

  it("I7 finds a secret in a row, in a file, and in Git even where no branch leads", async () => {
    await unguarded(`UPDATE agent_issues SET message = 'token ${canary}'`);
    expect(await saysOnly("I7", clean)).toEqual(["I7: a secret stands in table public.agent_issues"]);
    await restore();
    const log = join(scene.order.home, "spoiled.log");
    await writeFile(log, `Authorization: ${canary}\n`);
    const own = await withOwnRemote();
    await writeFile(join(scene.order.home, "blob"), canary);
    await git(own.git.remote, "hash-object", "-w", join(scene.order.home, "blob"));
    const secrets = { canaries: [canary], files: [log] };
    expect(await saysOnly("I7", { ...own, secrets })).toEqual([
      `I7: a secret stands in ${log}`,
      `I7: a secret stands in Git, at ${own.git.remote}`,
    ]);
  });

  it("I8 finds an issue that nobody will go on with, and one that has ended and still holds the lane or asks a person", async () => {
    await unguarded(
      "UPDATE agent_issues SET status = 'resolved'",
      "UPDATE agent_projects SET lane_issue_id = (SELECT id FROM agent_issues)",
    );
    expect(await saysOnly("I8", clean)).toEqual([expect.stringContaining("is resolved and still holds the lane")]);
    await restore();
    await unguarded(`INSERT INTO agent_approvals (issue_id, fix_id, environment, candidate_commit, candidate_tree, candidate_base,
        diff_hash, policy_hash, expires_at)
      SELECT issue_id, id, 'production', '-', '-', '-', '-', '-', now() FROM agent_fixes`);
    expect(await saysOnly("I8", clean)).toEqual([expect.stringContaining("but a question about it is open")]);
    await restore();
    await unguarded("UPDATE agent_issues SET status = 'testing', lease_until = NULL, next_run_at = NULL");
    const found = (await checkInvariants(clean)).filter((line) => line.startsWith("I8:"));
    expect(found).toEqual([expect.stringContaining("is testing, and nobody will go on with it")]);
  });

  it("I9 finds a process that still runs and a copy that was left behind", async () => {
    const leftover = join(scene.order.home, "tests", "1-copy");
    await mkdir(leftover, { recursive: true });
    const child = spawn("sleep", ["60"], { cwd: leftover });
    try {
      await once(child, "spawn");
      expect(await saysOnly("I9", clean)).toEqual([
        `I9: process ${child.pid} still runs: sleep 60`,
        `I9: ${leftover} was left behind`,
      ]);
    } finally {
      child.kill("SIGKILL");
      await once(child, "exit");
      await rm(leftover, { recursive: true });
    }
  });

  it.each(["'inconclusive'", "'failed'", "NULL"])(
    "I10 finds an issue that was resolved with the verdict %s",
    async (verdict) => {
      await unguarded(`UPDATE agent_deployments SET verdict = ${verdict} WHERE environment = 'production'`);
      expect(await saysOnly("I10", clean)).toEqual([
        expect.stringMatching(/^I10: issue .* is resolved, but its verdict is/),
      ]);
    },
  );
});
