import { describe, expect, it } from "vitest";
import { apply } from "#adapters/engineer/claude/edits.ts";
import { createReader } from "#adapters/engineer/claude/reader.ts";
import { aCommit, scrubber, secret } from "./claude-bench.ts";

const files = {
  "src/a.ts": "one\n  two\ntwo\nthree\n",
  "src/windows.ts": "one\r\n  two\r\nthree\r\n",
  "src/mixed.ts": "one\r\ntwo\nthree\r\n",
  "src/end.ts": "no line break at the end",
  "src/key.ts": `const key = "${secret}";\nconst other = 1;\n`,
  "docs/Guide.md": "guide\n",
};
const reader = createReader(aCommit(files), scrubber.code);
const change = (path: string, search: string, replace: string) => ({
  replacements: [{ path, search, replace }],
  newFiles: [],
});
const create = (path: string, content = "x\n") => ({ replacements: [], newFiles: [{ path, content }] });

describe("a replacement", () => {
  it.each([
    ["exact", "src/a.ts", "three", "3", "one\n  two\ntwo\n3\n"],
    ["of several lines", "src/a.ts", "one\n  two\n", "1\n", "1\ntwo\nthree\n"],
    ["that removes", "src/a.ts", "three\n", "", "one\n  two\ntwo\n"],
    ["with signs that patterns know", "src/a.ts", "three", "$& $1 \\1", "one\n  two\ntwo\n$& $1 \\1\n"],
    ["in a file with \\r\\n", "src/windows.ts", "one\n  two", "1\n  2\n  2b", "1\r\n  2\r\n  2b\r\nthree\r\n"],
    ["of one line in a file with \\r\\n", "src/windows.ts", "three", "3\n4", "one\r\n  two\r\n3\r\n4\r\n"],
    ["given with \\r\\n", "src/windows.ts", "one\r\n  two", "1\r\n  2", "1\r\n  2\r\nthree\r\n"],
    ["beside the break that differs", "src/mixed.ts", "two\nthree", "2\n3", "one\r\n2\n3\r\n"],
    ["at an end without a break", "src/end.ts", "the end", "its end", "no line break at its end"],
    ["with a path from the root", "./src/a.ts", "three", "3", "one\n  two\ntwo\n3\n"],
  ])("%s", async (_, path, search, replace, content) => {
    const edits = [{ path: path.replace("./", ""), content }];
    expect(await apply(change(path, search, replace), reader)).toEqual({ kind: "applied", edits });
  });

  it("sees what the ones before it did to the file", async () => {
    const replacements = [
      { path: "src/a.ts", search: "three", replace: "four" },
      { path: "src/a.ts", search: "four", replace: "five" },
    ];
    const edits = [{ path: "src/a.ts", content: "one\n  two\ntwo\nfive\n" }];
    expect(await apply({ replacements, newFiles: [] }, reader)).toEqual({ kind: "applied", edits });
  });

  it.each([
    ["of a text that is absent", "src/a.ts", "four", "x", "not in the file"],
    ["of other indentation", "src/a.ts", "one\n    two", "x", "not in the file"],
    ["of other case", "src/a.ts", "Three", "x", "not in the file"],
    ["of numbered lines", "src/a.ts", "4| three", "x", "not in the file"],
    ["of a text that is there twice", "src/a.ts", "two\n", "x", "more than once"],
    ["that changes nothing", "src/a.ts", "three", "three", "are the same"],
    ["in a file that is not there", "src/b.ts", "three", "x", "no such text file"],
    ["outside the repository", "../../etc/passwd", "root", "x", "no such text file"],
    ["under an absolute path", "/etc/passwd", "root", "x", "no such text file"],
    ["of a secret as it was shown", "src/key.ts", 'const key = "[Filtered]";', "x", "hidden secrets"],
    ["across the break that differs", "src/mixed.ts", "one\ntwo\nthree", "x", "not in the file"],
  ])("%s is refused", async (_, path, search, replace, because) => {
    expect(await apply(change(path, search, replace), reader)).toEqual({
      kind: "refused",
      because: expect.stringContaining(because),
    });
  });

  it("that undoes the one before it changes nothing", async () => {
    const replacements = [
      { path: "src/a.ts", search: "three", replace: "four" },
      { path: "src/a.ts", search: "four", replace: "three" },
    ];
    expect(await apply({ replacements, newFiles: [] }, reader)).toMatchObject({ kind: "refused" });
  });

  it("that fails takes the others with it: all or nothing", async () => {
    const replacements = [
      ...change("src/a.ts", "three", "3").replacements,
      ...change("src/a.ts", "none", "x").replacements,
    ];
    expect(await apply({ replacements, newFiles: [] }, reader)).toMatchObject({ kind: "refused" });
  });
});

describe("a new file", () => {
  it("is made whole, with a line break at its end", async () => {
    expect(await apply(create("tests/new/a.test.ts", "a"), reader)).toEqual({
      kind: "applied",
      edits: [{ path: "tests/new/a.test.ts", content: "a\n" }],
    });
  });

  it.each([
    ["over one that exists", "src/a.ts", "exists already"],
    ["over one that differs by case only", "docs/guide.md", "exists already"],
    ["above the repository", "../a.ts", "inside the repository"],
    ["through a folder and back", "src/../../a.ts", "inside the repository"],
    ["under an absolute path", "/tmp/a.ts", "inside the repository"],
    ["on a drive", "C:/a.ts", "inside the repository"],
    ["with backslashes", "src\\a2.ts", "inside the repository"],
    ["with a line break in its name", "src/a\nb.ts", "inside the repository"],
    ["in Git's folder", ".git/hooks/pre-commit", "Git's own folder"],
    ["in Git's folder, written otherwise", "src/.GIT/config", "Git's own folder"],
    ["under a file", "src/a.ts/b.ts", "under a file"],
  ])("%s is refused", async (_, path, because) => {
    expect(await apply(create(path), reader)).toEqual({ kind: "refused", because: expect.stringContaining(because) });
  });

  it("twice is refused", async () => {
    const newFiles = [...create("x.ts").newFiles, ...create("X.ts").newFiles];
    expect(await apply({ replacements: [], newFiles }, reader)).toMatchObject({ kind: "refused" });
  });
});

it("an answer without any change is refused", async () => {
  expect(await apply({ replacements: [], newFiles: [] }, reader)).toMatchObject({ kind: "refused" });
});
