import { type Db, type JobAttempt, PgBoss } from "pg-boss";
import { z } from "zod";
import { type ActiveStatus, activeStatuses } from "#domain/lifecycle.ts";
import type { Notice } from "#domain/notice.ts";
import type { Connection, Transaction } from "#store/connect.ts";
import { orderWaitingNotices } from "#store/write/notices.ts";

/** One queue for each status that has a stage, one for detection, one for messages. */
export const queueNames = [...activeStatuses, "detect", "notify"] as const;
export type QueueName = (typeof queueNames)[number];

const IssueJob = z.object({ issueId: z.string() });
export interface Job {
  queue: QueueName;
  attempt: JobAttempt;
  data: unknown;
}

export interface Queue {
  /** Makes sure that the issue's next run is at `at` (`null`: now); a job that is queued for it already is moved there. */
  sendIssue(tx: Transaction | null, status: ActiveStatus, issueId: string, at: Date | null): Promise<void>;
  /** Asks for a detection pass in `afterMs` at the latest; several requests become one. */
  sendDetect(tx: Transaction | null, afterMs?: number): Promise<void>;
  /** Queues a message once per key, however often it is asked for. */
  sendNotice(tx: Transaction, id: string, notice: Notice): Promise<void>;
  /** Takes the next due job; `undefined`: nothing is due. */
  next(queue: QueueName): Promise<Job | undefined>;
  complete(tx: Transaction | null, job: Job): Promise<void>;
  /** The job runs again with back-off and not before `afterMs`, or not at all when its retries are used up. */
  fail(job: Job, why: string, afterMs?: number): Promise<void>;
  stop(): Promise<void>;
}

const schema = "vigil_queue";
const secondsPerDay = 24 * 60 * 60;
/** Longer than any step may take (reliability B5: 200 s), so that a job is not delivered twice while its worker lives. */
const expireInSeconds = 15 * 60;
/** Issues of a dead worker are found by the sweep, messages only by this; no notifier takes as long. */
const noticeExpireInSeconds = 60;
/** Messages go out one after the other, as they came in: the first one that fails holds up the rest, not the order. */
const inOrder = { policy: "key_strict_fifo", key: "messages" } as const;

/**
 * pg-boss on our own connection. It only delivers: whether a job may run is decided by the claim on the issue's row, so
 * a job that is delivered twice, late or never costs time and nothing else.
 */
export async function startQueue(connection: Connection, onError: (error: Error) => void): Promise<Queue> {
  const boss = new PgBoss({
    db: connection.boss,
    backend: connection.kind === "pglite" ? "pglite" : "postgres",
    schema,
    // A role that may not create schemas finds one that was made for it (docs/supabase.md).
    createSchema: !(await hasSchema(connection)),
    schedule: false,
    reindex: false,
    monitorVacuum: false,
  });
  boss.on("error", onError);
  await orderWaitingNotices(connection, inOrder.policy, inOrder.key);
  await boss.start();
  for (const name of queueNames) await createQueue(boss, name);
  const within = (tx: Transaction | null): { db?: Db } => (tx === null ? {} : { db: connection.inTransaction(tx) });
  return {
    sendIssue: async (tx, status, issueId, at) => {
      // An issue has one queued job; asking again moves it, so that a resumed issue does not sit out its old wait.
      await boss.upsert(status, { issueId }, { singletonKey: issueId, startAfter: at ?? 0, ...within(tx) });
    },
    sendDetect: async (tx, afterMs = 0) => {
      const options = { singletonKey: "detect", startAfter: afterMs / 1_000, ...within(tx) };
      // What is queued already is moved forward where it is urgent, and is enough where it is not.
      if (afterMs === 0) await boss.upsert("detect", {}, options);
      else await boss.send("detect", {}, options);
    },
    sendNotice: async (tx, id, notice) => {
      await boss.send("notify", notice, { id, singletonKey: inOrder.key, ...within(tx) });
    },
    next: async (queue) => {
      const [job] = await boss.fetch<object>(queue);
      if (job === undefined) return undefined;
      return { queue, attempt: { id: job.id, retryCount: job.retryCount }, data: job.data };
    },
    complete: async (tx, { queue, attempt }) => {
      await boss.complete(queue, attempt, null, within(tx));
    },
    fail: async ({ queue, attempt }, why, afterMs) => {
      await boss.fail(queue, attempt, { why });
      if (afterMs === undefined) return;
      await boss.update({ name: queue, options: { id: attempt.id, startAfter: Math.ceil(afterMs / 1_000) } });
    },
    stop: () => boss.stop({ graceful: false }),
  };
}

async function hasSchema(connection: Connection): Promise<boolean> {
  const [row] = await connection.script((run) => run("SELECT to_regnamespace($1) IS NOT NULL AS found", [schema]));
  return row?.found === true;
}

async function createQueue(boss: PgBoss, name: QueueName): Promise<void> {
  // Messages are worth a long patience: Slack may be away for hours, and none may be lost (spec.md §14).
  const kind =
    name === "notify"
      ? {
          policy: inOrder.policy,
          expireInSeconds: noticeExpireInSeconds,
          // One that was given up would stand before all others for good.
          retryLimit: 1_000_000,
          retryDelay: 2,
          retryBackoff: true,
          retryDelayMax: 300,
          retentionSeconds: 30 * secondsPerDay,
        }
      : { policy: "short", retryLimit: 2, retryDelay: 1, retentionSeconds: 14 * secondsPerDay };
  await boss.createQueue(name, { expireInSeconds, deleteAfterSeconds: secondsPerDay, ...kind });
}

/** The issue that a stage's job is about. */
export function issueOf(job: Job): string {
  return IssueJob.parse(job.data).issueId;
}
