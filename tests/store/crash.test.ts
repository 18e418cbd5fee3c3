import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { connectEmbedded } from "#store/connect.ts";
import { verifyActions } from "#store/read/audit.ts";
import { issues } from "#store/schema.ts";
import { migrations } from "#tests/support/databases.ts";

const writer = fileURLToPath(new URL("crash-writer.ts", import.meta.url));
const rounds = 3;
const acknowledgedPerRound = 60;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "vigil-crash-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Lets the writer write, kills it in the middle and answers which issues it was told to be safe. */
async function writeAndKill(directory: string): Promise<string[]> {
  const child = spawn(process.execPath, [writer, directory, migrations], { stdio: ["ignore", "pipe", "inherit"] });
  const exited = once(child, "exit");
  const acknowledged: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    acknowledged.push(line);
    if (acknowledged.length === acknowledgedPerRound) child.kill("SIGKILL");
  }
  expect(await exited).toEqual([null, "SIGKILL"]);
  return acknowledged;
}

test("an embedded database keeps every acknowledged row of a process that was killed, again and again", async () => {
  const directory = join(folder, "db");
  const acknowledged: string[] = [];
  for (let round = 0; round < rounds; round++) {
    acknowledged.push(...(await writeAndKill(directory)));
    const connection = await connectEmbedded({ directory });
    const kept = new Set((await connection.db.select({ id: issues.id }).from(issues)).map(({ id }) => id));
    expect(acknowledged.filter((id) => !kept.has(id))).toEqual([]);
    expect(await verifyActions(connection.db)).toMatchObject({ kind: "whole", rows: kept.size });
    await connection.close();
  }
  expect(acknowledged.length).toBeGreaterThanOrEqual(rounds * acknowledgedPerRound);
});
