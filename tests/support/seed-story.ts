import type { Connection, RunScript } from "#store/connect.ts";
import { aDiagnosis, aSha, aTestReport } from "./builders.ts";
import { pastId } from "./seed-past.ts";

/** The issue that `seedStory` tells: `pastId("past", 1)` of `seedPast`. */
export const storyId = pastId("past", 1);
/** The issue whose fix is being written: it takes four minutes as a rule, and began a minute ago. */
export const fixingId = pastId("working", 1);
export const storyCommit = aSha("5");
/** How many minutes its release in production was watched. */
export const storyMinutes = 12;

/**
 * Turns one issue of `seedPast` into one with a story: a first attempt whose tests failed, a second one that went to production,
 * where an answer failed, a look could not be made, errors rose, and it was rolled back.
 */
export async function seedStory(connection: Connection): Promise<void> {
  await connection.script(async (run) => {
    await run("SET LOCAL session_replication_role = replica");
    await run(`UPDATE agent_projects SET created_at = now() - interval '30 days', detected_at = now()`);
    await tellIssue(run);
    await tellAttempts(run);
    await tellRelease(run);
    await tellMinutes(run);
    await tellMoves(run);
  });
}

const releasedAt = "date_trunc('minute', now()) - interval '20 minutes'";

async function tellIssue(run: RunScript): Promise<void> {
  const frame = (file: string, line: number, name: string, inApp: boolean, context: string | null) => ({
    ...{ file, line, column: 15, function: name, inApp, context, debugId: null, mapped: false },
  });
  const frames = [
    frame("src/app/api/appointments/route.ts", 42, "POST", true, "  const doctor = appointment.doctor.name;"),
    frame("src/lib/book.ts", 7, "book", true, null),
    frame("node_modules/next/dist/server/base-server.js", 100, "handle", false, null),
    frame("node:internal/process/task_queues", 95, "processTicksAndRejections", false, null),
  ];
  await run(
    `UPDATE agent_issues SET title = 'TypeError in POST /api/appointments', error_type = 'TypeError', regressions = 1,
       message = 'Cannot read properties of undefined (reading ''name'')', operation = 'POST /api/appointments', severity = 'P1',
       frames = $2::jsonb, release = repeat('b', 40), event_count = 148, affected_users = 31, last_seen = now() - interval '8 minutes',
       status_reason = 'errors rose 180 % (limit 50 %): the release was rolled back'
     WHERE id = $1`,
    [storyId, JSON.stringify(frames)],
  );
}

async function tellAttempts(run: RunScript): Promise<void> {
  const diagnosis = JSON.stringify(
    aDiagnosis({
      rootCause: "An appointment whose doctor left has no doctor: its name is read without looking.",
      evidence: [
        { file: "src/app/api/appointments/route.ts", line: 42, note: "read without a check" },
        { file: "src/lib/book.ts", line: 7, note: "comes from here" },
      ],
    }),
  );
  const output = "not ok 3 - books an appointment\n  expected: 404\n  actual: 500";
  const baseline = { verdict: "unclear" as const, because: "1 test fails that passes on main" };
  const report = aTestReport({
    outcome: "failed",
    passed: 11,
    failed: 1,
    failures: ["books an appointment"],
    output,
    baseline,
  });
  const feedback = [{ attempt: 1, because: "1 of 12 tests fails: books an appointment", output, diff: null }];
  // The one that was there becomes the second.
  await run("UPDATE agent_fixes SET attempt = 2 WHERE issue_id = $1", [storyId]);
  await run(
    `INSERT INTO agent_fixes (issue_id, attempt, engineer, cause_class, diagnosis, claim, confidence, estimated_minutes, files, diff, branch,
       base_commit, fix_commit, candidate_commit, candidate_tree, candidate_base, test_report, outcome, outcome_reason, cost_usd, created_at)
     SELECT issue_id, 1, engineer, cause_class, $2::jsonb, claim, confidence, estimated_minutes, files, diff, 'agent/fix-first',
       base_commit, repeat('1', 40), repeat('2', 40), repeat('e', 40), base_commit, $3::jsonb, 'failed', $4, 0.11,
       created_at - interval '5 minutes'
     FROM agent_fixes WHERE issue_id = $1`,
    [storyId, diagnosis, JSON.stringify(report), feedback[0]?.because],
  );
  await run(
    `UPDATE agent_fixes SET diagnosis = $2::jsonb, feedback = $3::jsonb, outcome = 'rolled_back', candidate_commit = $4,
       outcome_reason = 'errors rose 180 % (limit 50 %)', pull_request_url = 'https://github.com/acme/clinic/pull/7'
     WHERE issue_id = $1 AND attempt = 2`,
    [storyId, diagnosis, JSON.stringify(feedback), storyCommit],
  );
}

async function tellRelease(run: RunScript): Promise<void> {
  const measured = (value: number) => ({ kind: "measured", value });
  const baseline = { errors: measured(288), requests: measured(28_800), durationMs: 86_400_000, dispersion: 1.2 };
  await run(
    `INSERT INTO agent_deployments (issue_id, fix_id, environment, commit_sha, url, state, started_at, watch_from, watch_until, verdict,
       verdict_reason, claim_verdict, claim_reason, baseline, last_rise_pct, created_at)
     SELECT issue_id, id, 'production', $2, 'https://production.example', 'taken_back', ${releasedAt}, ${releasedAt},
       ${releasedAt} + interval '${storyMinutes} minutes', 'failed', '21 errors (180 % against the baseline, p = 0.0001): limit 50 %',
       'not_held', 'the TypeError came 3 times from the new release', $3::jsonb, 180, ${releasedAt}
     FROM agent_fixes WHERE issue_id = $1 AND attempt = 2`,
    [storyId, storyCommit, JSON.stringify(baseline)],
  );
  // The third look could not be made, the fifth found a broken page; the repetition did as well.
  await run(
    `INSERT INTO agent_health_checks (deployment_id, slot, repeat, scheduled_at, checked_at, outcome, because, http_status, latency_ms)
     SELECT d.id, slot, repeat, at, at, outcome, because, http, latency FROM agent_deployments d,
       LATERAL (SELECT slot, repeat, d.watch_from + slot * interval '1 minute' + repeat * interval '20 seconds' AS at,
         CASE slot WHEN 2 THEN 'no_data' WHEN 4 THEN 'unhealthy' ELSE 'healthy' END AS outcome,
         CASE slot WHEN 2 THEN 'no answer: our own network failed' WHEN 4 THEN '500 in 900 ms' ELSE '200' END AS because,
         CASE slot WHEN 2 THEN NULL WHEN 4 THEN 500 ELSE 200 END AS http,
         CASE slot WHEN 2 THEN NULL WHEN 4 THEN 900 ELSE 40 + 15 * slot END AS latency
         FROM generate_series(0, 7) AS slot CROSS JOIN generate_series(0, 1) AS repeat WHERE repeat = 0 OR slot = 4) AS look
     WHERE d.commit_sha = $1`,
    [storyCommit],
  );
}

/** Twenty requests a minute, of which more and more fail; and one minute of which nobody reported anything. */
async function tellMinutes(run: RunScript): Promise<void> {
  await run(
    `INSERT INTO agent_traffic_minutes (environment, release, operation, minute, requests, failures)
     SELECT 'production', $1, '', ${releasedAt} + n * interval '1 minute', 20, n / 3
     FROM generate_series(0, ${storyMinutes - 1}) AS n WHERE n <> 5`,
    [storyCommit],
  );
  await run(
    `INSERT INTO agent_event_minutes (environment, fingerprint, release, minute, events)
     SELECT 'production', 'past-1', $1, ${releasedAt} + n * interval '1 minute', n / 3
     FROM generate_series(3, ${storyMinutes - 1}) AS n WHERE n <> 5 ON CONFLICT DO NOTHING`,
    [storyCommit],
  );
  await run(
    `INSERT INTO agent_event_minutes (environment, fingerprint, release, minute, events)
     SELECT 'production', 'past-1', repeat('b', 40), date_trunc('hour', now()) - n * interval '1 hour', 1 + n % 5
     FROM generate_series(1, 60) AS n WHERE n % 7 <> 0 ON CONFLICT DO NOTHING`,
  );
}

/** Writing a fix took two, four and nine minutes so far, and one is being written. */
async function tellMoves(run: RunScript): Promise<void> {
  await run(
    `INSERT INTO agent_actions (seq, issue_id, at, actor, action, subject, detail, prev_hash, hash)
     SELECT last + row_number() OVER (ORDER BY n, m.at), i.id, now() - interval '2 days' + n * interval '1 hour' + m.at * interval '1 minute',
       'agent', 'status.changed', m.stage || ' → ' || m.next, jsonb_build_object('from', m.stage, 'to', m.next), repeat('0', 64),
       repeat('0', 64)
     FROM (SELECT max(seq) AS last FROM agent_actions) AS newest,
       (VALUES (1, 2), (2, 4), (3, 9)) AS took (n, minutes)
       JOIN LATERAL (SELECT id FROM agent_issues WHERE title LIKE 'Past problem%' ORDER BY created_at OFFSET n LIMIT 1) AS i ON true,
       LATERAL (VALUES ('diagnosing', 'fixing', 0), ('fixing', 'testing', minutes)) AS m (stage, next, at)`,
  );
  await run(
    `UPDATE agent_issues SET status = 'fixing', status_since = now() - interval '1 minute', progress = 'Claude reads src/lib/book.ts'
     WHERE id = $1`,
    [fixingId],
  );
}
