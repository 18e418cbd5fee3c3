import { is, SQL, sql } from "drizzle-orm";
import { getTableConfig, IndexedColumn, PgDialect, PgTable } from "drizzle-orm/pg-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { ErrorEvent } from "#domain/event.ts";
import { type ClaimVerdict, type Deployment, HealthCheck, type Verdict } from "#domain/evidence.ts";
import { ApprovalState } from "#domain/fix.ts";
import { Environment } from "#domain/ids.ts";
import { IssueState, Severity } from "#domain/issue.ts";
import { mayMove, type Status, statuses, transitions } from "#domain/lifecycle.ts";
import type { Connection, RunScript } from "#store/connect.ts";
import type { UnseenFingerprint } from "#store/read/detection/reads.ts";
import * as schema from "#store/schema.ts";
import type { endFix } from "#store/write/fixes.ts";
import { databases } from "#tests/support/databases.ts";

const tables = Object.values(schema)
  .filter((value) => is(value, PgTable))
  .map((table) => getTableConfig(table));

describe.each(databases())("the migrated $name", ({ open }) => {
  let connection: Connection;
  beforeAll(async () => {
    connection = await open();
  });
  afterAll(() => connection.close());

  test("holds exactly the tables that queries know", async () => {
    const rows = await connection.rows(
      z.object({ name: z.string() }),
      sql`SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public' AND tablename LIKE 'agent\_%'
          AND tablename <> 'agent_migrations'`,
    );
    expect(rows.map(({ name }) => name).toSorted()).toEqual(tables.map(({ name }) => name).toSorted());
  });

  test.each(tables.map((table) => [table.name, table] as const))(
    "%s has the columns that queries know",
    async (name, table) => {
      const known = table.columns.map((column) => ({
        name: column.name,
        type: column.getSQLType(),
        required: column.notNull,
        identity: column.generatedIdentity !== undefined,
        byDefault: defaultOf(column.default),
      }));
      expect(await columnsOf(connection, name)).toEqual(known.toSorted(byName));
    },
  );

  test.each(tables.map((table) => [table.name, table] as const))(
    "%s has the keys that queries know",
    async (name, table) => {
      expect(await indexesOf(connection, name)).toEqual(knownIndexes(table).toSorted());
      expect(await foreignKeysOf(connection, name)).toEqual(knownForeignKeys(table).toSorted());
    },
  );

  test("allows in each column what the program knows", async () => {
    expect(await allowedTexts(connection)).toEqual({
      "agent_actions.outcome": ["done", "failed", "intended", "refused"],
      "agent_approvals.state": ApprovalState.options.toSorted(),
      "agent_deployments.claim_verdict": keys<ClaimVerdict["kind"]>({ held: 1, not_held: 1, inconclusive: 1 }),
      "agent_deployments.environment": Environment.options.toSorted(),
      "agent_deployments.state": keys<Deployment["state"]>({ pending: 1, ready: 1, failed: 1, taken_back: 1 }),
      "agent_deployments.verdict": keys<Verdict["kind"]>({ watching: 1, passed: 1, failed: 1, inconclusive: 1 }),
      "agent_events.trust": ErrorEvent.shape.trust.options.toSorted(),
      "agent_fingerprints.state": keys<UnseenFingerprint["state"]>({
        candidate: 1,
        issue: 1,
        muted: 1,
        noise: 1,
        dismissed: 1,
      }),
      "agent_fixes.outcome": keys<"open" | Parameters<typeof endFix>[2]>({
        open: 1,
        resolved: 1,
        failed: 1,
        rejected: 1,
        rolled_back: 1,
        dismissed: 1,
      }),
      "agent_health_checks.outcome": HealthCheck.shape.outcome.options.toSorted(),
      "agent_issues.environment": Environment.options.toSorted(),
      "agent_issues.severity": Severity.options.toSorted(),
      "agent_issues.state": IssueState.options.toSorted(),
      "agent_model_calls.state": ["booked", "reserved"],
      "agent_probes.environment": Environment.options.toSorted(),
      "agent_probes.outcome": HealthCheck.shape.outcome.options.toSorted(),
    });
  });

  test("holds the legal moves of the lifecycle and no other", async () => {
    const rows = await connection.db.select().from(schema.statusTransitions);
    const held = rows.map(({ fromStatus, toStatus }) => `${fromStatus} → ${toStatus}`);
    const legal = Object.entries(transitions).flatMap(([from, next]) => next.map((to) => `${from} → ${to}`));
    expect(held.toSorted()).toEqual(legal.toSorted());
  });

  test("lets an issue make every legal move and refuses every other", async () => {
    const pairs = statuses.flatMap((from) => statuses.filter((to) => to !== from).map((to) => ({ from, to })));
    const expected = pairs.map(({ from, to }) => `${from} → ${to}: ${mayMove(from, to) ? "allowed" : "refused"}`);
    const answers = await connection.script(async (run) => {
      const seen: string[] = [];
      for (const { from, to } of pairs) seen.push(`${from} → ${to}: ${await tryMove(run, from, to)}`);
      return seen;
    });
    expect(answers).toEqual(expected);
  });

  test("lets a new issue start as detected only", async () => {
    const answers = await connection.script(async (run) => {
      const seen: [string, string][] = [];
      for (const status of statuses) seen.push([status, await attempt(run, insertIssue(status))]);
      return seen;
    });
    expect(answers).toEqual(statuses.map((status) => [status, status === "detected" ? "allowed" : "refused"]));
  });
});

function insertIssue(status: Status): string {
  return `INSERT INTO agent_issues (severity, issue_type, title, message, status) VALUES ('P3', 'typo', 't', 'm', '${status}')`;
}

/** Puts an issue at `from` past the trigger, as no user of the database could, and then asks for the move. */
async function tryMove(run: RunScript, from: Status, to: Status): Promise<string> {
  await run(`
    DELETE FROM agent_issues;
    ${insertIssue("detected")};
    SET LOCAL session_replication_role = replica;
    UPDATE agent_issues SET status = '${from}';
    SET LOCAL session_replication_role = DEFAULT`);
  return attempt(run, `UPDATE agent_issues SET status = '${to}'`);
}

async function attempt(run: RunScript, statement: string): Promise<"allowed" | "refused"> {
  await run("SAVEPOINT attempt");
  try {
    await run(statement);
    return "allowed";
  } catch (error) {
    expect(error).toMatchObject({ code: "23514" });
    return "refused";
  } finally {
    await run("ROLLBACK TO SAVEPOINT attempt");
  }
}

function byName(a: { name: string }, b: { name: string }): number {
  return a.name < b.name ? -1 : 1;
}

function keys<Name extends string>(names: Record<Name, 1>): string[] {
  return Object.keys(names).toSorted();
}

/** Defaults as the database writes them, without casts: `'{}'` and `now()`. */
function defaultOf(value: unknown): string | null {
  if (value === undefined) return null;
  if (is(value, SQL)) return new PgDialect().sqlToQuery(value).sql;
  if (typeof value === "string") return `'${value}'`;
  return typeof value === "object" ? `'${JSON.stringify(value)}'` : String(value);
}

function columnsOf(connection: Connection, table: string) {
  return connection.rows(
    z.object({
      name: z.string(),
      type: z.string(),
      required: z.boolean(),
      identity: z.boolean(),
      byDefault: z.string().nullable(),
    }),
    sql`SELECT column_name AS name, data_type AS type, is_nullable = 'NO' AS required, is_identity = 'YES' AS identity,
          regexp_replace(column_default, '::[a-z ]+$', '') AS "byDefault"
        FROM information_schema.columns WHERE table_schema = 'public' AND table_name = ${table}
        ORDER BY column_name COLLATE "C"`,
  );
}

/** Primary keys, unique constraints and indexes as `unique (a, b) where …`. */
async function indexesOf(connection: Connection, table: string): Promise<string[]> {
  const rows = await connection.rows(
    z.object({ primary: z.boolean(), unique: z.boolean(), columns: z.array(z.string()), only: z.string().nullable() }),
    sql`SELECT i.indisprimary AS primary, i.indisunique AS unique, pg_get_expr(i.indpred, i.indrelid) AS only,
          array(SELECT a.attname || CASE WHEN i.indoption[k.n - 1] & 1 = 1 THEN ' desc' ELSE '' END
                FROM unnest(i.indkey) WITH ORDINALITY AS k (attnum, n)
                JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum ORDER BY k.n) AS columns
        FROM pg_index i WHERE i.indrelid = ${table}::regclass`,
  );
  return rows.map(({ primary, unique, columns, only }) => describeIndex({ primary, unique, columns, only })).toSorted();
}

function knownIndexes({ columns, primaryKeys, uniqueConstraints, indexes }: (typeof tables)[number]): string[] {
  const plain = (parts: { name: string }[]) => parts.map(({ name }) => name);
  const single = columns.filter(({ primary }) => primary);
  return [
    ...single.map(({ name }) => describeIndex({ primary: true, unique: true, columns: [name], only: null })),
    ...primaryKeys.map((key) =>
      describeIndex({ primary: true, unique: true, columns: plain(key.columns), only: null }),
    ),
    ...uniqueConstraints.map((key) =>
      describeIndex({ primary: false, unique: true, columns: plain(key.columns), only: null }),
    ),
    ...indexes.map(({ config }) => {
      const parts = config.columns.map((part) => {
        if (!is(part, IndexedColumn)) throw new Error("an index over an expression");
        return part.indexConfig?.order === "desc" ? `${part.name} desc` : `${part.name}`;
      });
      const only = config.where === undefined ? null : new PgDialect().sqlToQuery(config.where).sql;
      return describeIndex({ primary: false, unique: config.unique, columns: parts, only });
    }),
  ];
}

function describeIndex(index: { primary: boolean; unique: boolean; columns: string[]; only: string | null }): string {
  const kind = index.primary ? "primary" : index.unique ? "unique" : "index";
  // Postgres prints conditions with casts and parentheses of its own.
  const only = index.only?.replaceAll(/::text|[()]/g, "");
  return `${kind} (${index.columns.join(", ")})${only === undefined ? "" : ` where ${only}`}`;
}

async function foreignKeysOf(connection: Connection, table: string): Promise<string[]> {
  const rows = await connection.rows(
    z.object({ key: z.string() }),
    sql`SELECT a.attname || ' → ' || c.confrelid::regclass || '.' || f.attname AS key FROM pg_constraint c
        JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
        JOIN pg_attribute f ON f.attrelid = c.confrelid AND f.attnum = c.confkey[1]
        WHERE c.contype = 'f' AND c.conrelid = ${table}::regclass`,
  );
  return rows.map(({ key }) => key).toSorted();
}

function knownForeignKeys({ foreignKeys }: (typeof tables)[number]): string[] {
  return foreignKeys.map((key) => {
    const { columns, foreignTable, foreignColumns } = key.reference();
    return `${columns[0]?.name} → ${getTableConfig(foreignTable).name}.${foreignColumns[0]?.name}`;
  });
}

/** The texts that CHECK constraints list, by column. */
async function allowedTexts(connection: Connection): Promise<Record<string, string[]>> {
  const rows = await connection.rows(
    z.object({ column: z.string(), condition: z.string() }),
    sql`SELECT c.conrelid::regclass || '.' || a.attname AS column, pg_get_constraintdef(c.oid) AS condition
        FROM pg_constraint c JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
        WHERE c.contype = 'c' AND c.conrelid::regclass::text LIKE 'agent\_%' AND pg_get_constraintdef(c.oid) LIKE '%ANY%'`,
  );
  const lists = rows.map(({ column, condition }) => {
    const texts = [...condition.matchAll(/'([^']*)'/g)].map(([, text]) => text ?? "");
    return [column, texts.toSorted()] as const;
  });
  return Object.fromEntries(lists.toSorted());
}
