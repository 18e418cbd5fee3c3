import { describe, expect, it } from "vitest";
import { createPlaybooksEngineer } from "#adapters/engineer/playbooks/playbooks.ts";
import { aSession } from "#tests/support/engineer-session.ts";
import { type Fixable, type Hopeless, reported } from "./broken.ts";
import * as missingAwait from "./missing-await-table.ts";
import * as misspelt from "./misspelt-table.ts";
import * as movedImport from "./moved-import-table.ts";
import * as pastTheEnd from "./past-the-end-table.ts";
import { aSnapshot } from "./snapshots.ts";

const engineer = createPlaybooksEngineer();
const session = aSession();

async function repaired(one: Fixable) {
  const { problem, snapshot, plain } = reported(one);
  const found = await engineer.diagnose(problem, snapshot, session);
  if (found.kind !== "diagnosed") throw new Error(found.because);
  const result = await engineer.repair(problem, { diagnosis: found.diagnosis, feedback: [] }, snapshot, session);
  if (result.kind !== "edits") throw new Error(result.because);
  return {
    diagnosis: found.diagnosis,
    files: new Map(result.edits.map(({ path, content }) => [path, content ?? ""])),
    plain,
    problem,
  };
}

describe.each([
  ["misspelt", misspelt],
  ["missing-await", missingAwait],
  ["moved-import", movedImport],
  ["past-the-end", pastTheEnd],
])("%s", (playbook, { fixable, hopeless }) => {
  it.each(fixable)("repairs $name", async (one: Fixable) => {
    const { diagnosis, files, plain, problem } = await repaired(one);
    const wanted = Object.entries(one.becomes).map(([path, changes]): [string, string] => [
      path,
      changes.reduce((text, [from, to]) => text.replace(from, to), plain[path] ?? ""),
    ]);
    expect(files).toEqual(new Map(wanted));
    expect(diagnosis).toMatchObject({
      causeClass: "code_fault",
      engineer: `playbook:${playbook}`,
      files: [...files.keys()],
    });
    expect(diagnosis.confidence).toBeGreaterThanOrEqual(one.confidence[0]);
    expect(diagnosis.confidence).toBeLessThanOrEqual(one.confidence[1]);
    // The same report on the repaired code leads to no second change.
    const again = await engineer.diagnose(problem, aSnapshot({ ...plain, ...Object.fromEntries(files) }), session);
    expect(again.kind === "diagnosed" ? again.diagnosis.engineer : again.kind).not.toBe(`playbook:${playbook}`);
  });

  it.each(hopeless)("leaves alone $name", async (one: Hopeless) => {
    const { problem, snapshot } = reported(one);
    expect(await engineer.diagnose(problem, snapshot, session)).toMatchObject({
      kind: "unknown",
      because: expect.stringMatching(one.because),
    });
  });
});
