import { sql } from "drizzle-orm";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { detect } from "#engine/detect.ts";
import { healthOf } from "#engine/health.ts";
import { operationsOf } from "#engine/operations.ts";
import type { Connection } from "#store/connect.ts";
import { aSha } from "#tests/support/builders.ts";
import { databases } from "#tests/support/databases.ts";
import { aWorld } from "#tests/support/world.ts";
import { anEngine, type TestEngine } from "./an-engine.ts";

describe.each(databases())("the dead man's switch on $name (detection.md §2.4.8)", ({ open }) => {
  let connection: Connection;
  let engine: TestEngine;
  let beats = 0;

  beforeAll(async () => {
    connection = await open();
    const repository = { ...aWorld().repository, head: async () => aSha("a") };
    engine = await anEngine(connection, { ports: { repository }, heartbeat: async () => void beats++ });
  });
  afterAll(async () => {
    await engine.queue.stop();
    await connection.close();
  });
  const schedule = async () => (await healthOf(engine, "1", {})).checks.schedule;
  const lastRan = (minutes: number | null) =>
    connection.db.execute(sql`UPDATE agent_projects SET created_at = clock_timestamp() - interval '20 minutes',
      detected_at = clock_timestamp() - ${minutes}::float8 * interval '1 minute'`);

  it("is down when detection has not run for a quarter of an hour, or never did", async () => {
    await lastRan(14);
    expect(await schedule()).toMatchObject({ status: "ok" });
    await lastRan(16);
    expect(await schedule()).toMatchObject({ status: "down", message: "detection has not run for 16 minutes" });
    await lastRan(null);
    expect(await schedule()).toMatchObject({ status: "down" });
    await detect(engine);
    expect(await healthOf(engine, "1", {})).toMatchObject({ status: "ok" });
  });

  it("beats once for each detection tick, and for no other", async () => {
    beats = 0;
    await operationsOf(engine).tick("detect", 1_000);
    await operationsOf(engine).tick("deploy", 1_000);
    expect(beats).toBe(1);
  });
});
