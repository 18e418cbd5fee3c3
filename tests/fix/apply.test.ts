import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { applyChange } from "#fix/apply.ts";

let top: string;
beforeEach(async () => {
  top = await mkdtemp(join(tmpdir(), "vigil-apply-"));
});
afterEach(() => rm(top, { recursive: true, force: true }));

const at = (path: string) => join(top, path);

it("changes, creates and deletes, keeps modes and turned line ends, and leaves nothing else behind", async () => {
  await writeFile(at("a.sh"), "one\n");
  await chmod(at("a.sh"), 0o755);
  await writeFile(at("crlf.txt"), "one\r\ntwo\r\n");
  await writeFile(at("gone.txt"), "x\n");
  const applied = await applyChange(top, [
    { path: "a.sh", before: "one\n", after: "two\n" },
    { path: "crlf.txt", before: "one\ntwo\n", after: "one\n2\n" },
    { path: "gone.txt", before: "x\n", after: null },
    { path: "new/folder/b.txt", before: null, after: "b\n" },
  ]);
  expect(applied).toBeUndefined();
  expect((await readdir(top, { recursive: true })).toSorted()).toEqual([
    ...["a.sh", "crlf.txt", "new", "new/folder", "new/folder/b.txt"],
  ]);
  expect(await readFile(at("a.sh"), "utf8")).toBe("two\n");
  expect((await stat(at("a.sh"))).mode & 0o777).toBe(0o755);
  expect(await readFile(at("crlf.txt"), "utf8")).toBe("one\r\n2\r\n");
});

it("writes nothing at all when one file is not as it was read, or lies behind a link", async () => {
  await writeFile(at("a.txt"), "one\n");
  await writeFile(at("mine.txt"), "mine\n");
  await mkdir(at("outside"));
  await symlink(at("outside"), at("linked"));
  await symlink(at("a.txt"), at("link.txt"));
  const good = { path: "a.txt", before: "one\n", after: "two\n" };
  for (const [bad, why] of [
    [{ path: "mine.txt", before: "theirs\n", after: "x" }, "mine.txt was changed meanwhile"],
    [{ path: "mine.txt", before: null, after: "x" }, "mine.txt was created meanwhile"],
    [{ path: "none.txt", before: "x", after: "y" }, "none.txt was removed meanwhile"],
    [{ path: "linked/b.txt", before: null, after: "x" }, "linked/b.txt is reached through a link"],
    [{ path: "link.txt", before: "one\n", after: "x" }, "link.txt is no ordinary file"],
    [{ path: "../b.txt", before: null, after: "x" }, "../b.txt is reached through a link"],
  ] as const) {
    expect(await applyChange(top, [good, bad])).toBe(why);
    expect(await readFile(at("a.txt"), "utf8")).toBe("one\n");
  }
  expect(await readdir(at("outside"))).toEqual([]);
});
