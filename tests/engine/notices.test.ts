import { sql } from "drizzle-orm";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { createSlackNotifier } from "#adapters/notifier/slack.ts";
import { drain } from "#engine/drain.ts";
import { healthOf } from "#engine/health.ts";
import { noticeId } from "#engine/notice-id.ts";
import { pause } from "#engine/settings.ts";
import { startWorkers } from "#engine/workers.ts";
import type { Connection } from "#store/connect.ts";
import { aNotice } from "#tests/ports/notifier.contract.ts";
import { databases } from "#tests/support/databases.ts";
import { checkInvariants } from "#tests/support/invariants.ts";
import { startSlack, type TestSlack } from "#tests/support/slack/slack.ts";
import { anEngine, auditOf, insertIssue, type TestEngine } from "./an-engine.ts";

/** Messages on their way from the database to a real HTTP server (spec.md §14). */
describe.each(databases())("messages on $name", ({ open }) => {
  let connection: Connection;
  let slack: TestSlack;
  const engines: TestEngine[] = [];

  beforeEach(async () => {
    [connection, slack] = [await open(), await startSlack()];
  });
  afterEach(async () => {
    for (const engine of engines.splice(0)) await engine.queue.stop();
    await slack.close();
    await connection.close();
  });

  async function engineWith(kind: "webhook" | "bot" = "bot"): Promise<TestEngine> {
    const delivery =
      kind === "bot"
        ? ({ kind, token: slack.token, channel: slack.channel } as const)
        : ({ kind, url: slack.webhookUrl } as const);
    const options = { delivery, apiUrl: slack.apiUrl, appUrl: "https://vigil.example", isInteractive: false };
    const engine = await anEngine(connection, { ports: { notifier: createSlackNotifier(options) } });
    engines.push(engine);
    return engine;
  }

  async function tell(engine: TestEngine, titles: string[], issueId: string | null = null): Promise<void> {
    for (const title of titles) {
      const notice = aNotice({ key: title, title, issueId, severity: null });
      await connection.db.transaction((tx) => engine.queue.sendNotice(tx, noticeId(title), notice));
    }
  }

  /** The back-off is over. */
  const later = () => connection.db.execute(sql`UPDATE vigil_queue.job SET start_after = now() WHERE state = 'retry'`);
  const deliverAll = (engine: TestEngine) => drain(engine, ["notify"], () => true);
  const titles = () => slack.messages().map(({ text }) => text);
  const many = Array.from({ length: 12 }, (_, index) => `message ${String(index).padStart(2, "0")}`);

  it.each(["webhook", "bot"] as const)(
    "all go out once and in order after Slack was down for an hour, by %s",
    async (kind) => {
      const engine = await engineWith(kind);
      await slack.down();
      for (const title of many) {
        await tell(engine, [title]);
        await deliverAll(engine);
        await later();
      }
      expect(titles()).toEqual([]);
      await slack.up();
      await tell(engine, ["the newest"]);
      await deliverAll(engine);
      expect(titles()).toEqual([...many, "the newest"]);
      expect(await checkInvariants({ connection })).toEqual([]);
    },
  );

  it("bothers a Slack that is down with the first message only", async () => {
    const engine = await engineWith();
    slack.fault({ status: 503 });
    await tell(engine, many);
    for (let round = 0; round < 5; round++) await deliverAll(engine);
    expect(slack.state.calls).toHaveLength(1);
  });

  it("go out in order however many workers there are", async () => {
    const engine = await engineWith();
    await tell(engine, many);
    const workers = [1, 2, 3].map(() => startWorkers(engine, { pollEveryMs: 20, sweepEveryMs: 60_000 }));
    await expect.poll(titles, { timeout: 30_000 }).toEqual(many);
    await Promise.all(workers.map((worker) => worker.stop()));
    expect(titles()).toEqual(many);
  });

  it("wait as long as Slack asks", async () => {
    const engine = await engineWith();
    slack.fault({ status: 429, headers: { "retry-after": "1800" }, times: 1 });
    await tell(engine, ["one", "two"]);
    await deliverAll(engine);
    const [waits] = await connection.rows(
      z.object({ seconds: z.number() }),
      sql`SELECT extract(epoch FROM start_after - now())::float8 AS seconds FROM vigil_queue.job WHERE state = 'retry'`,
    );
    expect(waits?.seconds).toBeGreaterThan(1_700);
    await later();
    await deliverAll(engine);
    expect(titles()).toEqual(["one", "two"]);
  });

  it("go out once where the answer was lost after posting", async () => {
    const engine = await engineWith();
    slack.fault({ path: "chat.postMessage", after: "cut", times: 1 });
    await tell(engine, ["one", "two"]);
    await deliverAll(engine);
    await later();
    await deliverAll(engine);
    expect(titles()).toEqual(["one", "two"]);
    expect(await auditOf(connection)).toEqual([
      "notice.send issue_detected intended",
      "notice.send issue_detected intended",
      "notice.send issue_detected done",
      "notice.send issue_detected intended",
      "notice.send issue_detected done",
    ]);
  });

  it("answer in the thread of their issue, also after a restart", async () => {
    const issueId = await insertIssue(connection);
    await tell(await engineWith(), ["detected"], issueId);
    await deliverAll(engines[0] as TestEngine);
    const restarted = await engineWith();
    await tell(restarted, ["resolved"], issueId);
    await tell(restarted, ["about nothing"]);
    await deliverAll(restarted);
    const [root, answer, other] = slack.messages();
    expect([answer?.thread_ts, other?.thread_ts]).toEqual([root?.ts, undefined]);
  });

  it("are not held up by one that Slack will never take", async () => {
    const engine = await engineWith();
    slack.fault({ error: "msg_too_long", times: 2 });
    await tell(engine, ["impossible", "possible"]);
    await deliverAll(engine);
    expect(titles()).toEqual(["possible"]);
    expect(await auditOf(connection)).toContain("notice.send issue_detected failed");
  });

  it("wait for a token that works, and the health page says so", async () => {
    const engine = await engineWith();
    slack.fault({ error: "token_revoked" });
    await tell(engine, ["one", "two"]);
    await deliverAll(engine);
    const sick = await healthOf(engine, "1", {});
    expect(sick.checks.notifications).toMatchObject({
      status: "degraded",
      message: expect.stringMatching(/^2 messages wait .*Slack refused SLACK_BOT_TOKEN \(token_revoked\)/),
    });
    slack.heal();
    await later();
    await deliverAll(engine);
    expect(titles()).toEqual(["one", "two"]);
    expect((await healthOf(engine, "1", {})).checks.notifications).toBeUndefined();
  });

  it("that an earlier version left in its queue move over", async () => {
    const old = await engineWith();
    await pause(old, { reason: "first", resumeAt: null }, "operator:ada");
    await connection.db.execute(sql`UPDATE vigil_queue.queue SET policy = 'short' WHERE name = 'notify'`);
    await connection.db.execute(
      sql`UPDATE vigil_queue.job SET policy = 'short', singleton_key = id::text, state = 'retry', start_after = now() + interval '1 hour'
          WHERE name = 'notify'`,
    );
    const engine = await engineWith();
    await tell(engine, ["second"]);
    await deliverAll(engine);
    expect(titles()).toEqual([expect.stringContaining("paused"), "second"]);
  });
});
