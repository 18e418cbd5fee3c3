import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Connection } from "#store/connect.ts";
import type { TestEngine } from "#tests/engine/an-engine.ts";
import { databases } from "#tests/support/databases.ts";
import { anAskingEngine, race } from "./races.ts";

describe.each(databases())("approve, reject and expire at once on $name (reliability B16)", ({ open }) => {
  let connection: Connection;
  let engine: TestEngine;
  beforeAll(async () => {
    connection = await open();
    engine = await anAskingEngine(connection);
  });
  afterAll(async () => {
    await engine.queue.stop();
    await connection.close();
  });

  // A sample: `npm run chaos` runs two hundred.
  it.each([0, 1, 2, 3, 4, 6, 8, 12, 20, 60_000])(
    "decides once, when the question has %i ms left",
    async (expiresInMs) => {
      const { winners, answers, violations } = await race(connection, engine, expiresInMs);
      expect(winners.length).toBeLessThanOrEqual(1);
      expect(answers).toHaveLength(1);
      expect(violations).toEqual([]);
      if (winners.length === 0) expect(answers).toEqual(["pending"]);
    },
  );
});
