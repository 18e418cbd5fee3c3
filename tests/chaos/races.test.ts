import { describe, expect, it } from "vitest";
import { anAskingEngine, race } from "#tests/crash/races.ts";
import { databases } from "#tests/support/databases.ts";

const racesPerDatabase = 200;

describe.each(databases())("two hundred decisions in the same moment on $name (reliability B16)", ({ open }) => {
  it("each have one winner at the most, and every way to end comes up", async () => {
    const connection = await open();
    const engine = await anAskingEngine(connection);
    const ends = new Set<string>();
    try {
      for (let n = 0; n < racesPerDatabase; n++) {
        const { winners, answers, status, violations } = await race(connection, engine, n % 10);
        expect(winners.length).toBeLessThanOrEqual(1);
        expect(answers).toHaveLength(1);
        expect(violations).toEqual([]);
        ends.add(`${status} ${answers[0]}`);
      }
    } finally {
      await engine.queue.stop();
      await connection.close();
    }
    expect(ends.size).toBeGreaterThanOrEqual(2);
  });
});
