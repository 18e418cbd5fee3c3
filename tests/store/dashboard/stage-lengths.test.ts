import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Connection } from "#store/connect.ts";
import { createStageLengths } from "#store/read/dashboard/stage-lengths.ts";
import { databases } from "#tests/support/databases.ts";

const minute = 60_000;

describe.each(databases())("how long stages usually take, on $name", ({ open }) => {
  let connection: Connection;
  beforeAll(async () => {
    connection = await open();
    await connection.script(async (run) => {
      await run("SET LOCAL session_replication_role = replica");
      await run(
        "INSERT INTO agent_issues (id, severity, issue_type, title, message) SELECT gen_random_uuid(), 'P2', 'x', n::text, 'm' FROM generate_series(1, 9) AS n",
      );
    });
  });
  beforeEach(() =>
    connection.script((run) => run("SET LOCAL session_replication_role = replica; DELETE FROM agent_actions")),
  );
  afterAll(() => connection?.close());

  /** The moves of issue `n`, each at so many minutes after a day ago. */
  async function moves(n: number, ...told: [from: string, to: string, minutes: number, action?: string][]) {
    await connection.script(async (run) => {
      await run("SET LOCAL session_replication_role = replica");
      for (const [from, to, minutes, action = "status.changed"] of told) {
        await run(
          `INSERT INTO agent_actions (seq, issue_id, at, actor, action, detail, prev_hash, hash)
           SELECT (SELECT coalesce(max(seq), 0) + 1 FROM agent_actions), id, now() - interval '1 day' + $2 * interval '1 minute',
             'agent', $3, jsonb_build_object('from', $4::text, 'to', $5::text), repeat('0', 64), repeat('0', 64)
           FROM agent_issues WHERE title = $1`,
          [String(n), minutes, action, from, to],
        );
      }
    });
  }
  const lengths = (projectId = "default") => createStageLengths(connection, projectId)();

  it("are the medians of at least three", async () => {
    for (const [n, minutes] of [2, 4, 60].entries()) {
      await moves(
        n + 1,
        ["diagnosing", "fixing", 0],
        ["fixing", "testing", minutes],
        ["testing", "staging", minutes + 1],
      );
    }
    expect(await lengths()).toEqual({ fixing: 4 * minute, testing: minute });
    expect(await lengths("another-project")).toEqual({});
  });

  it("leave out what happened too rarely, what a person ended or began, and what is no stage", async () => {
    for (const n of [1, 2]) await moves(n, ["diagnosing", "fixing", 0], ["fixing", "testing", 5]);
    expect(await lengths()).toEqual({});
    await moves(
      3,
      ["diagnosing", "fixing", 0],
      ["fixing", "dismissed", 1, "command.dismiss"],
      ["fixing", "testing", 900],
    );
    await moves(4, ["diagnosing", "failed", 0], ["fixing", "testing", 900]);
    expect(await lengths()).toEqual({ fixing: 5 * minute });
    for (const n of [5, 6, 7]) await moves(n, ["x", "failed", 0], ["failed", "x", 5]);
    expect(await lengths()).toEqual({ fixing: 5 * minute });
  });

  it("forget what is older than a month", async () => {
    for (const n of [1, 2, 3]) await moves(n, ["diagnosing", "fixing", -45_000], ["fixing", "testing", -44_000]);
    expect(await lengths()).toEqual({});
  });

  it("are asked of the database now and then, and nobody waits for the second answer", async () => {
    let [asked, nowMs] = [0, 0];
    let release = () => {};
    const held = new Promise<void>((done) => {
      release = done;
    });
    const usual = createStageLengths(
      {
        rows: async (...query) => {
          asked += 1;
          if (asked === 2) await held;
          return connection.rows(...query);
        },
      },
      "default",
      () => nowMs,
    );
    expect([await usual(), await usual(), asked]).toEqual([{}, {}, 1]);
    for (const n of [1, 2, 3]) await moves(n, ["diagnosing", "fixing", 0], ["fixing", "testing", 5]);
    nowMs = 10 * minute;
    expect([await usual(), asked]).toEqual([{}, 2]);
    release();
    await expect.poll(usual).toEqual({ fixing: 5 * minute });
    expect(asked).toBe(2);
  });

  it("are asked again after a failure, and until then what was known counts", async () => {
    let [asked, nowMs] = [0, 0];
    const usual = createStageLengths(
      {
        rows: async (...query) => {
          asked += 1;
          if (asked === 1 || asked === 3) throw new Error("the database is away");
          return connection.rows(...query);
        },
      },
      "default",
      () => nowMs,
    );
    await expect(usual()).rejects.toThrow("away");
    expect([await usual(), asked]).toEqual([{}, 2]);
    nowMs = 10 * minute;
    expect([await usual(), await usual(), asked]).toEqual([{}, {}, 3]);
  });
});
