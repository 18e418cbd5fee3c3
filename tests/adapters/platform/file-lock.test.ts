import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { withLock } from "#adapters/platform/file-lock.ts";
import { ownProcess } from "#adapters/platform/process-group.ts";

describe("the lock of a folder", () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "vigil-lock-"));
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  it("lets one in at a time", async () => {
    let inside = 0;
    let insideMost = 0;
    const visit = () =>
      withLock(directory, async () => {
        inside += 1;
        insideMost = Math.max(insideMost, inside);
        // Longer than the others wait before they try again.
        await sleep(15);
        inside -= 1;
      });
    await Promise.all(Array.from({ length: 20 }, visit));
    expect({ insideMost, files: readdirSync(directory) }).toEqual({ insideMost: 1, files: ["lock.20"] });
  });

  it("is given back when the work fails, and the failure is heard", async () => {
    await expect(withLock(directory, () => Promise.reject(new Error("broken")))).rejects.toThrow("broken");
    expect(await withLock(directory, async () => "in")).toBe("in");
  });

  it.each([
    ["is gone", { ...ownProcess(), pid: 4_194_305 }],
    ["was given to another process", { ...ownProcess(), startedAs: "another-boot:1" }],
  ])("is taken over when the number of its holder %s, together with what the holder left", async (_, holder) => {
    writeFileSync(join(directory, "lock.7"), JSON.stringify(holder));
    writeFileSync(join(directory, "claim.4194305.x"), "");
    expect(await withLock(directory, async () => readdirSync(directory))).toEqual(["lock.8"]);
  });

  it("is not guessed at when its file is damaged", async () => {
    writeFileSync(join(directory, "lock.7"), "{");
    await expect(withLock(directory, async () => "in")).rejects.toMatchObject({ code: "misconfigured" });
    expect(readFileSync(join(directory, "lock.7"), "utf8")).toBe("{");
  });
});
