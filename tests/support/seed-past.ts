import { createHash } from "node:crypto";
import type { Connection, RunScript } from "#store/connect.ts";
import { aDiagnosis, aTestReport } from "./builders.ts";

export interface Past {
  /** Issues that came to an end, one every 25 minutes back from yesterday, each with a fix, releases and model calls. */
  issues: number;
  /** Rows of the audit trail; its chain is whole. */
  actions: number;
  /** Fixes that wait for a person. */
  asked?: number;
  /** Issues that are watched in production at the moment, each with a minute of looks. */
  atWork?: number;
}

const noHash = "0".repeat(64);
const rowsPerStatement = 10_000;
/** The same in SQL: a digest in the form of a random UUID. */
const idOf = (text: string) => `overlay(overlay(md5(${text}) PLACING '4' FROM 13) PLACING '8' FROM 17)::uuid`;
const ends = ["resolved", "failed", "rejected", "dismissed"];
/** Issues of one kind have ids that can be told apart and known beforehand: `pastId("past", 7)` is the newest but six. */
export const pastId = (kind: "past" | "asked" | "working", n: number): string => {
  const hex = createHash("md5").update(`${kind} ${n}`).digest("hex");
  return hex.replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12})$/, "$1-$2-4$3-8$4-$5");
};

/**
 * Years of work in seconds, straight into a migrated database: as a replica, because the triggers would let no issue begin
 * at its end. Past issue `n` ended as `ends[n % 4]` (`pastEnd`), with severity `P(n % 5)`; every eighth resolved one was
 * rolled back first, every third was asked about.
 */
export async function seedPast(connection: Connection, past: Past): Promise<void> {
  await connection.script(async (run) => {
    await run("SET LOCAL session_replication_role = replica");
    await addIssues(run, past);
    await addFixes(run);
    await addReleases(run);
    await addActions(run, past);
  });
  await connection.script((run) => run("ANALYZE"));
}

export function pastEnd(n: number): string {
  return ends[n % ends.length] ?? "";
}

const untilTomorrow = (kind: string) => (kind === "past" ? "NULL::timestamptz" : "now() + interval '1 day'");

/**
 * No worker takes up what only looks as if it were at work: it is not due before tomorrow, and somebody has it. (An embedded
 * database knows at its start that nobody has anything.)
 */
async function addIssues(run: RunScript, { issues, asked = 0, atWork = 0 }: Past): Promise<void> {
  const kinds = [
    [
      "past",
      issues,
      `(ARRAY['${ends.join("','")}'])[1 + n % 4]`,
      "now() - interval '1 day' - n * interval '25 minutes'",
    ],
    ["asked", asked, "'awaiting_approval'", "now() - interval '1 hour' - n * interval '1 minute'"],
    ["working", atWork, "'monitoring'", "now() - interval '1 hour' - n * interval '1 minute'"],
  ] as const;
  for (const [kind, count, status, at] of kinds) {
    await run(`
      INSERT INTO agent_issues (id, severity, issue_type, title, message, status, status_reason, operation, fingerprint, created_at,
        status_since, resolved_at, first_seen, last_seen, event_count, affected_users, commit_sha, branch_name, fix_id, next_run_at, lease_until, stack)
      SELECT ${idOf(`'${kind} ' || n`)}, 'P' || n % 5, CASE n % 3 WHEN 0 THEN 'null_check' WHEN 1 THEN 'timeout' ELSE 'typo' END,
        initcap('${kind}') || ' problem ' || n, 'It happened on day ' || n / 50, status, 'Because of reason ' || n,
        'GET /api/things/' || n % 40, '${kind}-' || n, at, at + interval '9 minutes',
        CASE WHEN status = 'resolved' THEN at + interval '9 minutes' END, at, at + interval '5 minutes', n % 900, n % 70,
        left(encode(sha256(('${kind} ' || n)::bytea), 'hex'), 40), 'agent/fix-' || n, ${idOf(`'fix of ${kind} ' || n`)},
        ${untilTomorrow(kind)}, ${untilTomorrow(kind)},
        'TypeError: no id' || E'\\n    at POST (src/things.ts:42:15)'
      FROM (SELECT n, ${status} AS status, date_trunc('milliseconds', ${at}) AS at FROM generate_series(1, ${count}) AS n) AS one`);
  }
  await run(`
    INSERT INTO agent_model_calls (issue_id, stage, model, input_tokens, output_tokens, cost_usd, latency_ms, at)
    SELECT id, 'diagnosing', 'a-model', 4000, 800, 0.05, 900, created_at FROM agent_issues CROSS JOIN generate_series(1, 3)`);
  await run(`
    INSERT INTO agent_fingerprints (fingerprint, issue_id, title, issue_type, state, sample, event_count, first_seen, last_seen, looked_at)
    SELECT fingerprint, id, title, issue_type, 'issue', '{}', event_count, first_seen, last_seen, now() FROM agent_issues`);
}

async function addFixes(run: RunScript): Promise<void> {
  const diagnosis = aDiagnosis();
  const diff = [
    ...["diff --git a/src/things.ts b/src/things.ts", "--- a/src/things.ts", "+++ b/src/things.ts", "@@ -1,3 +1,4 @@"],
    ...[" const thing = await find(id);", "+if (thing === undefined) return notFound();", " return thing.id;", " "],
  ].join("\n");
  await run(
    `INSERT INTO agent_fixes (id, issue_id, attempt, engineer, cause_class, diagnosis, claim, confidence, estimated_minutes, files, diff,
       branch, base_commit, fix_commit, candidate_commit, candidate_tree, candidate_base, diff_hash, test_report, red_before_green,
       outcome, cost_usd, created_at, updated_at)
     SELECT fix_id, id, 1, $1, 'code_fault', $2::jsonb, $3::jsonb, 92, 5, '["src/things.ts"]', $4, branch_name, repeat('b', 40),
       repeat('f', 40), commit_sha, repeat('e', 40), repeat('b', 40), encode(sha256(id::text::bytea), 'hex'), $5::jsonb, true,
       CASE WHEN status IN ('monitoring', 'awaiting_approval') THEN 'open'
         WHEN status = 'resolved' AND event_count % 8 = 0 THEN 'rolled_back' ELSE status END,
       0.15, created_at, status_since
     FROM agent_issues`,
    [
      ...[diagnosis.engineer, JSON.stringify(diagnosis), JSON.stringify(diagnosis.claim), diff],
      JSON.stringify(aTestReport()),
    ],
  );
  await run(`
    INSERT INTO agent_approvals (issue_id, fix_id, state, environment, candidate_commit, candidate_tree, candidate_base, diff_hash,
      policy_hash, reasons, requested_at, expires_at)
    SELECT i.id, f.id, CASE i.status WHEN 'awaiting_approval' THEN 'pending' WHEN 'rejected' THEN 'rejected' ELSE 'approved' END,
      'production', f.candidate_commit, f.candidate_tree, f.candidate_base, f.diff_hash, repeat('0', 64),
      '["P0 needs a person."]', i.created_at, now() + interval '1 day'
    FROM agent_issues i JOIN agent_fixes f ON f.id = i.fix_id WHERE i.status = 'awaiting_approval' OR i.event_count % 3 = 0`);
}

async function addReleases(run: RunScript): Promise<void> {
  await run(`
    INSERT INTO agent_deployments (issue_id, fix_id, environment, commit_sha, url, state, started_at, watch_from, watch_until, verdict,
      created_at)
    SELECT i.id, i.fix_id, e.name, i.commit_sha, 'https://' || e.name || '.example', 'ready', i.created_at, i.created_at,
      CASE WHEN open THEN now() + interval '1 day' ELSE i.status_since END, CASE WHEN open THEN 'watching' ELSE 'passed' END,
      i.created_at + e.n * interval '1 minute'
    FROM agent_issues i CROSS JOIN (VALUES ('staging', 1), ('production', 2)) AS e (name, n)
    CROSS JOIN LATERAL (SELECT i.status = 'monitoring' AND e.name = 'production' AS open) AS o
    WHERE i.status IN ('resolved', 'monitoring') OR e.name = 'staging'`);
  await run(`
    INSERT INTO agent_health_checks (deployment_id, slot, scheduled_at, outcome, because, http_status, latency_ms)
    SELECT d.id, slot, d.watch_from + slot * interval '1 second', 'healthy', '200 in 12 ms', 200, 12
    FROM agent_deployments d CROSS JOIN generate_series(0, 9) AS slot`);
  await run(`
    INSERT INTO agent_event_minutes (environment, fingerprint, release, minute, events)
    SELECT 'production', fingerprint, repeat('b', 40), date_trunc('minute', first_seen) + n * interval '1 minute', 3
    FROM agent_issues CROSS JOIN generate_series(0, 4) AS n`);
}

/** Every row is hashed as `agent_action_hash` does it; issues take turns. */
async function addActions(run: RunScript, { actions, issues }: Past): Promise<void> {
  const [start] = await run("SELECT floor(extract(epoch FROM now()) * 1000)::float8 AS ms");
  const first = Number(start?.ms) - actions * 1_000;
  let previous = noHash;
  for (let from = 1; from <= actions; from += rowsPerStatement) {
    const rows: unknown[] = [];
    for (let seq = from; seq < Math.min(from + rowsPerStatement, actions + 1); seq++) {
      const row = actionRow(seq, { ms: first + seq * 1_000, issues, previous });
      rows.push(row);
      previous = row.hash;
    }
    await run(
      `INSERT INTO agent_actions (seq, issue_id, at, actor, action, subject, outcome, because, prev_hash, hash)
       SELECT r.seq, r.issue_id, to_timestamp(r.ms / 1000.0), r.actor, r.action, r.subject, r.outcome, r.because, r.prev_hash, r.hash
       FROM jsonb_to_recordset($1::jsonb) AS r (seq bigint, issue_id uuid, ms numeric, actor text, action text, subject text,
         outcome text, because text, prev_hash text, hash text)`,
      [JSON.stringify(rows)],
    );
  }
}

function actionRow(seq: number, { ms, issues, previous }: { ms: number; issues: number; previous: string }) {
  const issueId = issues === 0 ? null : pastId("past", 1 + (seq % issues));
  const isPerson = seq % 50 === 0;
  const actor = isPerson ? "operator:Olga" : "agent";
  const action = isPerson ? "issue.approved" : "status.changed";
  const [subject, outcome, because] = [`action ${seq}`, seq % 100 === 1 ? "failed" : "done", `because of ${seq}`];
  const fields = [
    ...[previous, String(seq), "default", issueId ?? "-", "-", String(ms * 1_000)],
    ...[actor, action, subject, outcome, because, "{}", "-"],
  ];
  const text = fields.map((field) => `${field.length}:${field}`).join("\n");
  const hash = createHash("sha256").update(text).digest("hex");
  return { ...{ seq, issue_id: issueId, ms, actor, action, subject, outcome, because }, prev_hash: previous, hash };
}
