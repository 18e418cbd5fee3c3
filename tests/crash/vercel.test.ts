import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sql } from "drizzle-orm";
import { expect, it, onTestFinished } from "vitest";
import { z } from "zod";
import { startQueue } from "#engine/queue.ts";
import { platformOver } from "#tests/adapters/platform/a-vercel-platform.ts";
import { openPglite } from "#tests/support/databases.ts";
import { aGitWorld, git, headOf } from "#tests/support/git.ts";
import { releasesOf, tellOfPushes } from "#tests/support/vercel/releases.ts";
import { startVercel } from "#tests/support/vercel/vercel.ts";
import { anAgent, shortWindows } from "./an-agent.ts";
import { application } from "./an-application.ts";
import { drive } from "./drive.ts";
import type { Order } from "./order.ts";
import { insertProblem } from "./scene.ts";

const patience = { timeout: 60_000 };

/** The application at Vercel, deployed from real Git by pushes, with users; and an agent that works on its one problem. */
async function atVercel(change: Order["change"]) {
  const home = await mkdtemp(join(tmpdir(), "vigil-at-vercel-"));
  const world = await aGitWorld(application);
  const releases = await releasesOf(world.remote, [process.execPath, "server.mjs"]);
  const vercel = await startVercel({ serve: releases.serve });
  const stopTelling = tellOfPushes(world.remote, vercel);
  const connection = await openPglite();
  const endings: (() => Promise<unknown>)[] = [];
  onTestFinished(async () => {
    for (const end of endings) await end();
    await stopTelling();
    await vercel.close();
    await releases.end();
    await connection.close();
    await world.dispose();
    await rm(home, { recursive: true, force: true });
  });
  const served = async () => {
    const answer = await fetch(`${vercel.urls.production}/health`).catch(() => undefined);
    return z.object({ release: z.string() }).safeParse(await answer?.json().catch(() => undefined)).data?.release;
  };
  await expect.poll(served, patience).toBe(world.first);
  const first = await startQueue(connection, () => undefined);
  await first.stop();
  const settings = JSON.stringify(shortWindows);
  await connection.db.execute(sql`UPDATE agent_projects SET autonomy_level = 3, settings = ${settings}::jsonb`);
  await insertProblem(connection);
  const place = { home, remote: world.remote, ports: { staging: 1, production: 2 }, change, leaseMs: 60_000 };
  const engine = await anAgent(place, connection, () => {}, platformOver(vercel, { healthPath: "/health" }));
  endings.push(() => engine.queue.stop());
  await drive(engine, { between: async () => {}, production: Number(new URL(vercel.urls.production).port) });
  const row = z.object({ status: z.string(), because: z.string().nullable() });
  const query = sql`SELECT status, status_reason AS because FROM agent_issues`;
  const [issue] = await connection.rows(row, query);
  const changes = vercel.calls.filter(({ call }) => call.startsWith("POST")).map(({ call }) => call.split("/")[4]);
  return { world, vercel, issue, changes, served, main: await headOf(world.remote, "main") };
}

it("takes a fix through staging to production by pushes alone, and serves exactly what was tested", async () => {
  const { world, vercel, issue, changes, served, main } = await atVercel("cures");
  expect(issue).toMatchObject({ status: "resolved" });
  expect(main).not.toBe(world.first);
  expect([await served(), changes]).toEqual([main, []]);
  const built = vercel.deployments().filter(({ commit }) => commit === main);
  expect(built.map(({ target }) => target).sort()).toEqual(["preview", "production"]);
});

it("takes a bad release back by an instant rollback, and lets production move on afterwards", async () => {
  const { world, vercel, issue, changes, served, main } = await atVercel("breaks");
  expect(issue).toMatchObject({
    status: "failed",
    because: expect.stringContaining(`Rolled back: ${main?.slice(0, 8)} serves`),
  });
  expect([await served(), changes]).toEqual([main, ["rollback", "promote"]]);
  const trees = await Promise.all(
    [world.first, `${main}`].map((commit) => git(world.remote, "rev-parse", `${commit}^{tree}`)),
  );
  expect(trees[0]).toBe(trees[1]);
  const next = await world.person.commit("main", { "README.md": "A person goes on.\n" });
  await expect.poll(served, patience).toBe(next);
  expect(vercel.deployments().filter(({ commit }) => commit === next)).toHaveLength(1);
});
