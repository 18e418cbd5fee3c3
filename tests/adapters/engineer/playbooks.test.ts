import { describe, expect, it } from "vitest";
import type { Playbook } from "#adapters/engineer/playbooks/playbook.ts";
import { createPlaybooksEngineer } from "#adapters/engineer/playbooks/playbooks.ts";
import { engineerContract } from "#tests/ports/engineer.contract.ts";
import { aDiagnosis } from "#tests/support/builders.ts";
import { aSession } from "#tests/support/engineer-session.ts";
import { aProblem, aSnapshot, failing } from "./snapshots.ts";

const { code, problem } = failing(
  "src/app/api/users/[id]/route.ts",
  `export async function GET(request: Request, { params }: Context) {
  const user = await findUser(params.id);
  return Response.json({ name: user.⟦name });
}
`,
  "Cannot read properties of undefined (reading 'name')",
);

engineerContract("playbooks", async () => ({
  engineer: createPlaybooksEngineer(),
  repairable: { problem, snapshot: aSnapshot({ "src/app/api/users/[id]/route.ts": code }) },
  hopeless: { problem: aProblem({ message: "Something went wrong" }), snapshot: aSnapshot({}) },
}));

const silent: Playbook = {
  name: "silent",
  diagnose: async () => ({ kind: "not_mine" }),
  repair: async () => ({ kind: "cannot_fix", because: "never asked" }),
};
const unsure: Playbook = {
  ...silent,
  name: "unsure",
  diagnose: async () => ({ kind: "unknown", because: "too dark" }),
};
const sure: Playbook = {
  name: "sure",
  diagnose: async () => ({ kind: "found", diagnosis: aDiagnosis({ engineer: "x" }) }),
  repair: async (_problem, _diagnosis, _snapshot, feedback) => ({
    kind: "cannot_fix",
    because: `${feedback.length} tried`,
  }),
};
const snapshot = aSnapshot({});

describe("the engineer of playbooks", () => {
  it("asks one playbook after the other and signs with the name of the one that knew", async () => {
    const engineer = createPlaybooksEngineer({ playbooks: [silent, unsure, sure] });
    expect(await engineer.diagnose(problem, snapshot, aSession())).toEqual({
      kind: "diagnosed",
      diagnosis: aDiagnosis({ engineer: "playbook:sure" }),
      severity: null,
    });
  });

  it("asks for the repair where the diagnosis came from, with what went wrong before", async () => {
    const engineer = createPlaybooksEngineer({ playbooks: [silent, sure] });
    const feedback = [{ attempt: 1, because: "the tests fail", output: null, diff: null }];
    const diagnosis = aDiagnosis({ engineer: "playbook:sure" });
    expect(await engineer.repair(problem, { diagnosis, feedback }, snapshot, aSession())).toEqual({
      kind: "cannot_fix",
      because: "1 tried",
    });
  });

  it("passes on why a playbook that knows such problems could say nothing", async () => {
    const engineer = createPlaybooksEngineer({ playbooks: [silent, unsure] });
    expect(await engineer.diagnose(problem, snapshot, aSession())).toEqual({ kind: "unknown", because: "too dark" });
  });

  it("says so when no playbook knows such problems", async () => {
    const engineer = createPlaybooksEngineer({ playbooks: [silent] });
    expect(await engineer.diagnose(problem, snapshot, aSession())).toEqual({
      kind: "unknown",
      because: "no playbook knows this kind of problem",
    });
  });
});
