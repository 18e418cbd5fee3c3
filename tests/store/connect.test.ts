import { sql } from "drizzle-orm";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { Failure } from "#domain/failure.ts";
import type { Connection } from "#store/connect.ts";
import { issues, projects } from "#store/schema.ts";
import { databases, empty } from "#tests/support/databases.ts";

describe.each(databases())("a connection to $name", ({ open, kind }) => {
  let connection: Connection;
  beforeAll(async () => {
    connection = await open();
  });
  afterAll(() => connection.close());

  test("starts with the default project and says which kind it is", async () => {
    expect(connection.kind).toBe(kind);
    expect(await connection.db.select({ id: projects.id }).from(projects)).toEqual([{ id: "default" }]);
  });
});
