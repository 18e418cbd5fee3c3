import { hash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { sql } from "drizzle-orm";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import type { Agent } from "#agent.ts";
import { Failure } from "#domain/failure.ts";
import { keepSourceMap, sourceMapFinder } from "#engine/source-maps.ts";
import { ingestSourceMaps } from "#http/source-maps.ts";
import { derivedKey } from "#ingest/keys.ts";
import type { Connection } from "#store/connect.ts";
import { aSha } from "#tests/support/builders.ts";
import { databases, empty } from "#tests/support/databases.ts";
import { anAgent, anHttp, aRequest, aRoute, secrets } from "./fakes.ts";

const map = (change: object = {}) =>
  JSON.stringify({ version: 3, sources: ["a.ts"], names: [], mappings: "AAAA", ...change });
const id = "0f8fad5b-d9cb-469f-a165-70867728950e";

async function post(agent: Agent, query: string, body: BodyInit, init: RequestInit & { token?: string }) {
  const request = aRequest(`/api/ingest/source-maps?${query}`, {
    ...{ method: "POST", body, token: secrets.ingestKey },
    ...init,
  });
  const response = await ingestSourceMaps(anHttp(agent)).POST(request, aRoute());
  return { status: response.status, body: await response.json() };
}

describe.each(databases())("source maps of builds on $name", ({ open }) => {
  let connection: Connection;
  beforeAll(async () => {
    connection = await open();
  });
  afterAll(() => connection.close());
  beforeEach(() => empty(connection));

  const committed = new Map<string, string>();
  const parts = () => ({
    connection,
    projectId: "default",
    digest: (text: string) => hash("sha256", text),
    monotonicMs: () => 0,
    ports: {
      repository: {
        snapshot: async (commit: string) => {
          if (commit !== aSha("c")) throw new Failure("not_found", "no such commit");
          return {
            ...{ commit: aSha("c"), search: async () => [], history: async () => [], blame: async () => [] },
            list: async () => [...committed.keys()],
            read: async (path: string) => committed.get(path),
          };
        },
      },
    },
  });
  const upload = (query: string, body: BodyInit, init: RequestInit & { token?: string } = {}) =>
    post(anAgent({ keepSourceMap: (uploaded) => keepSourceMap(parts(), uploaded) }), query, body, init);
  const find = (key: { release?: string; dist?: string; file?: string; debugId?: string }) =>
    sourceMapFinder(parts())({ ...{ release: null, dist: null, file: "", debugId: null }, ...key });
  const rows = async () => (await connection.rows(z.unknown(), sql`SELECT 1 FROM agent_source_maps`)).length;

  it("are found again by release and file, however the file was named", async () => {
    for (const file of ["~/static/a.js", "https://x.test/static/a.js?v=1", "/static/a.js", "static/a.js.map"]) {
      await empty(connection);
      expect(await upload(`release=r1&file=${encodeURIComponent(file)}`, map())).toMatchObject({ status: 201 });
      expect(await find({ release: "r1", file: "static/a.js" })).toBe(map());
    }
    expect(await find({ release: "r2", file: "static/a.js" })).toBeUndefined();
  });

  it("are found by their debug id whatever the release is called, also when a name does not fit", async () => {
    await upload(`release=r1&file=a.js`, map({ debugId: id.toUpperCase() }));
    await upload(`file=b.js&debug_id=${id.replace("0f", "1f")}`, map({ file: "b.js" }));
    expect(await find({ release: "other", file: "z.js", debugId: id })).toBe(map({ debugId: id.toUpperCase() }));
    expect(await find({ debugId: id.replace("0f", "1F") })).toBe(map({ file: "b.js" }));
  });

  it("of one distribution come before those of all", async () => {
    await upload("release=r1&file=a.js", map());
    await upload("release=r1&file=a.js&dist=7", map({ names: ["seven"] }));
    expect(await find({ release: "r1", dist: "7", file: "a.js" })).toBe(map({ names: ["seven"] }));
    expect(await find({ release: "r1", dist: "8", file: "a.js" })).toBe(map());
  });

  it("may be sent gzipped, twice, and at the same time; another one replaces it", async () => {
    const packed = () => upload("release=r1&file=a.js", gzipSync(map()), { headers: { "content-encoding": "gzip" } });
    const statuses = await Promise.all([packed(), packed()]);
    expect(statuses.map(({ status }) => status).toSorted()).toEqual([200, 201]);
    expect(await packed()).toEqual({ status: 200, body: { stored: false } });
    await upload("release=r1&file=a.js", map({ names: ["new"] }));
    expect(await find({ release: "r1", file: "a.js" })).toBe(map({ names: ["new"] }));
    expect(await rows()).toBe(1);
  });

  it("make room: 200 of a release, 20 releases", async () => {
    await connection.db.execute(
      sql`INSERT INTO agent_source_maps (release, file, digest, map) SELECT 'full', n || '.js', 'd', '' FROM generate_series(1, 200) n`,
    );
    expect(await upload("release=full&file=201.js", map())).toMatchObject({ status: 409 });
    expect(await upload("release=full&file=7.js", map())).toMatchObject({ status: 201 });
    await connection.db.execute(
      sql`INSERT INTO agent_source_maps (release, file, digest, map, created_at)
          SELECT 'old' || n, 'a.js', 'd', '', now() - n * interval '1 day' FROM generate_series(1, 25) n`,
    );
    await upload("release=new&file=a.js", map());
    const releases = await connection.rows(
      z.object({ release: z.string() }),
      sql`SELECT DISTINCT release FROM agent_source_maps ORDER BY release`,
    );
    expect(releases).toHaveLength(20);
    expect(releases.map(({ release }) => release)).toEqual(expect.arrayContaining(["new", "full", "old1", "old18"]));
  });

  it("that a repository holds beside its build are found by the release's commit", async () => {
    committed.set("public/static/a.js.map", map());
    expect(await find({ release: aSha("c"), file: "static/a.js" })).toBe(map());
    expect(await find({ release: aSha("c"), file: "static/other.js" })).toBeUndefined();
    expect(await find({ release: aSha("d"), file: "static/a.js" })).toBeUndefined();
  });
});

describe("source maps of builds", () => {
  it.each([
    ["nobody", { token: "" }, "release=r&file=a.js", map(), 401],
    [
      "a browser's key",
      { token: derivedKey(secrets.ingestKey, { environment: "production", trust: "browser" }) },
      ...(["release=r&file=a.js", map(), 401] as const),
    ],
    ["a page", { headers: { origin: "https://evil.test" } }, "release=r&file=a.js", map(), 401],
    ["no file", {}, "release=r", map(), 400],
    ["no release and no debug id", {}, "file=a.js", map(), 400],
    ["a debug id that is none", {}, "file=a.js&debug_id=x", map(), 400],
    ["a name with control characters", {}, "release=r&file=a%00.js", map(), 400],
    ["a body that is no map", {}, "release=r&file=a.js", "alert(1)", 400],
    ["nothing", {}, "release=r&file=a.js", "", 400],
    ["21 MB", {}, "release=r&file=a.js", map({ names: ["x".repeat(21 * 1024 * 1024)] }), 413],
    [
      "a bomb",
      { headers: { "content-encoding": "gzip" } },
      ...(["release=r&file=a.js", gzipSync(Buffer.alloc(30 * 1024 * 1024)), 413] as const),
    ],
  ])("are not taken from %s", async (_, init, query, body, status) => {
    const agent = anAgent();
    expect((await post(agent, query, body, init)).status).toBe(status);
    expect(agent.asked).toEqual([]);
  });
});
