import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { showChange } from "#adapters/repository/github/diff-text.ts";
import { mergeText } from "#adapters/repository/github/merge-text.ts";

/** Merges and diffs that are made without git are compared with git's. */

type Edit = { at: number; remove: number; insert: string[] };

const edit: fc.Arbitrary<Edit> = fc.record({
  at: fc.nat(30),
  remove: fc.nat(3),
  insert: fc.array(fc.constantFrom("new one", "new two", "", "  indented"), { maxLength: 3 }),
});
/** Unique lines: where lines repeat, two right merges may differ. */
const lines = Array.from({ length: 30 }, (_, index) => `line ${index}`);

function changed(edits: Edit[], end: string): string {
  const text = [...lines];
  for (const { at, remove, insert } of edits) text.splice(at, remove, ...insert);
  return text.join("\n") + end;
}

const side = fc.record({ edits: fc.array(edit, { maxLength: 3 }), end: fc.constantFrom("\n", "") });

describe("A merge without git", () => {
  it("is git's merge, and sees every conflict that git sees", () => {
    const folder = mkdtempSync(join(tmpdir(), "vigil-merge-"));
    const place = (name: string) => join(folder, name);
    let clean = 0;
    try {
      fc.assert(
        fc.property(side, side, (mine, other) => {
          const [base, ours, theirs] = [
            `${lines.join("\n")}\n`,
            changed(mine.edits, mine.end),
            changed(other.edits, other.end),
          ];
          writeFileSync(place("base"), base);
          writeFileSync(place("ours"), ours);
          writeFileSync(place("theirs"), theirs);
          const git = spawnSync("git", ["merge-file", "-p", place("ours"), place("base"), place("theirs")]);
          const merged = mergeText(base, ours, theirs);
          if (git.status !== 0) expect(merged).toBeUndefined();
          else if (merged !== undefined) {
            clean += 1;
            expect(merged).toBe(git.stdout.toString("utf8"));
          }
        }),
        { numRuns: 150, seed: 20_260_304 },
      );
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
    // Too careful would be useless.
    expect(clean).toBeGreaterThan(50);
  }, 60_000);

  it("keeps both sides' lines where they are apart, and takes the same change once", () => {
    const base = "a\nb\nc\nd\ne\n";
    expect(mergeText(base, "A\nb\nc\nd\ne\n", "a\nb\nc\nd\nE\n")).toBe("A\nb\nc\nd\nE\n");
    expect(mergeText(base, "a\nb\nX\nd\ne\n", "a\nb\nX\nd\ne\n")).toBe("a\nb\nX\nd\ne\n");
    expect(mergeText(base, "a\nb\nX\nd\ne\n", "a\nb\nY\nd\ne\n")).toBeUndefined();
    expect(mergeText(base, "a\nb\nX\nd\ne\n", "a\nb\nc\nY\ne\n")).toBeUndefined();
    expect(mergeText("", "a\n", "b\n")).toBeUndefined();
  });
});

describe("A diff without git", () => {
  it("can be applied by git and gives the other side", () => {
    const folder = mkdtempSync(join(tmpdir(), "vigil-diff-"));
    writeFileSync(join(folder, "other.txt"), "git removes folders that become empty\n");
    try {
      fc.assert(
        fc.property(side, fc.boolean(), ({ edits, end }, deleted) => {
          const before = `${lines.join("\n")}\n`;
          const after = deleted ? undefined : changed(edits, end);
          if (before === after) return;
          writeFileSync(join(folder, "file.txt"), before);
          const sideOf = (text: string, id: string) => ({
            mode: "100644",
            id: id.repeat(40),
            content: Buffer.from(text),
          });
          const shown = showChange(
            "file.txt",
            sideOf(before, "1"),
            after === undefined ? undefined : sideOf(after, "2"),
          );
          execFileSync("git", ["apply", "-"], { input: shown.text, cwd: folder });
          const result = spawnSync("cat", [join(folder, "file.txt")]).stdout.toString("utf8");
          expect(result).toBe(after ?? "");
        }),
        { numRuns: 60, seed: 20_260_304 },
      );
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }, 60_000);
});
