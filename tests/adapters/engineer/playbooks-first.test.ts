import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createPlaybooksEngineer } from "#adapters/engineer/playbooks/playbooks.ts";
import { createPlaybooksFirst } from "#adapters/engineer/playbooks-first.ts";
import type { Engineer } from "#ports/engineer.ts";
import { engineerContract } from "#tests/ports/engineer.contract.ts";
import { aDiagnosis } from "#tests/support/builders.ts";
import { aSession } from "#tests/support/engineer-session.ts";
import { aModelThatKnows, type MessagesApi, startMessagesApi, tool } from "#tests/support/messages-api.ts";
import { aCommit, aProblem, claudeAt, finding, shop } from "./claude-bench.ts";
import { failing } from "./snapshots.ts";

const path = "src/app/api/users/[id]/route.ts";
const { code, problem: guardable } = failing(
  path,
  `export async function GET(request: Request, { params }: Context) {
  const team = await findTeam(params.team);
  if (!team) return Response.json({ error: "Team not found" }, { status: 404 });
  const user = await findUser(params.id);
  return Response.json({ name: user.⟦name, team: team.name });
}
`,
  "Cannot read properties of undefined (reading 'name')",
);
const route = aCommit({ [path]: code });
const byModel = { replacements: [{ path, search: "user.name", replace: "user?.name" }] };
const noKey = { kind: "absent", because: "ANTHROPIC_API_KEY is not set" } as const;

let api: MessagesApi;
beforeAll(async () => {
  api = await startMessagesApi();
});
beforeEach(() => api.play(aModelThatKnows({ finding, repairs: [byModel, byModel, null] })));
afterAll(() => api.close());

const both = (playbooks: Engineer | null = createPlaybooksEngineer()) =>
  createPlaybooksFirst({ playbooks, model: { kind: "ready", engineer: claudeAt(api) } });
const alone = () => createPlaybooksFirst({ playbooks: createPlaybooksEngineer(), model: noKey });

engineerContract("playbooks without a model", async () => ({
  engineer: alone(),
  repairable: { problem: guardable, snapshot: route },
  hopeless: { problem: aProblem({ message: "Something went wrong", stack: null }), snapshot: aCommit({}) },
}));

engineerContract("playbooks before a model", async () => {
  const foreign = { path: "src/launch.ts", search: "one", replace: "two" };
  api.play((request) => {
    const isForeign = request.text.includes("src/launch.ts");
    return aModelThatKnows({ repairs: isForeign ? [{ replacements: [foreign] }] : [byModel, byModel, null] })(request);
  });
  const files = { [path]: code, "src/launch.ts": "one\n" };
  return {
    engineer: both(),
    repairable: { problem: guardable, snapshot: aCommit(files) },
    hopeless: { problem: aProblem({ message: "Something went wrong", stack: null }), snapshot: aCommit({}) },
    takesOver: true,
  };
});

const failed = { attempt: 1, because: "2 tests fail", output: "not ok 1", diff: null };

describe("playbooks first", () => {
  it("what a playbook knows costs nothing, neither to diagnose nor to repair", async () => {
    const session = aSession();
    const found = await both().diagnose(guardable, route, session);
    if (found.kind !== "diagnosed") throw new Error(JSON.stringify(found));
    expect(found.diagnosis.engineer).toMatch(/^playbook:/);
    const repaired = await both().repair(guardable, { diagnosis: found.diagnosis, feedback: [] }, route, session);
    expect(repaired.kind).toBe("edits");
    expect(api.requests).toEqual([]);
  });

  it("what no playbook knows is the model's", async () => {
    const found = await both().diagnose(aProblem({ message: "Odd", stack: null }), aCommit(shop), aSession());
    expect(found).toMatchObject({ kind: "diagnosed", diagnosis: { engineer: expect.stringMatching(/^claude:/) } });
  });

  it("what a playbook is not sure of is the model's, and stays the playbook's where the model does not know", async () => {
    const half = aDiagnosis({ engineer: "playbook:half", confidence: 70, files: [path] });
    const commit = aCommit({ ...shop, [path]: code });
    const halfSure: Engineer = {
      ...createPlaybooksEngineer(),
      diagnose: async () => ({ kind: "diagnosed", diagnosis: half, severity: null }),
    };
    expect(await both(halfSure).diagnose(guardable, commit, aSession())).toMatchObject({
      diagnosis: { engineer: expect.stringMatching(/^claude:/) },
    });
    api.play([tool("give_up", { because: "I cannot tell" })]);
    expect(await both(halfSure).diagnose(guardable, commit, aSession())).toMatchObject({ diagnosis: half });
  });

  it("a playbook's fix that failed is the model's to better, with the diagnosis and what went wrong", async () => {
    const found = await both().diagnose(guardable, route, aSession());
    if (found.kind !== "diagnosed") throw new Error(JSON.stringify(found));
    const work = { diagnosis: found.diagnosis, feedback: [failed] };
    const repaired = await both().repair(guardable, work, route, aSession());
    expect(repaired).toMatchObject({
      kind: "edits",
      edits: [{ path, content: code.replace("user.name", "user?.name") }],
    });
    expect(api.requests[0]?.text).toContain("2 tests fail");
    expect(api.requests[0]?.text).toContain(found.diagnosis.rootCause.slice(0, 60));
  });

  it("so is what a playbook diagnosed and cannot repair", async () => {
    const diagnosis = aDiagnosis({ engineer: "playbook:gone", files: [path], evidence: [] });
    const session = aSession();
    const repaired = await both().repair(guardable, { diagnosis, feedback: [] }, route, session);
    expect(repaired.kind).toBe("edits");
    expect(session.told[0]).toContain("the playbook cannot repair it");
  });

  it("may be switched off: then the model does everything", async () => {
    await both(null).diagnose(guardable, route, aSession());
    expect(api.requests[0]?.tools).toContain("submit_diagnosis");
  });
});

describe("without a key", () => {
  it("says so wherever it does not know", async () => {
    const unknown = await alone().diagnose(aProblem({ message: "Odd", stack: null }), aCommit(shop), aSession());
    expect(unknown).toMatchObject({
      kind: "unknown",
      because: expect.stringMatching(/; ANTHROPIC_API_KEY is not set$/),
    });
    const work = { diagnosis: aDiagnosis({ engineer: "claude:x" }), feedback: [] };
    expect(await alone().repair(guardable, work, route, aSession())).toMatchObject({
      kind: "cannot_fix",
      because: noKey.because,
    });
    expect(await alone().triage(guardable, aSession())).toEqual({ kind: "unchanged" });
  });

  it("and without playbooks nothing is known, for both reasons", async () => {
    const nothing = createPlaybooksFirst({ playbooks: null, model: noKey });
    expect(await nothing.diagnose(guardable, route, aSession())).toEqual({
      kind: "unknown",
      because: "playbooks are switched off; ANTHROPIC_API_KEY is not set",
    });
  });
});
