import { mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createCheckouts } from "#adapters/platform/checkouts.ts";
import { Sha } from "#domain/ids.ts";

const commit = (number: number) => Sha.parse(number.toString(16).padStart(40, "0"));

describe("checkouts", () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "vigil-checkouts-"));
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  const directory = () => join(root, "releases");
  const checkoutsWith = (write: (folder: string) => Promise<void>) => {
    const exported: Sha[] = [];
    const source = {
      async export(sha: Sha, folder: string) {
        exported.push(sha);
        await write(folder);
      },
    };
    return { exported, checkouts: createCheckouts({ directory: directory(), source, now: () => new Date() }) };
  };
  const aFile = (folder: string) => writeFile(join(folder, "a.txt"), "a");

  it("export a commit once", async () => {
    const { checkouts, exported } = checkoutsWith(aFile);
    const folder = await checkouts.ensure(commit(1));
    expect(await checkouts.ensure(commit(1))).toBe(folder);
    expect({ exported, files: readdirSync(folder) }).toEqual({ exported: [commit(1)], files: ["a.txt"] });
  });

  it("end up with one whole folder when several ask at the same time", async () => {
    const { checkouts } = checkoutsWith(aFile);
    const folders = await Promise.all([1, 1, 1, 1].map((number) => checkouts.ensure(commit(number))));
    expect(new Set(folders).size).toBe(1);
    expect(readdirSync(directory())).toEqual([commit(1)]);
  });

  it("leave nothing of an export that failed", async () => {
    const { checkouts } = checkoutsWith(async (folder) => {
      await aFile(folder);
      throw new Error("no space left");
    });
    await expect(checkouts.ensure(commit(1))).rejects.toThrow("no space left");
    expect({ has: checkouts.has(commit(1)), left: readdirSync(directory()) }).toEqual({ has: false, left: [] });
  });

  it("keep what is used and the ten that were used last, and drop what a killed export left an hour ago", async () => {
    const { checkouts } = checkoutsWith(aFile);
    for (let number = 1; number <= 14; number++) {
      const folder = await checkouts.ensure(commit(number));
      utimesSync(folder, number, number);
    }
    for (const [name, at] of [[".unfinished-old", 1] as const, [".unfinished-new", Date.now() / 1_000] as const]) {
      mkdirSync(join(directory(), name));
      utimesSync(join(directory(), name), at, at);
    }
    await checkouts.prune([commit(1), commit(2)]);
    const kept = [1, 2, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14].map(commit);
    expect(readdirSync(directory()).sort()).toEqual([".unfinished-new", ...kept].sort());
  });
});
