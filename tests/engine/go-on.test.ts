import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { move, wait } from "#domain/outcome.ts";
import { detect } from "#engine/detect.ts";
import { createGoOn } from "#engine/go-on.ts";
import { queueNames } from "#engine/queue.ts";
import type { Connection } from "#store/connect.ts";
import { databasesAndPooler, empty } from "#tests/support/databases.ts";
import { straight } from "./a-pipeline.ts";
import { anEngine, insertIssue, issueRow, type TestEngine } from "./an-engine.ts";

const generousMs = 60_000;

describe.each(databasesAndPooler())("going on without workers on $name", ({ open }) => {
  let connection: Connection;
  let engine: TestEngine;
  /** What happens while an issue is diagnosed. */
  let during: () => Promise<unknown>;
  let diagnosed: string[];

  beforeAll(async () => {
    connection = await open();
    engine = await anEngine(connection, {
      pipeline: {
        run: straight({
          diagnosing: async (issue) => {
            diagnosed.push(issue.id);
            await during();
            return move("failed", "enough");
          },
          testing: async (_, world) => wait(world.clock.now(), "waiting"),
        }),
      },
    });
  });
  afterAll(async () => {
    await engine.queue.stop();
    await connection.close();
  });
  beforeEach(async () => {
    await empty(connection);
    diagnosed = [];
    during = async () => undefined;
  });

  it("takes an issue as far as it comes, step after step", async () => {
    const id = await insertIssue(connection, "P2");
    await detect(engine);
    await createGoOn(engine, queueNames)(generousMs);
    expect(await issueRow(connection, id)).toMatchObject({ status: "failed" });
  });

  it("runs once in a process, and looks once more for whoever asked meanwhile", async () => {
    const goOn = createGoOn(engine, queueNames);
    const ids = [await insertIssue(connection, "P2")];
    await detect(engine);
    during = async () => {
      if (ids.length > 1) return;
      ids.push(await insertIssue(connection, "P2"));
      await detect(engine);
      // Comes back at once: the one that runs has it on its list.
      await goOn(generousMs);
      expect(diagnosed).toEqual([ids[0]]);
    };
    await goOn(generousMs);
    expect(diagnosed).toEqual(ids);
  });

  it("begins no step when its time is over, and leaves the rest to the next call", async () => {
    const id = await insertIssue(connection, "P2");
    await detect(engine);
    await createGoOn(engine, queueNames)(0);
    expect(diagnosed).toEqual([]);
    await createGoOn(engine, queueNames)(generousMs);
    expect(diagnosed).toEqual([id]);
  });
});
