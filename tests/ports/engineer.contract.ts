import { describe, expect, it } from "vitest";
import { Diagnosis } from "#domain/diagnosis.ts";
import { Edit } from "#domain/fix.ts";
import type { Engineer, Problem } from "#ports/engineer.ts";
import type { Snapshot } from "#ports/repository.ts";
import { aDiagnosis } from "#tests/support/builders.ts";
import { aSession } from "#tests/support/engineer-session.ts";

export interface EngineerUnderTest {
  engineer: Engineer;
  /** A problem that this engineer can repair, in the snapshot that holds its cause. */
  repairable: { problem: Problem; snapshot: Snapshot };
  /** A problem that nobody could say anything about. */
  hopeless: { problem: Problem; snapshot: Snapshot };
  /** It goes on from the diagnosis of another engineer. */
  takesOver?: boolean;
}

/** What every engineer promises (src/ports/engineer.ts). */
export function engineerContract(name: string, create: () => Promise<EngineerUnderTest>): void {
  describe(`${name} keeps the promises of an engineer`, () => {
    it("answers with a diagnosis of the agreed shape, signed by whoever made it", async () => {
      const { engineer, repairable } = await create();
      const result = await engineer.diagnose(repairable.problem, repairable.snapshot, aSession());
      if (result.kind !== "diagnosed") throw new Error(result.because);
      expect(Diagnosis.parse(result.diagnosis)).toEqual(result.diagnosis);
      expect(result.diagnosis).toMatchObject({
        causeClass: "code_fault",
        engineer: expect.stringMatching(/^\w+:\S+$/),
      });
      expect(result.diagnosis.files.length).toBeGreaterThan(0);
    });

    it("writes edits of existing files, with a subject of one line and a reason", async () => {
      const { engineer, repairable } = await create();
      const found = await engineer.diagnose(repairable.problem, repairable.snapshot, aSession());
      if (found.kind !== "diagnosed") throw new Error(found.because);
      const result = await engineer.repair(
        repairable.problem,
        { diagnosis: found.diagnosis, feedback: [] },
        repairable.snapshot,
        aSession(),
      );
      if (result.kind !== "edits") throw new Error(result.because);
      expect(result.subject).toMatch(/^.{1,72}$/);
      expect(result.explanation.trim()).not.toBe("");
      const paths = await repairable.snapshot.list();
      for (const edit of result.edits) {
        expect(Edit.parse(edit)).toEqual(edit);
        expect(paths).toContain(edit.path);
        expect(edit.content).not.toBe(await repairable.snapshot.read(edit.path));
      }
    });

    it("says that it does not know instead of guessing", async () => {
      const { engineer, hopeless } = await create();
      const result = await engineer.diagnose(hopeless.problem, hopeless.snapshot, aSession());
      expect(result).toMatchObject({ kind: "unknown", because: expect.stringMatching(/\w/) });
    });

    it("does not repair what is no fault of the code, nor what it cannot take over from another engineer", async () => {
      const { engineer, repairable, takesOver = false } = await create();
      const { problem, snapshot } = repairable;
      const denial = { diagnosis: aDiagnosis({ causeClass: "expected_denial" }), feedback: [] };
      expect(await engineer.repair(problem, denial, snapshot, aSession())).toMatchObject({
        kind: "cannot_fix",
        because: expect.stringMatching(/\w/),
      });
      const foreign = { diagnosis: aDiagnosis({ engineer: "nobody:knows" }), feedback: [] };
      const result = await engineer.repair(problem, foreign, snapshot, aSession());
      expect(result.kind).toBe(takesOver ? "edits" : "cannot_fix");
    });

    it("gives up after attempts that did not work instead of repeating the same one", async () => {
      const { engineer, repairable } = await create();
      const found = await engineer.diagnose(repairable.problem, repairable.snapshot, aSession());
      if (found.kind !== "diagnosed") throw new Error(found.because);
      const seen = new Set<string>();
      const feedback = [];
      for (let attempt = 1; attempt <= 10; attempt++) {
        const result = await engineer.repair(
          repairable.problem,
          { diagnosis: found.diagnosis, feedback },
          repairable.snapshot,
          aSession(),
        );
        if (result.kind !== "edits") return expect(result.kind).toBe("cannot_fix");
        const text = JSON.stringify(result.edits);
        expect(seen).not.toContain(text);
        seen.add(text);
        feedback.push({ attempt, because: "the tests fail", output: null, diff: null });
      }
      throw new Error("it never gave up");
    });
  });
}
