import { describe, expect, it } from "vitest";
import { proposalText, proposalTitle, revertText } from "#policy/proposal-text.ts";

const facts = {
  issueTitle: "TypeError in POST /api/campaigns/launch",
  severity: "P2",
  message: "Cannot read properties of undefined",
  rootCause: "campaign is undefined",
  fixStrategy: "guard after the query",
  confidence: 92,
  engineer: "claude",
  files: ["src/launch.ts"],
  evidence: ["Tests: passed (12 passed, 0 failed, 0 skipped)"],
  reasons: [],
};

/** What GitHub would read as Markdown: everything outside of code blocks. */
function outsideCode(body: string): string {
  return body.replace(/^(`{3,})text\n[\s\S]*?\n\1$/gm, "");
}

describe("the text of a pull request", () => {
  it("tells problem, diagnosis, evidence and files", () => {
    const { title, body } = proposalText(facts);
    expect(title).toBe("Fix: TypeError in POST /api/campaigns/launch");
    for (const told of [facts.message, facts.rootCause, facts.fixStrategy, "92 %", "12 passed", "src/launch.ts"]) {
      expect(body).toContain(told);
    }
  });

  it.each([
    "@acme/everyone look at this",
    "fixes #1 and GH-2",
    "<img src=https://evil.example/beacon><script>alert(1)</script>",
    "[click](https://evil.example) ![pixel](https://evil.example/p.png)",
    "``` ends the block\n@team ````` and again\n```\n@team",
    "hidden \u202E and \u200B signs",
  ])("makes nothing of what came from outside: %j", (hostile) => {
    const { body } = proposalText({
      ...facts,
      issueTitle: hostile,
      message: hostile,
      rootCause: hostile,
      fixStrategy: hostile,
      files: [hostile],
      evidence: [hostile],
      reasons: [hostile],
    });
    const own = outsideCode(body);
    expect(own).not.toMatch(/@|#\d|<|\[|evil|GH-|team|[\u202E\u200B]/);
    expect(outsideCode(revertText({ issueTitle: hostile, because: hostile }).body)).not.toMatch(/@|#\d|<|\[|evil/);
  });

  it("has a title that mentions nobody and closes nothing, on one line and not too long", () => {
    expect(proposalTitle("@team fixes #12 and GH-3\nsecond line")).toBe(
      "Fix: (at) team fixes no. 12 and GH 3 second line",
    );
    expect(proposalTitle("x".repeat(500)).length).toBeLessThanOrEqual(160);
  });

  it("stays within GitHub's bound, whatever comes in", () => {
    const long = "y".repeat(100_000);
    const many = Array.from({ length: 5_000 }, (_, index) => `src/file-${index}.ts`);
    const { body } = proposalText({ ...facts, message: long, rootCause: long, files: many, evidence: [long] });
    expect(body.length).toBeLessThan(60_000);
    expect(body).toContain("and 4950 more");
  });
});
