import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ReleaseView } from "#domain/view.ts";
import { comparedRates } from "#policy/error-rate.ts";
import type { Connection } from "#store/connect.ts";
import { type Views, viewsOf } from "#store/read/dashboard/views.ts";
import { watchReads } from "#store/read/watch.ts";
import { databases } from "#tests/support/databases.ts";
import { pastId, seedPast } from "#tests/support/seed-past.ts";
import { fixingId, seedStory, storyCommit, storyId, storyMinutes } from "#tests/support/seed-story.ts";

describe.each(databases())("an issue's page on $name", ({ open }) => {
  let connection: Connection;
  let views: Views;
  beforeAll(async () => {
    connection = await open();
    await seedPast(connection, { issues: 12, actions: 20, atWork: 2 });
    await seedStory(connection);
    views = viewsOf(connection, "default", "https://github.com/acme/clinic");
  });
  afterAll(() => connection?.close());
  const change = (text: string) => connection.script((run) => run(text));
  async function released(): Promise<ReleaseView> {
    const release = (await views.issue(storyId))?.releases.find(({ commit }) => commit === storyCommit);
    if (release === undefined) throw new Error("the story has no release");
    return release;
  }

  it("counts the errors of a release as the watch does that judges it", async () => {
    const { errors, from, until } = await released();
    const judged = await watchReads(connection, "default").errorCounts({
      ...{ environment: "production", release: storyCommit, windowMs: 1_800_000 },
      ...{ from: new Date(from ?? 0), to: new Date(until ?? 0) },
    });
    const sum = (of: (span: NonNullable<typeof errors>[number]) => number) =>
      errors?.reduce((total, span) => total + of(span), 0);
    expect({ kind: "measured", value: sum((span) => span.errors) }).toEqual(judged.errors);
    expect({ kind: "measured", value: sum((span) => span.requests ?? 0) }).toEqual(judged.requests);
    expect(sum((span) => span.durationMs)).toBeCloseTo(judged.durationMs);
    expect(errors?.length).toBe(storyMinutes + 1);
    const compared = comparedRates((await released()).baseline, judged);
    expect(compared).toMatchObject({ by: "requests", before: 0.01, now: expect.closeTo(17 / 220) });
  });

  it("knows nothing of staging's errors, nor of what is no longer kept", async () => {
    const { releases = [] } = (await views.issue(pastId("past", 4))) ?? {};
    expect(releases.find(({ environment }) => environment === "staging")?.errors).toBeNull();
    expect(releases.find(({ environment }) => environment === "production")?.errors).not.toBeNull();
    await change(
      `UPDATE agent_deployments SET watch_from = watch_from - interval '31 days' WHERE commit_sha = '${storyCommit}'`,
    );
    expect((await released()).errors).toBeNull();
    await change(
      `UPDATE agent_deployments SET watch_from = watch_from + interval '31 days' WHERE commit_sha = '${storyCommit}'`,
    );
  });

  it("tells of an open watch what is over, in a bounded number of spans", async () => {
    const { releases = [] } = (await views.issue(pastId("working", 2))) ?? {};
    const spans = releases.find(({ environment }) => environment === "production")?.errors ?? [];
    expect(spans.length).toBeGreaterThan(55);
    expect(spans.length).toBeLessThanOrEqual(122);
    expect(Date.parse(spans.at(-1)?.at ?? "")).toBeLessThanOrEqual(Date.now());
    await change(
      `UPDATE agent_deployments SET watch_from = watch_from - interval '20 days' WHERE commit_sha = '${storyCommit}'`,
    );
    expect((await released()).errors?.length).toBeLessThanOrEqual(122);
    await change(
      `UPDATE agent_deployments SET watch_from = watch_from + interval '20 days' WHERE commit_sha = '${storyCommit}'`,
    );
  });

  it("says of a stage at work how long it usually takes here, and nothing of what happened too rarely", async () => {
    const { usualMs, flights } = await views.board();
    expect(usualMs).toEqual({ fixing: 240_000 });
    expect(flights.find(({ id }) => id === fixingId)).toMatchObject({ status: "fixing", watch: null });
  });

  it("says that requests are unknown where no source reports traffic", async () => {
    await connection.script(async (run) => {
      await run("CREATE TABLE kept AS SELECT * FROM agent_traffic_minutes");
      await run("DELETE FROM agent_traffic_minutes");
    });
    expect((await released()).errors?.every(({ requests }) => requests === null)).toBe(true);
    await change("INSERT INTO agent_traffic_minutes SELECT * FROM kept");
  });

  it("has what releases are judged by, every attempt, and where people find the source", async () => {
    const issue = await views.issue(storyId);
    expect(issue).toMatchObject({
      rateLimits: { risePctRollback: 50, risePctRepeated: 20 },
      repositoryUrl: "https://github.com/acme/clinic",
    });
    expect(issue?.attempts.map(({ attempt, outcome, pullRequestUrl }) => [attempt, outcome, pullRequestUrl])).toEqual([
      [1, "failed", null],
      [2, "rolled_back", "https://github.com/acme/clinic/pull/7"],
    ]);
    expect(issue?.attempts[1]?.feedback).toMatchObject([
      { attempt: 1, because: expect.stringContaining("tests fails") },
    ]);
    const { rows } = await views.history({ limit: 50, text: storyId });
    expect(rows).toMatchObject([{ id: storyId, pullRequestUrl: "https://github.com/acme/clinic/pull/7" }]);
  });
});
