import { describe, expect, it } from "vitest";
import { createPlaybooksEngineer } from "#adapters/engineer/playbooks/playbooks.ts";
import { aSession } from "#tests/support/engineer-session.ts";
import { answers, chains, type GuardCase, waysOut } from "./null-guard-table.ts";
import { aSnapshot, failing } from "./snapshots.ts";

const engineer = createPlaybooksEngineer();

/** What the engineer makes of a fixture: the file afterwards, or why not. */
async function repaired({
  path,
  code: signed,
  error,
  others = {},
}: Pick<GuardCase, "path" | "code" | "error" | "others">) {
  const { code, problem, line } = failing(path, signed, error);
  const snapshot = aSnapshot({ ...others, [path]: code });
  const found = await engineer.diagnose(problem, snapshot, aSession());
  if (found.kind !== "diagnosed") throw new Error(found.because);
  const result = await engineer.repair(problem, { diagnosis: found.diagnosis, feedback: [] }, snapshot, aSession());
  if (result.kind !== "edits") throw new Error(result.because);
  return { code, line, diagnosis: found.diagnosis, result };
}

describe.each([
  { kind: "an early answer", cases: answers },
  { kind: "optional chaining", cases: chains },
  { kind: "a way out that is there already", cases: waysOut },
])("a missing value gets $kind", ({ cases }) => {
  it.each(cases)("$name", async (one) => {
    const { code, line, diagnosis, result } = await repaired(one);
    expect(result.edits).toEqual([{ path: one.path, content: code.replace(one.from, one.to) }]);
    expect(diagnosis).toMatchObject({
      causeClass: "code_fault",
      files: [one.path],
      engineer: "playbook:null-guard",
      requiresPerson: one.person ?? false,
      claim: { kind: "error_stops", fingerprint: "f1", operation: "GET /api/things" },
    });
    expect(diagnosis.evidence.map((place) => place.line)).toContain(line);
    expect(diagnosis.confidence).toBeGreaterThanOrEqual(one.confidence[0]);
    expect(diagnosis.confidence).toBeLessThanOrEqual(one.confidence[1]);
  });
});
