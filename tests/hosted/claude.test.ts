import { sql } from "drizzle-orm";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { z } from "zod";
import { scenarios } from "#demo/scenarios.ts";
import { aModelThatKnows, attemptOf, type MessagesApi, startMessagesApi } from "#tests/support/messages-api.ts";
import { type HostedVigil, startHostedVigil } from "./a-hosted-vigil.ts";

/** Claude repairs, and the function is killed twice while a model answers: what was paid for is not asked again. */
let vigil: HostedVigil;
let api: MessagesApi;

const route = "src/app/api/campaigns/launch/route.ts";
const read = "  const campaign = await findCampaign(launch.campaignId);\n";
const model = aModelThatKnows({
  reads: [
    ["read_file", { path: route }],
    ["search", { text: "findCampaign" }],
  ],
  finding: { rootCause: "A campaign that was deleted is not found, and nobody checks.", files: [route] },
  repairs: [
    {
      replacements: [
        {
          path: route,
          search: read,
          replace: `${read}  if (campaign === undefined) {\n    return json({ error: "There is no such campaign" }, 404);\n  }\n`,
        },
      ],
    },
  ],
});
/** In the middle of the investigation, and of the repair. */
const deaths = ["submit_diagnosis turn 2", "submit_fix turn 1"];

beforeAll(async () => {
  const left = [...deaths];
  api = await startMessagesApi(async (request) => {
    const turn = `${request.tools.find((name) => name.startsWith("submit_"))} turn ${request.turn}`;
    if (turn === left[0]) {
      left.shift();
      await vigil.crash();
    }
    return model(request);
  });
  vigil = await startHostedVigil({
    variables: { ANTHROPIC_API_KEY: api.apiKey, ANTHROPIC_BASE_URL: api.url, AGENT_PLAYBOOKS: "off" },
  });
}, 900_000);
afterAll(async () => {
  await vigil?.dispose();
  await api?.close();
});

it("brings its fix to production, however often its function is killed, and pays for no answer twice", async () => {
  const scenario = scenarios.find(({ name }) => name === "null-check");
  scenario?.start(vigil.traffic);
  const issue = z.object({ status: z.string(), engineer: z.string(), served: z.string() });
  await vi.waitFor(
    async () => {
      const found = await vigil.connection.rows(
        issue,
        sql`SELECT i.status, f.engineer, i.commit_sha AS served FROM agent_issues i JOIN agent_fixes f ON f.id = i.fix_id
            WHERE i.operation = 'POST /api/campaigns/launch'`,
      );
      expect(found, await vigil.log()).toMatchObject([
        { status: "resolved", engineer: expect.stringMatching(/^claude:/) },
      ]);
      expect(await vigil.traffic.ask("production", scenario?.proof.ask ?? { method: "GET", path: "/" })).toMatchObject({
        status: 404,
      });
    },
    { timeout: 200_000, interval: 500 },
  );
  expect(api.refused).toEqual([]);
  const asked = api.requests.map(
    (request) =>
      `${request.tools.find((name) => name.startsWith("submit_"))} turn ${request.turn} ${attemptOf(request)}`,
  );
  const again = asked.filter((turn, n) => asked.indexOf(turn) < n);
  // The answer that was under way when the function died never came; each of the others did once.
  expect(again).toEqual(deaths.map((turn) => `${turn} 1`));
  const [booked] = await vigil.connection.rows(
    z.object({ calls: z.number(), open: z.number() }),
    sql`SELECT count(DISTINCT request)::int AS calls, count(*) FILTER (WHERE state <> 'booked')::int AS open FROM agent_model_calls`,
  );
  expect(booked?.calls).toBe(new Set(asked).size);
}, 300_000);
