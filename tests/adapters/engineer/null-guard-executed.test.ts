import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createPlaybooksEngineer } from "#adapters/engineer/playbooks/playbooks.ts";
import { aSession } from "#tests/support/engineer-session.ts";
import { aProblem, aSnapshot } from "./snapshots.ts";

const engineer = createPlaybooksEngineer();
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "vigil-guard-"));
});
afterAll(() => rm(folder, { recursive: true }));

/** The module as it runs, and the error that it really throws. */
async function load(name: string, text: string): Promise<Record<string, (...values: unknown[]) => Promise<Response>>> {
  const path = join(folder, name);
  await writeFile(path, text);
  return import(/* @vite-ignore */ pathToFileURL(path).href);
}

const handler = `const songs = new Map([["1", { title: "So What" }]]);

export async function DELETE(request) {
  const id = new URL(request.url).searchParams.get("id");
  if (id === null) return Response.json({ error: "Id is required" }, { status: 400 });
  return Response.json({ gone: songs.delete(id) });
}

export async function GET(request) {
  const song = songs.get(new URL(request.url).searchParams.get("id"));
  return Response.json({ title: song.title });
}
`;

it("turns a handler that throws into one that answers 404, and leaves its other answers alone", async () => {
  const request = (id: string) => new Request(`http://localhost/?id=${id}`);
  const before = await load("before.mjs", handler);
  const error: Error =
    (await before.GET?.(request("2")).then(
      () => new Error("it did not fail"),
      (thrown) => thrown,
    )) ?? new Error("no handler");
  const path = "src/app/api/songs/route.mjs";
  const stack = (error.stack ?? "")
    .replaceAll(pathToFileURL(join(folder, "before.mjs")).href, `file:///var/task/${path}`)
    .replaceAll(join(folder, "before.mjs"), `/var/task/${path}`);
  const problem = aProblem({ message: error.message, errorType: error.name, stack });
  const snapshot = aSnapshot({ [path]: handler });

  const found = await engineer.diagnose(problem, snapshot, aSession());
  if (found.kind !== "diagnosed") throw new Error(found.because);
  const repair = await engineer.repair(problem, { diagnosis: found.diagnosis, feedback: [] }, snapshot, aSession());
  if (repair.kind !== "edits") throw new Error(repair.because);

  const after = await load("after.mjs", repair.edits[0]?.content ?? "");
  const missing = await after.GET?.(request("2"));
  expect([missing?.status, await missing?.json()]).toEqual([404, { error: "Song not found" }]);
  const present = await after.GET?.(request("1"));
  expect([present?.status, await present?.json()]).toEqual([200, { title: "So What" }]);
});
