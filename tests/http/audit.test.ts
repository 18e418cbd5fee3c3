import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { TimelineEntry } from "#domain/view.ts";
import { auditTrail } from "#http/audit.ts";
import type { Connection } from "#store/connect.ts";
import { viewsOf } from "#store/read/dashboard/views.ts";
import { openPglite } from "#tests/support/databases.ts";
import { seedPast } from "#tests/support/seed-past.ts";
import { anAgent, anHttp, appUrl, aRequest, aRoute, secrets } from "./fakes.ts";

const token = secrets.apiToken;
const rows = 2_300;
/** What a spreadsheet would run, if it were not told that it is text. */
const formulas = [
  '=HYPERLINK("http://evil.example")',
  "+1+1",
  "-2+3",
  "@SUM(A1)",
  "\t=1",
  "\r=1",
  "=cmd|' /C calc'!A0",
];
const awkward = 'a "quoted", line\nand another; with a comma, and an umlaut ä';

describe("the audit trail's address", () => {
  let connection: Connection;
  const reads: number[] = [];
  beforeAll(async () => {
    connection = await openPglite();
    await seedPast(connection, { issues: 3, actions: rows });
    await connection.script(async (run) => {
      for (const because of [...formulas, awkward]) {
        await run("SELECT append_agent_action('operator:Eve', 'issue.noted', $1, 'refused', $1, $2)", [
          because,
          JSON.stringify({ because }),
        ]);
      }
    });
  });
  afterAll(() => connection?.close());

  const anExport = async (query: string, init: Parameters<typeof aRequest>[1] = { token }) => {
    const views = viewsOf(connection, "default");
    const audit: typeof views.audit = (filter) => {
      reads.push(filter.limit);
      return views.audit(filter);
    };
    const http = anHttp(anAgent({ views: { ...views, audit } }));
    const response = await auditTrail(http).GET(aRequest(`/api/agent/audit${query}`, init), aRoute());
    return { response, http };
  };
  const ndjson = async (query = "") => {
    const text = await (await anExport(query)).response.text();
    return text.split("\n").flatMap((line): TimelineEntry[] => (line === "" ? [] : [JSON.parse(line)]));
  };
  const csv = async (query = "") => cellsOf(await (await anExport(`?format=csv${query}`)).response.text());

  it("exports every row once, newest first, however many readings it takes", async () => {
    const found = await ndjson();
    const inAll = rows + formulas.length + 1;
    expect(found.map(({ seq }) => seq)).toEqual(Array.from({ length: inAll }, (_, n) => inAll - n));
    expect(found.at(-1)).toMatchObject({
      actor: "agent",
      action: "status.changed",
      because: "because of 1",
      detail: {},
    });
  });

  it("is a download that nobody keeps or takes for a page", async () => {
    const { response } = await anExport("?format=csv");
    await response.body?.cancel();
    expect(Object.fromEntries(response.headers)).toMatchObject({
      ...{
        "content-type": "text/csv; charset=utf-8",
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
      },
      "content-disposition": 'attachment; filename="vigil-audit.csv"',
    });
  });

  it("exports the same rows as CSV, with one line of names", async () => {
    const [names, ...lines] = await csv();
    expect(names).toEqual(["seq", "at", "actor", "action", "subject", "outcome", "because", "issueId", "detail"]);
    expect(lines.map(([seq]) => Number(seq))).toEqual((await ndjson()).map(({ seq }) => seq));
    expect(lines.every((cells) => cells.length === 9)).toBe(true);
  });

  it("gives a spreadsheet no formula to run, and loses no character of a text", async () => {
    const lines = await csv("&outcome=refused");
    const texts = lines.slice(1).map((cells) => cells[6]);
    expect(texts.toReversed()).toEqual([...formulas.map((text) => `'${text}`), awkward]);
    expect(lines.flat().filter((cell) => /^[=+\-@\t\r]/.test(cell))).toEqual([]);
    // A program gets what was written.
    const exact = (await ndjson("?outcome=refused")).map(({ because }) => because);
    expect(exact.toReversed()).toEqual([...formulas, awkward]);
  });

  it("filters as the page does, and takes empty fields of its form as not asked for", async () => {
    expect(await ndjson("?actor=people&outcome=done&text=&before=")).toHaveLength(rows / 50);
    expect(await ndjson("?text=ACTION+12&before=13")).toMatchObject([{ seq: 12 }]);
    expect(await ndjson("?text=nothing+like+it")).toEqual([]);
    expect(await csv("&text=nothing+like+it")).toHaveLength(1);
    expect(await ndjson("?before=1")).toEqual([]);
  });

  it.each([
    "?format=xml",
    "?actor=nobody",
    "?outcome=maybe",
    "?before=0",
    "?before=x",
    "?before=1e99",
    `?text=${"x".repeat(201)}`,
  ])("refuses %s", async (query) => {
    const { response } = await anExport(query);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ error: { code: "invalid" } });
  });

  it("tells nothing to strangers", async () => {
    expect((await anExport("", {})).response.status).toBe(401);
    expect((await anExport("", { token: "wrong" })).response.status).toBe(401);
  });

  it("reads no further than its reader does, and stops with it", async () => {
    reads.length = 0;
    const { response } = await anExport("");
    const reader = response.body?.getReader();
    await reader?.read();
    await reader?.cancel();
    const before = reads.length;
    expect(before).toBeLessThanOrEqual(2);
    await new Promise((done) => setTimeout(done, 50));
    expect(reads).toHaveLength(before);
  });

  it("breaks off where the database goes away, instead of ending as if that were all", async () => {
    let read = 0;
    const views = viewsOf(connection, "default");
    const audit: typeof views.audit = async (filter) => {
      if (++read > 1) throw new Error("the database is away");
      return views.audit(filter);
    };
    const http = anHttp(anAgent({ views: { ...views, audit } }));
    const response = await auditTrail(http).GET(aRequest("/api/agent/audit", { token }), aRoute());
    await expect(response.text()).rejects.toThrow();
    expect(http.logged).toHaveLength(1);
  });

  it("verifies the chain for operators on Vigil's own pages only", async () => {
    const verify = async (init: Parameters<typeof aRequest>[1]) => {
      const asked = { verifyAudit: async () => ({ whole: false, message: "row 7 is missing" }) };
      const handler = auditTrail(anHttp(anAgent(asked))).POST;
      const response = await handler(aRequest("/api/agent/audit", { method: "POST", ...init }), aRoute());
      return { status: response.status, body: await response.json() };
    };
    expect(await verify({ token })).toEqual({ status: 200, body: { whole: false, message: "row 7 is missing" } });
    expect((await verify({ token, headers: { origin: appUrl } })).status).toBe(200);
    expect((await verify({ token, headers: { origin: "https://evil.example" } })).status).toBe(403);
    expect((await verify({})).status).toBe(401);
  });
});

/** The cells of a CSV text after RFC 4180. */
function cellsOf(text: string): string[][] {
  return text
    .split(/\r\n(?=(?:[^"]*"[^"]*")*[^"]*$)/)
    .filter((line) => line !== "")
    .map((line) =>
      [...line.matchAll(/("(?:[^"]|"")*"|[^,]*)(?:,|$)/g)]
        .map(([, cell = ""]) => (cell.startsWith('"') ? cell.slice(1, -1).replaceAll('""', '"') : cell))
        .slice(0, 9),
    );
}
