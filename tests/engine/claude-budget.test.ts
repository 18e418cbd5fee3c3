import { sql } from "drizzle-orm";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { createPlaybooksFirst } from "#adapters/engineer/playbooks-first.ts";
import { give } from "#engine/command.ts";
import { detect } from "#engine/detect.ts";
import { drain } from "#engine/drain.ts";
import { queueNames } from "#engine/queue.ts";
import { changeSettings } from "#engine/settings.ts";
import { pipeline } from "#pipeline/index.ts";
import type { Connection } from "#store/connect.ts";
import { aCommit, claudeAt } from "#tests/adapters/engineer/claude-bench.ts";
import { bakery } from "#tests/crash/a-bakery.ts";
import { databases, empty } from "#tests/support/databases.ts";
import { aModelThatKnows, type MessagesApi, startMessagesApi } from "#tests/support/messages-api.ts";
import { aWorld } from "#tests/support/world.ts";
import { anEngine, type TestEngine } from "./an-engine.ts";

/** It reads twice before it says that nothing is to be repaired: four calls with the first look. */
const model = aModelThatKnows({
  reads: [
    ["read_file", { path: "src/basket.mjs" }],
    ["search", { text: "totalOf" }],
  ],
  finding: { causeClass: "expected_denial", rootCause: "It refuses what it should.", files: ["src/basket.mjs"] },
});
const callsOfOneIssue = 4;
const waiting = { status: "diagnosing", progress: expect.stringContaining("is used up") };

describe.each(databases())("a budget that is reached in the middle of an investigation, on $name", ({ open }) => {
  let connection: Connection;
  let api: MessagesApi;
  const engines: TestEngine[] = [];
  beforeAll(async () => {
    connection = await open();
    api = await startMessagesApi();
  });
  beforeEach(async () => {
    await empty(connection);
    api.play(model);
  });
  afterEach(() => Promise.all(engines.splice(0).map((engine) => engine.queue.stop())));
  afterAll(async () => {
    await connection.close();
    await api.close();
  });

  async function anAgent(): Promise<TestEngine> {
    const engineer = createPlaybooksFirst({ playbooks: null, model: { kind: "ready", engineer: claudeAt(api) } });
    const commit = aCommit(bakery);
    const repository = { ...aWorld().repository, head: async () => commit.commit, snapshot: async () => commit };
    const engine = await anEngine(connection, { pipeline, ports: { repository, engineer } });
    engines.push(engine);
    return engine;
  }

  /** Problems of unlike causes, so that none waits for another. */
  async function insertProblem(name: string): Promise<string> {
    const [row] = await connection.rows(
      z.object({ id: z.string() }),
      sql`INSERT INTO agent_issues (severity, issue_type, title, message, error_type, stack) VALUES ('P2', 'api_error', ${name},
            ${`no currency in ${name}`}, 'TypeError', ${`TypeError: no currency\n    at ${name} (src/basket.mjs:2:3)`}) RETURNING id`,
    );
    if (row === undefined) throw new Error("not inserted");
    return row.id;
  }
  async function runAll(engine: TestEngine): Promise<void> {
    await detect(engine);
    await drain(engine, queueNames, () => true);
  }
  const standing = () =>
    connection.rows(
      z.object({ status: z.string(), progress: z.string().nullable() }),
      sql`SELECT status, progress FROM agent_issues`,
    );
  const spent = async () => {
    const [row] = await connection.rows(
      z.object({ usd: z.number(), dearest: z.number(), open: z.coerce.number() }),
      sql`SELECT coalesce(sum(cost_usd), 0)::float8 AS usd, coalesce(max(cost_usd), 0)::float8 AS dearest,
            count(*) FILTER (WHERE state <> 'booked') AS open FROM agent_model_calls`,
    );
    return row ?? { usd: Number.NaN, dearest: Number.NaN, open: Number.NaN };
  };

  /** Raised by half a cent until the first look and the first call of the diagnosis are granted, and no second one. */
  async function spendUntilTwoCalls(engine: TestEngine, name: "dailyUsd" | "issueUsd"): Promise<void> {
    for (let cents = 12; api.requests.length < 2; cents += 0.5) {
      if (cents > 30) throw new Error("no budget grants the second call");
      await changeSettings(engine, { budget: { [name]: cents / 100 } }, "operator:ada");
      await runAll(engine);
    }
  }

  it.each(["dailyUsd", "issueUsd"] as const)(
    "%s: no further call, one message, and raised it goes on where it was, without paying again",
    async (name) => {
      const engine = await anAgent();
      await insertProblem("checkout");
      await spendUntilTwoCalls(engine, name);
      expect(await standing()).toEqual([waiting]);
      for (let n = 0; n < 3; n++) {
        await connection.db.execute(sql`UPDATE agent_issues SET next_run_at = clock_timestamp() - interval '1 second'`);
        await runAll(engine);
      }
      expect(api.requests).toHaveLength(2);
      expect(engine.told.filter(({ kind }) => kind === "limit_reached")).toHaveLength(1);
      await changeSettings(engine, { budget: { [name]: 5 } }, "operator:ada");
      await runAll(engine);
      expect(await standing()).toMatchObject([{ status: "dismissed" }]);
      const turns = api.requests.filter(({ tools }) => tools.includes("submit_diagnosis")).map(({ turn }) => turn);
      expect({ asked: api.requests.length, turns, refused: api.refused }).toEqual({
        asked: callsOfOneIssue,
        turns: [0, 1, 2],
        refused: [],
      });
    },
  );

  it("is kept by three issues at once, each worked on by a process of its own (reliability D23)", async () => {
    api.play((request) => ({ ...model(request), usage: { output_tokens: 11_000 } }));
    const all = await Promise.all([anAgent(), anAgent(), anAgent()]);
    const [first] = all;
    if (first === undefined) throw new Error("there is no engine");
    const dailyUsd = 0.5;
    await changeSettings(first, { budget: { dailyUsd } }, "operator:ada");
    for (const name of ["checkout", "receipt", "basket"]) await insertProblem(name);
    await detect(first);
    await Promise.all(all.map((engine) => drain(engine, queueNames, () => true)));
    // One may get its last answer before the money is gone.
    expect((await standing()).filter(({ status }) => status === "diagnosing").length).toBeGreaterThanOrEqual(2);
    const { usd, dearest, open: unbooked } = await spent();
    expect(usd).toBeLessThanOrEqual(dailyUsd);
    // What is left pays for no further call.
    expect(usd).toBeGreaterThan(dailyUsd - 2 * dearest);
    expect(unbooked).toBe(0);
    expect(all.flatMap(({ told }) => told).filter(({ kind }) => kind === "limit_reached")).toHaveLength(1);
  });

  it("a person who tries an issue again gets new answers, not those that led nowhere", async () => {
    const engine = await anAgent();
    api.play(aModelThatKnows({}));
    const id = await insertProblem("checkout");
    await runAll(engine);
    expect(await standing()).toMatchObject([{ status: "failed" }]);
    const asked = api.requests.length;
    api.play(model);
    await give(engine, { command: "retry", issueId: id, actor: "operator:ada" });
    await runAll(engine);
    expect(await standing()).toMatchObject([{ status: "dismissed" }]);
    expect({ before: asked, after: api.requests.length }).toEqual({ before: 2, after: callsOfOneIssue });
  });
});
