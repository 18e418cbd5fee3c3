import { cp, mkdtemp, readdir, readFile, realpath, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Agent, createAgent } from "#agent.ts";
import { readConfig } from "#config.ts";
import { ingestEvents } from "#http/ingest.ts";
import { ingestSourceMaps } from "#http/source-maps.ts";
import { derivedKey } from "#ingest/keys.ts";
import { freePort } from "#tests/adapters/platform/local-platform.ts";
import { type Served, serve } from "#tests/http/serve.ts";
import { type NextApp, startNextApp } from "./next-app.ts";

/** The file that users copy, in a real Next.js application that was built for production, and a Vigil that hears it. */
const ingestKey = "an-ingest-key-of-thirty-characters";
const release = "a".repeat(40);
let directory = "";
let agent: Agent;
let vigil: Served;
let app: NextApp;

beforeAll(async () => {
  directory = await mkdtemp(join(await realpath(tmpdir()), "vigil-next-"));
  const config = readConfig({ VIGIL_HOME: join(directory, "vigil"), AGENT_INGEST_KEY: ingestKey });
  agent = await createAgent(config, () => undefined);
  const http = { agentOf: async () => agent, log: console.error, now: () => new Date() };
  vigil = await serve([
    [/^\/api\/ingest\/events$/, ingestEvents(http)],
    [/^\/api\/ingest\/source-maps$/, ingestSourceMaps(http)],
  ]);
  const folder = join(directory, "invoices");
  await cp(join(import.meta.dirname, "invoices"), folder, { recursive: true });
  await symlink(join(import.meta.dirname, "..", "..", "node_modules"), join(folder, "node_modules"));
  const helper = join(import.meta.dirname, "..", "..", "integrations", "next", "instrumentation.ts");
  await cp(helper, join(folder, "instrumentation.ts"));
  app = await startNextApp(folder, await freePort(), {
    VIGIL_URL: vigil.url,
    VIGIL_KEY: derivedKey(ingestKey, { environment: "production", trust: "server" }),
    VIGIL_RELEASE: release,
  });
  await uploadMaps(folder);
}, 300_000);

/** As a build does it (docs/grouping.md). */
async function uploadMaps(folder: string): Promise<void> {
  const built = join(folder, ".next", "server", "app");
  const maps = (await readdir(built, { recursive: true })).filter((name) => name.endsWith("route.js.map"));
  expect(maps).not.toEqual([]);
  for (const name of maps) {
    const query = new URLSearchParams({ release, file: join(built, name) });
    const response = await fetch(`${vigil.url}/api/ingest/source-maps?${query}`, {
      method: "POST",
      headers: { authorization: `Bearer ${ingestKey}` },
      body: await readFile(join(built, name)),
    });
    expect(response.status).toBe(201);
  }
}

afterAll(async () => {
  await app?.stop();
  await vigil?.close();
  await agent?.stop();
  await rm(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
});

it("makes one issue of a bug in a route, with its severity, the application's own frames and its users", async () => {
  for (const n of [1, 2, 1]) {
    const headers = { "x-forwarded-for": `203.0.113.${n}`, "user-agent": "Mozilla/5.0 (X11; Linux x86_64)" };
    expect((await fetch(`${app.address}/api/invoices/1`, { headers })).status).toBe(200);
    expect((await fetch(`${app.address}/api/invoices/404`, { headers })).status).toBe(500);
  }
  const found = async () => {
    await agent.tick("detect", 30_000);
    return (await agent.issues({ limit: 10 })).map(({ eventCount, affectedUsers }) => ({ eventCount, affectedUsers }));
  };
  await expect.poll(found, { timeout: 60_000, interval: 500 }).toEqual([{ eventCount: 3, affectedUsers: 2 }]);
  const [issue] = await agent.issues({ limit: 10 });
  expect(await agent.issue(String(issue?.id))).toMatchObject({
    severity: "P2",
    title: expect.stringContaining("TypeError"),
    operation: "GET /api/invoices/[id]",
    frames: expect.arrayContaining([expect.objectContaining({ file: "lib/invoices.js", line: 5, inApp: true })]),
  });
}, 120_000);
