import { sql } from "drizzle-orm";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { detect } from "#engine/detect.ts";
import type { Engine } from "#engine/engine.ts";
import type { Connection } from "#store/connect.ts";
import { branchesOf, git } from "#tests/support/git.ts";
import { checkInvariants } from "#tests/support/invariants.ts";
import { aModelThatKnows, attemptOf, type MessagesApi, startMessagesApi } from "#tests/support/messages-api.ts";
import { bakery, knowledge } from "./a-bakery.ts";
import { aClaudeAgent, aMortal, bookingWatched, claudeOf, visiting, visitOnce } from "./claude-agent.ts";
import { drive } from "./drive.ts";
import { pointOf } from "./order.ts";
import { aSceneHere, type Scene } from "./scene.ts";

/** Where a life of the agent ends: right after the n-th answer of a stage was booked, or at a point of `order.ts`. */
type Death = { stage: string; nth: number } | { point: string };

/** The calls that were paid for before are not booked again, so the second life books its first answer where the first one ended. */
const deaths: Death[] = [
  { stage: "diagnose", nth: 2 },
  { stage: "diagnose", nth: 1 },
  { stage: "fix", nth: 1 },
  { point: "acted repository.publish" },
  { point: "recorded repository.publish" },
];

const Call = z.object({
  stage: z.string(),
  model: z.string(),
  state: z.string(),
  tokens: z.coerce.number(),
  cost: z.number(),
  attempt: z.number().nullable(),
  request: z.string(),
});
const Attempt = z.object({
  id: z.string(),
  outcome: z.string(),
  why: z.string(),
  engineer: z.string(),
  red: z.boolean().nullable(),
  cost: z.number(),
  candidate: z.string(),
});

describe("a fault that no playbook can mend, and an agent that is killed again and again", () => {
  let api: MessagesApi;
  let scene: Scene;
  let connection: Connection;
  const lives: Engine[] = [];
  beforeAll(async () => {
    api = await startMessagesApi(aModelThatKnows(knowledge));
    ({ scene, connection } = await aSceneHere({ application: bakery }));
    for (const death of deaths) await live(death);
    await live(null);
  });
  afterAll(async () => {
    await Promise.all(lives.map(({ queue }) => queue.stop().catch(() => undefined)));
    await scene.dispose();
    await api.close();
  });

  async function live(death: Death | null): Promise<void> {
    const { production } = scene.order.ports;
    const mortal = aMortal(connection);
    const model = claudeOf(api);
    const booked = (stage: string, nth: number) => {
      if (death !== null && "stage" in death && death.stage === stage && death.nth === nth) mortal.die();
    };
    const engine = await aClaudeAgent(scene, mortal.connection, {
      model: { kind: "ready", engineer: bookingWatched(model.engineer, booked) },
      observe: (event) => {
        if (death !== null && "point" in death && death.point === pointOf(event)) mortal.die();
      },
    });
    lives.push(engine);
    await visitOnce(engine, production);
    await detect(engine);
    const lived = drive(engine, { between: async () => undefined, production, visiting });
    if (death === null) await lived;
    else await expect(lived).rejects.toThrow("this process was killed");
  }

  it("comes from one reported event into production, with a test that is red without the fix", async () => {
    const [issue] = await connection.rows(
      z.object({ status: z.string(), served: z.string() }),
      sql`SELECT status, commit_sha AS served FROM agent_issues`,
    );
    expect(issue).toMatchObject({ status: "resolved" });
    const serving = await scene.platform.serving("production");
    expect(serving).toMatchObject({ kind: "serving", commit: issue?.served });
    const files = (await git(scene.world.remote, "diff", "--name-only", scene.world.first, "main")).split("\n");
    expect(files).toEqual(["src/basket.mjs", "src/receipt.mjs", "test/empty.test.mjs"]);
    const [first, second] = await attempts();
    expect(first).toMatchObject({ outcome: "failed", why: "1 of 2 tests fail", red: null });
    expect(second).toMatchObject({ outcome: "resolved", red: true, candidate: issue?.served });
  });

  it("books each call once, with its tokens and its price, on the attempt that it was for", async () => {
    const calls = await callsMade();
    const [first, second] = await attempts();
    expect(calls.map(({ stage, attempt }) => `${stage} ${attempt}`)).toEqual([
      "triage null",
      ...["diagnose null", "diagnose null", "diagnose null"],
      ...["fix 1", "fix 1", "fix 1"],
      ...["fix 2", "fix 2", "fix 2"],
    ]);
    for (const { state, tokens, cost, model } of calls) {
      expect({ state, paid: tokens > 0 && cost > 0, model }).toEqual({
        state: "booked",
        paid: true,
        model: expect.stringMatching(/^claude-(haiku|sonnet)-5-5$/),
      });
    }
    const costOf = (attempt: number) =>
      calls.filter((call) => call.attempt === attempt).reduce((sum, { cost }) => sum + cost, 0);
    expect(first?.cost).toBeCloseTo(costOf(1), 9);
    expect(second?.cost).toBeCloseTo(costOf(2), 9);
  });

  it("asks nothing twice, however often it was killed", async () => {
    expect(api.refused).toEqual([]);
    const asked = api.requests.map((request) => `${request.tools.at(-2)} turn ${request.turn} ${attemptOf(request)}`);
    expect(asked).toEqual([...new Set(asked)]);
    expect(asked).toHaveLength((await callsMade()).length);
  });

  it("finds its own branch again and makes no second one", async () => {
    const own = (await attempts()).map(({ id }) => `agent/fix-${id.slice(0, 8)}`);
    expect(await branchesOf(scene.world.remote)).toEqual([...own, "main", "staging"].sort());
  });

  it("leaves everything in order (invariants I1 to I10)", async () => {
    expect(await checkInvariants(await scene.sighting(connection))).toEqual([]);
  });

  const callsMade = () =>
    connection.rows(
      Call,
      sql`SELECT c.stage, c.model, c.state, c.request, c.input_tokens + c.cache_read_tokens + c.cache_write_tokens AS tokens,
            c.cost_usd::float8 AS cost, f.attempt
          FROM agent_model_calls c LEFT JOIN agent_fixes f ON f.id = c.fix_id ORDER BY c.id`,
    );
  const attempts = () =>
    connection.rows(
      Attempt,
      sql`SELECT id, outcome, outcome_reason AS why, engineer, red_before_green AS red, cost_usd::float8 AS cost,
            candidate_commit AS candidate FROM agent_fixes ORDER BY attempt`,
    );
});
