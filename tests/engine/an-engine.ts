import { hash, randomUUID } from "node:crypto";
import { sql } from "drizzle-orm";
import { z } from "zod";
import type { Notice } from "#domain/notice.ts";
import type { Engine } from "#engine/engine.ts";
import { createIntake, type IntakeParts } from "#engine/intake.ts";
import type { EngineEvent } from "#engine/observe.ts";
import { startQueue } from "#engine/queue.ts";
import { createScrubber } from "#ingest/scrub.ts";
import { eventScrubber } from "#ingest/scrub-event.ts";
import type { Pipeline } from "#pipeline/stage.ts";
import type { Connection } from "#store/connect.ts";
import { aWorld } from "#tests/support/world.ts";

export interface TestEngine extends Engine {
  /** Everything the engine said it did. */
  seen: EngineEvent[];
  /** Every message that people got. */
  told: Notice[];
}

/** An engine on a real database and a real queue; ports that a test does not name refuse every call. */
export async function anEngine(
  connection: Connection,
  parts: {
    pipeline?: Partial<Pipeline>;
    ports?: Partial<Engine["ports"]>;
    findProblems?: Engine["findProblems"];
    findConditions?: Engine["findConditions"];
    heartbeat?: Engine["heartbeat"];
    leaseMs?: number;
    stepMs?: number;
    /** The machine's clock, where it differs from the database's. */
    wallClock?: Engine["wallClock"];
    /** For time, disk and batches of the way in. */
    intake?: Partial<IntakeParts>;
  } = {},
): Promise<TestEngine> {
  const seen: EngineEvent[] = [];
  const told: Notice[] = [];
  const { repository, testBench, platform, engineer } = aWorld();
  const ttlMs = parts.leaseMs ?? 60_000;
  const basics = {
    connection,
    queue: await startQueue(connection, (error) => seen.push({ kind: "queue_error", error })),
    projectId: "default",
    digest: (text: string) => hash("sha256", text),
    monotonicMs: () => performance.now(),
    observe: (event: EngineEvent) => void seen.push(event),
  };
  const mapless: Pick<IntakeParts, "originalFrames"> = { originalFrames: async (events) => events };
  const scrubberFor: IntakeParts["scrubberFor"] = (kinds) => eventScrubber(createScrubber([], kinds));
  return {
    ...basics,
    intake: createIntake({ ...basics, scrubberFor, spool: null, batchWaitMs: 5, ...mapless, ...parts.intake }),
    pipeline: {
      run: async (issue) => {
        throw new Error(`no stage for ${issue.status}`);
      },
      giveUp: () => ({ to: "failed", freeze: false }),
      ...parts.pipeline,
    },
    findProblems: parts.findProblems ?? (async () => []),
    findConditions: parts.findConditions ?? (async () => []),
    heartbeat: parts.heartbeat ?? null,
    ports: {
      repository,
      testBench,
      platform,
      engineer,
      notifier: {
        send: async (notice) => {
          told.push(notice);
          return { kind: "delivered", place: null };
        },
      },
      ...parts.ports,
    },
    wallClock: parts.wallClock ?? (() => new Date()),
    owner: randomUUID(),
    lease: { ttlMs, renewEveryMs: ttlMs / 3 },
    stepMs: parts.stepMs ?? 600_000,
    stopping: new AbortController().signal,
    seen,
    told,
  };
}

/** Inserts an issue as a person would and answers its id. */
export async function insertIssue(connection: Connection, severity = "P2"): Promise<string> {
  const [row] = await connection.rows(
    z.object({ id: z.string() }),
    sql`INSERT INTO agent_issues (severity, issue_type, title, message) VALUES (${severity}, 'api_error', 'Test issue', 'POST /api/test returning 500') RETURNING id`,
  );
  if (row === undefined) throw new Error("not inserted");
  return row.id;
}

export interface IssueRow {
  status: string;
  attempts: number;
  version: number;
  progress: string | null;
}

export async function issueRow(connection: Connection, id: string): Promise<IssueRow> {
  const [row] = await connection.rows(
    z.object({ status: z.string(), attempts: z.number(), version: z.number(), progress: z.string().nullable() }),
    sql`SELECT status, attempts, version, progress FROM agent_issues WHERE id = ${id}`,
  );
  if (row === undefined) throw new Error(`no issue ${id}`);
  return row;
}

/** The audit trail as lines: action, subject, outcome. */
export async function auditOf(connection: Connection): Promise<string[]> {
  const rows = await connection.rows(
    z.object({ line: z.string() }),
    sql`SELECT action || ' ' || subject || ' ' || outcome AS line FROM agent_actions ORDER BY seq`,
  );
  return rows.map(({ line }) => line);
}
