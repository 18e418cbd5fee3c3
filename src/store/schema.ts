import { sql } from "drizzle-orm";
import {
  type AnyPgColumn,
  bigint,
  boolean,
  customType,
  doublePrecision,
  index,
  integer,
  jsonb,
  numeric,
  pgTable,
  primaryKey,
  smallint,
  text,
  timestamp,
  unique,
  uniqueIndex,
  uuid,
} from "drizzle-orm/pg-core";
import type { Claim, Diagnosis } from "#domain/diagnosis.ts";
import type { ErrorEvent, Frame } from "#domain/event.ts";
import type { ErrorCounts } from "#domain/evidence.ts";
import type { Feedback, Risk, TestReport } from "#domain/fix.ts";
import type { Mute } from "#domain/mute.ts";

// The tables as queries see them. `supabase/migrations/` makes them and says why each is as it is; `tests/schema.test.ts`
// proves that both agree. Values in jsonb columns were written by this type, but dates inside are text when they come back.

const instant = (name: string) => timestamp(name, { withTimezone: true, mode: "date" });
const count = (name: string) => bigint(name, { mode: "number" });
const decimal = (name: string) => numeric(name, { mode: "number" });
const bytes = customType<{ data: Uint8Array }>({ dataType: () => "bytea" });
const wallClock = sql`clock_timestamp()`;
const project = () =>
  text("project_id")
    .notNull()
    .default("default")
    .references(() => projects.id);

export const projects = pgTable("agent_projects", {
  id: text("id").primaryKey(),
  autonomyLevel: integer("autonomy_level").notNull().default(1),
  paused: boolean("paused").notNull().default(false),
  pausedReason: text("paused_reason"),
  pausedBy: text("paused_by"),
  pausedAt: instant("paused_at"),
  resumeAt: instant("resume_at"),
  settings: jsonb("settings").$type<Record<string, unknown>>().notNull().default({}),
  laneIssueId: uuid("lane_issue_id").references((): AnyPgColumn => issues.id),
  detectedAt: instant("detected_at"),
  createdAt: instant("created_at").notNull().defaultNow(),
  updatedAt: instant("updated_at").notNull().defaultNow(),
});

export const statusTransitions = pgTable(
  "agent_status_transitions",
  { fromStatus: text("from_status").notNull(), toStatus: text("to_status").notNull() },
  (t) => [primaryKey({ columns: [t.fromStatus, t.toStatus] })],
);

export const issues = pgTable(
  "agent_issues",
  {
    id: uuid("id").primaryKey().defaultRandom(),
    projectId: project(),
    severity: text("severity").notNull(),
    issueType: text("issue_type").notNull(),
    title: text("title").notNull(),
    message: text("message").notNull(),
    affectedUsers: integer("affected_users").notNull().default(0),
    status: text("status").notNull().default("detected"),
    fingerprint: text("fingerprint"),
    causeKey: text("cause_key"),
    environment: text("environment").notNull().default("production"),
    release: text("release"),
    errorType: text("error_type"),
    stack: text("stack"),
    frames: jsonb("frames").$type<Frame[]>().notNull().default([]),
    operation: text("operation"),
    eventCount: count("event_count").notNull().default(0),
    unverified: boolean("unverified").notNull().default(false),
    regressions: integer("regressions").notNull().default(0),
    firstSeen: instant("first_seen").notNull().defaultNow(),
    lastSeen: instant("last_seen").notNull().defaultNow(),
    version: count("version").notNull().default(0),
    statusSince: instant("status_since").notNull().default(wallClock),
    statusReason: text("status_reason"),
    progress: text("progress"),
    attempts: integer("attempts").notNull().default(0),
    leaseUntil: instant("lease_until"),
    leaseOwner: text("lease_owner"),
    nextRunAt: instant("next_run_at"),
    fixId: uuid("fix_id").references((): AnyPgColumn => fixes.id),
    commitSha: text("commit_sha"),
    branchName: text("branch_name"),
    mergedInto: uuid("merged_into").references((): AnyPgColumn => issues.id),
    rule: text("rule"),
    severityReason: text("severity_reason"),
    state: text("state").notNull().default("new"),
    stateReason: text("state_reason"),
    stateSince: instant("state_since").notNull().defaultNow(),
    spikedAt: instant("spiked_at"),
    mute: jsonb("mute").$type<Mute>(),
    dismissedVolume: count("dismissed_volume"),
    falseAlarm: boolean("false_alarm").notNull().default(false),
    deployedAt: instant("deployed_at"),
    resolvedAt: instant("resolved_at"),
    createdAt: instant("created_at").notNull().defaultNow(),
    updatedAt: instant("updated_at").notNull().defaultNow(),
  },
  (t) => [
    index("agent_issues_by_status").on(t.projectId, t.status, t.createdAt.desc()),
    index("agent_issues_by_cause").on(t.projectId, t.causeKey).where(sql`cause_key IS NOT NULL`),
    index("agent_issues_by_rule").on(t.projectId, t.rule, t.createdAt).where(sql`rule IS NOT NULL`),
    uniqueIndex("agent_issues_one_per_fingerprint").on(t.projectId, t.fingerprint).where(sql`fingerprint IS NOT NULL`),
  ],
);

export const fixes = pgTable(
  "agent_fixes",
  {
    id: uuid("id").primaryKey().defaultRandom(),
    issueId: uuid("issue_id")
      .notNull()
      .references(() => issues.id),
    attempt: integer("attempt").notNull(),
    engineer: text("engineer").notNull(),
    causeClass: text("cause_class").notNull(),
    diagnosis: jsonb("diagnosis").$type<Diagnosis>().notNull(),
    claim: jsonb("claim").$type<Claim>().notNull(),
    confidence: decimal("confidence").notNull(),
    estimatedMinutes: decimal("estimated_minutes").notNull(),
    feedback: jsonb("feedback").$type<Feedback[]>().notNull().default([]),
    files: jsonb("files").$type<string[]>().notNull().default([]),
    diff: text("diff"),
    patchHash: text("patch_hash"),
    branch: text("branch"),
    baseCommit: text("base_commit"),
    fixCommit: text("fix_commit"),
    risks: jsonb("risks").$type<Risk[]>().notNull().default([]),
    approvalFiles: jsonb("approval_files").$type<string[]>().notNull().default([]),
    candidateCommit: text("candidate_commit"),
    candidateTree: text("candidate_tree"),
    candidateBase: text("candidate_base"),
    diffHash: text("diff_hash"),
    rebuilds: integer("rebuilds").notNull().default(0),
    testReport: jsonb("test_report").$type<TestReport>(),
    redBeforeGreen: boolean("red_before_green"),
    pullRequestUrl: text("pull_request_url"),
    pullRequestNumber: integer("pull_request_number"),
    pullRequestHead: text("pull_request_head"),
    mergeAskedAt: instant("merge_asked_at"),
    withdrawnAt: instant("withdrawn_at"),
    outcome: text("outcome").notNull().default("open"),
    outcomeReason: text("outcome_reason"),
    costUsd: decimal("cost_usd").notNull().default(0),
    createdAt: instant("created_at").notNull().default(wallClock),
    updatedAt: instant("updated_at").notNull().default(wallClock),
  },
  (t) => [
    unique("agent_fixes_issue_id_attempt_key").on(t.issueId, t.attempt),
    index("agent_fixes_newest").on(t.createdAt.desc()),
    index("agent_fixes_to_withdraw")
      .on(t.updatedAt)
      .where(sql`branch IS NOT NULL AND outcome <> 'open' AND withdrawn_at IS NULL`),
  ],
);

export const approvals = pgTable(
  "agent_approvals",
  {
    id: uuid("id").primaryKey().defaultRandom(),
    issueId: uuid("issue_id")
      .notNull()
      .references(() => issues.id),
    fixId: uuid("fix_id")
      .notNull()
      .references(() => fixes.id),
    state: text("state").notNull().default("pending"),
    environment: text("environment").notNull(),
    candidateCommit: text("candidate_commit").notNull(),
    candidateTree: text("candidate_tree").notNull(),
    candidateBase: text("candidate_base").notNull(),
    diffHash: text("diff_hash").notNull(),
    policyHash: text("policy_hash").notNull(),
    reasons: jsonb("reasons").$type<string[]>().notNull().default([]),
    requestedAt: instant("requested_at").notNull().default(wallClock),
    expiresAt: instant("expires_at").notNull(),
    decidedAt: instant("decided_at"),
    decidedBy: text("decided_by"),
    decisionReason: text("decision_reason"),
  },
  (t) => [
    uniqueIndex("agent_approvals_one_pending").on(t.issueId).where(sql`state = 'pending'`),
    index("agent_approvals_by_issue").on(t.issueId, t.requestedAt.desc()),
  ],
);

export const deployments = pgTable(
  "agent_deployments",
  {
    id: uuid("id").primaryKey().defaultRandom(),
    issueId: uuid("issue_id")
      .notNull()
      .references(() => issues.id),
    fixId: uuid("fix_id")
      .notNull()
      .references(() => fixes.id),
    environment: text("environment").notNull(),
    commitSha: text("commit_sha").notNull(),
    previousCommit: text("previous_commit"),
    providerId: text("provider_id"),
    url: text("url"),
    state: text("state").notNull().default("pending"),
    baseline: jsonb("baseline").$type<ErrorCounts>(),
    startedAt: instant("started_at").notNull(),
    watchFrom: instant("watch_from"),
    watchUntil: instant("watch_until"),
    extended: boolean("extended").notNull().default(false),
    verdict: text("verdict"),
    verdictReason: text("verdict_reason"),
    claimVerdict: text("claim_verdict"),
    claimReason: text("claim_reason"),
    lastRisePct: doublePrecision("last_rise_pct"),
    createdAt: instant("created_at").notNull().default(wallClock),
    updatedAt: instant("updated_at").notNull().default(wallClock),
  },
  (t) => [
    unique("agent_deployments_fix_id_environment_commit_sha_key").on(t.fixId, t.environment, t.commitSha),
    index("agent_deployments_newest").on(t.environment, t.createdAt.desc()),
    index("agent_deployments_by_issue").on(t.issueId, t.createdAt),
  ],
);

export const healthChecks = pgTable(
  "agent_health_checks",
  {
    deploymentId: uuid("deployment_id")
      .notNull()
      .references(() => deployments.id),
    slot: integer("slot").notNull(),
    repeat: integer("repeat").notNull().default(0),
    scheduledAt: instant("scheduled_at").notNull(),
    checkedAt: instant("checked_at").notNull().default(wallClock),
    outcome: text("outcome").notNull(),
    because: text("because").notNull(),
    servedCommit: text("served_commit"),
    httpStatus: integer("http_status"),
    latencyMs: doublePrecision("latency_ms"),
  },
  (t) => [primaryKey({ columns: [t.deploymentId, t.slot, t.repeat] })],
);

export const fingerprints = pgTable(
  "agent_fingerprints",
  {
    projectId: project(),
    fingerprint: text("fingerprint").notNull(),
    algorithm: smallint("algorithm").notNull().default(2),
    issueId: uuid("issue_id").references(() => issues.id),
    assignedBy: text("assigned_by"),
    causeKey: text("cause_key"),
    title: text("title").notNull(),
    issueType: text("issue_type").notNull(),
    state: text("state").notNull().default("candidate"),
    sample: jsonb("sample").$type<ErrorEvent>().notNull(),
    eventCount: count("event_count").notNull().default(0),
    unseenCount: count("unseen_count").notNull().default(0),
    firstSeen: instant("first_seen").notNull(),
    lastSeen: instant("last_seen").notNull(),
    firstRelease: text("first_release"),
    lastRelease: text("last_release"),
    lookedAt: instant("looked_at"),
  },
  (t) => [
    primaryKey({ columns: [t.projectId, t.fingerprint] }),
    index("agent_fingerprints_by_issue").on(t.issueId).where(sql`issue_id IS NOT NULL`),
    index("agent_fingerprints_unseen").on(t.projectId).where(sql`unseen_count > 0`),
  ],
);

export const sourceMaps = pgTable(
  "agent_source_maps",
  {
    projectId: project(),
    release: text("release").notNull().default(""),
    dist: text("dist").notNull().default(""),
    file: text("file").notNull(),
    debugId: text("debug_id"),
    digest: text("digest").notNull(),
    map: bytes("map").notNull(),
    createdAt: instant("created_at").notNull().default(wallClock),
  },
  (t) => [
    primaryKey({ columns: [t.projectId, t.release, t.dist, t.file] }),
    index("agent_source_maps_by_debug_id").on(t.projectId, t.debugId).where(sql`debug_id IS NOT NULL`),
    index("agent_source_maps_by_time").on(t.projectId, t.createdAt),
  ],
);

export const events = pgTable(
  "agent_events",
  {
    id: text("id").notNull(),
    projectId: project(),
    fingerprint: text("fingerprint").notNull(),
    environment: text("environment").notNull(),
    release: text("release"),
    source: text("source").notNull(),
    trust: text("trust").notNull(),
    at: instant("at").notNull(),
    receivedAt: instant("received_at").notNull().default(wallClock),
    payload: jsonb("payload").$type<ErrorEvent>().notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.projectId, t.id] }),
    index("agent_events_by_arrival").using("brin", t.receivedAt),
    index("agent_events_by_fingerprint").on(t.projectId, t.fingerprint, t.environment, t.receivedAt.desc()),
  ],
);

export const eventMinutes = pgTable(
  "agent_event_minutes",
  {
    projectId: project(),
    environment: text("environment").notNull(),
    fingerprint: text("fingerprint").notNull(),
    release: text("release").notNull().default(""),
    minute: instant("minute").notNull(),
    events: count("events").notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.projectId, t.environment, t.fingerprint, t.release, t.minute] }),
    index("agent_event_minutes_by_time").on(t.projectId, t.environment, t.minute),
  ],
);

export const trafficMinutes = pgTable(
  "agent_traffic_minutes",
  {
    projectId: project(),
    environment: text("environment").notNull(),
    release: text("release").notNull().default(""),
    operation: text("operation").notNull().default(""),
    minute: instant("minute").notNull(),
    requests: count("requests").notNull(),
    failures: count("failures").notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.projectId, t.environment, t.release, t.operation, t.minute] }),
    index("agent_traffic_minutes_by_time").on(t.projectId, t.environment, t.minute),
  ],
);

export const issueUsers = pgTable(
  "agent_issue_users",
  {
    projectId: project(),
    fingerprint: text("fingerprint").notNull(),
    userHash: text("user_hash").notNull(),
    firstAt: instant("first_at").notNull(),
    lastAt: instant("last_at").notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.projectId, t.fingerprint, t.userHash] }),
    index("agent_issue_users_by_age").on(t.projectId, t.lastAt),
  ],
);

export const probes = pgTable(
  "agent_probes",
  {
    projectId: project(),
    environment: text("environment").notNull(),
    slot: count("slot").notNull(),
    checkedAt: instant("checked_at").notNull().default(wallClock),
    outcome: text("outcome").notNull().default("no_data"),
    because: text("because").notNull().default("the look did not end"),
    httpStatus: integer("http_status"),
    latencyMs: doublePrecision("latency_ms"),
    servedCommit: text("served_commit"),
  },
  (t) => [primaryKey({ columns: [t.projectId, t.environment, t.slot] })],
);

export const rounds = pgTable(
  "agent_rounds",
  {
    projectId: project(),
    kind: text("kind").notNull(),
    slot: count("slot").notNull(),
    at: instant("at").notNull().default(wallClock),
  },
  (t) => [primaryKey({ columns: [t.projectId, t.kind] })],
);

export const rules = pgTable(
  "agent_rules",
  {
    projectId: project(),
    name: text("name").notNull(),
    steps: integer("steps").notNull().default(0),
    since: instant("since").notNull().default(wallClock),
    reason: text("reason").notNull().default(""),
  },
  (t) => [primaryKey({ columns: [t.projectId, t.name] })],
);

export const seenEvents = pgTable(
  "agent_seen_events",
  { key: uuid("key").primaryKey(), seenAt: instant("seen_at").notNull().defaultNow() },
  (t) => [index("agent_seen_events_by_time").using("brin", t.seenAt)],
);

export const modelCalls = pgTable(
  "agent_model_calls",
  {
    id: count("id").primaryKey().generatedAlwaysAsIdentity(),
    projectId: project(),
    issueId: uuid("issue_id").references(() => issues.id),
    fixId: uuid("fix_id").references(() => fixes.id),
    stage: text("stage").notNull(),
    model: text("model").notNull(),
    inputTokens: count("input_tokens").notNull(),
    outputTokens: count("output_tokens").notNull(),
    cacheReadTokens: count("cache_read_tokens").notNull().default(0),
    cacheWriteTokens: count("cache_write_tokens").notNull().default(0),
    costUsd: decimal("cost_usd").notNull(),
    latencyMs: doublePrecision("latency_ms").notNull(),
    state: text("state").notNull().default("booked"),
    request: text("request"),
    answer: jsonb("answer").$type<unknown>(),
    at: instant("at").notNull().default(wallClock),
  },
  (t) => [
    index("agent_model_calls_by_time").on(t.projectId, t.at),
    index("agent_model_calls_by_request").on(t.issueId, t.request).where(sql`request IS NOT NULL`),
    index("agent_model_calls_by_issue").on(t.issueId).where(sql`issue_id IS NOT NULL`),
  ],
);

export const reservations = pgTable(
  "agent_reservations",
  {
    projectId: text("project_id")
      .notNull()
      .references(() => projects.id),
    kind: text("kind").notNull(),
    key: text("key").notNull(),
    at: instant("at").notNull().default(wallClock),
  },
  (t) => [
    primaryKey({ columns: [t.projectId, t.kind, t.key] }),
    index("agent_reservations_by_time").on(t.projectId, t.kind, t.at),
  ],
);

export const actions = pgTable(
  "agent_actions",
  {
    seq: count("seq").primaryKey(),
    projectId: project(),
    issueId: uuid("issue_id").references(() => issues.id),
    fixId: uuid("fix_id").references(() => fixes.id),
    at: instant("at").notNull().default(wallClock),
    actor: text("actor").notNull(),
    action: text("action").notNull(),
    subject: text("subject").notNull().default(""),
    outcome: text("outcome").notNull().default("done"),
    because: text("because").notNull().default(""),
    detail: jsonb("detail").$type<Record<string, unknown>>().notNull().default({}),
    effectKey: text("effect_key"),
    prevHash: text("prev_hash").notNull(),
    hash: text("hash").notNull(),
  },
  (t) => [
    index("agent_actions_by_issue").on(t.issueId, t.seq).where(sql`issue_id IS NOT NULL`),
    index("agent_actions_by_time").on(t.projectId, t.at),
    index("agent_actions_by_effect").on(t.effectKey).where(sql`effect_key IS NOT NULL`),
    uniqueIndex("agent_actions_effect_done").on(t.effectKey).where(sql`effect_key IS NOT NULL AND outcome = 'done'`),
  ],
);
