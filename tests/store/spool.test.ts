import { appendFile, mkdtemp, readdir, rm, stat, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { openSpool, type Spool } from "#store/spool.ts";

let root: string;
let folder: string;
let spool: Spool;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "vigil-spool-"));
  folder = join(root, "spool");
  spool = await opened();
});
afterEach(async () => {
  await spool.close();
  await rm(root, { recursive: true, force: true });
});

async function opened(limits?: Parameters<typeof openSpool>[1]): Promise<Spool> {
  const found = await openSpool(folder, limits);
  if (found === undefined) throw new Error("the spool was refused");
  return found;
}

async function again(limits?: Parameters<typeof openSpool>[1]): Promise<void> {
  await spool.close();
  spool = await opened(limits);
}

async function replayed(from: Spool = spool): Promise<string[]> {
  const taken: string[] = [];
  await from.replay(async (records) => {
    taken.push(...records);
  });
  return taken;
}

const records = (count: number, from = 0) => Array.from({ length: count }, (_, n) => JSON.stringify({ n: from + n }));
const files = async () => (await readdir(folder)).map((name) => join(folder, name)).toSorted();

it("gives back everything in its order, once, also to the next process and over many files", async () => {
  await again({ fileBytesMax: 200 });
  for (const record of records(100)) await spool.append([record]);
  expect((await files()).length).toBeGreaterThan(5);
  await again();
  expect([spool.isEmpty(), await replayed(), await replayed(), spool.isEmpty()]).toEqual([
    false,
    records(100),
    [],
    true,
  ]);
  expect(await files()).toEqual([]);
});

it("takes what comes at the same time as one write, and everybody is told", async () => {
  await Promise.all(records(500).map((record) => spool.append([record])));
  expect(await replayed()).toEqual(records(500));
});

it("leaves out a line that a crash tore, and nothing else", async () => {
  await spool.append(records(3));
  const [file = ""] = await files();
  const whole = 3 * (9 + records(1).join().length + 1);
  for (const bytes of [whole - 2, whole - 5, whole - 12]) {
    await truncate(file, bytes);
    await again();
    await spool.append(["after"]);
    const taken: string[] = [];
    await spool
      .replay(async (some) => {
        taken.push(...some);
        throw new Error("kept for the next round");
      })
      .catch(() => undefined);
    expect(taken).toEqual(records(2));
  }
  expect(await replayed()).toEqual([...records(2), "after", "after", "after"]);
});

it("leaves out lines that were changed on the disk", async () => {
  await spool.append(records(2));
  const [file = ""] = await files();
  await appendFile(file, '00000000 {"n":"forged"}\nnonsense\n\n');
  expect(await replayed()).toEqual(records(2));
});

it("keeps what was not taken, in its order, and what came meanwhile behind it", async () => {
  await again({ fileBytesMax: 20, recordsAtOnce: 1 });
  for (const record of records(4)) await spool.append([record]);
  const taken: string[] = [];
  const refusing = spool.replay(async (some) => {
    if (taken.length === 2) throw new Error("away again");
    taken.push(...some);
    await spool.append(records(1, 9 + taken.length));
  });
  await expect(refusing).rejects.toThrow("away again");
  expect(taken).toEqual(records(2));
  expect(await replayed()).toEqual([...records(2, 2), ...records(2, 10)]);
});

it("refuses what does not fit, and takes it again when there is room", async () => {
  await again({ bytesMax: 100 });
  await spool.append(["x".repeat(60)]);
  await expect(spool.append(["y".repeat(60)])).rejects.toMatchObject({ code: "rate_limited" });
  expect(await replayed()).toEqual(["x".repeat(60)]);
  await spool.append(["y".repeat(60)]);
  expect(await replayed()).toEqual(["y".repeat(60)]);
});

it("belongs to one process at a time", async () => {
  expect(await openSpool(folder)).toBeUndefined();
});

it("is not there where a folder cannot be made, and refuses where the disk stops taking files", async () => {
  await writeFile(join(root, "occupied"), "");
  expect(await openSpool(join(root, "occupied"))).toBeUndefined();
  await rm(folder, { recursive: true });
  await expect(spool.append(["lost"])).rejects.toMatchObject({ code: "rate_limited" });
  await again();
  await spool.append(["kept"]);
  expect(await replayed()).toEqual(["kept"]);
});

it("is for its owner only", async () => {
  await spool.append(["private"]);
  const modes = await Promise.all((await files()).map(async (file) => (await stat(file)).mode & 0o077));
  expect(modes).toEqual([0]);
});
