-- Vigil's tables. Written for PostgreSQL 15; runs unchanged on Supabase, on any plain Postgres and on PGlite.
-- Released migrations are never edited: the next change is 006.

-- Supabase brings these roles; elsewhere they are created, so that the grants below mean the same everywhere.
DO $$
DECLARE role_name text;
BEGIN
  FOREACH role_name IN ARRAY ARRAY['anon', 'authenticated', 'service_role'] LOOP
    IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = role_name) THEN
      EXECUTE format('CREATE ROLE %I NOLOGIN', role_name);
    END IF;
  END LOOP;
EXCEPTION
  WHEN duplicate_object OR unique_violation THEN NULL;   -- another database of this server was migrated at the same moment
END $$;

-- One row per watched application: what operators set, and who holds the lane.
CREATE TABLE agent_projects (
  id              text PRIMARY KEY,
  autonomy_level  integer NOT NULL DEFAULT 1 CHECK (autonomy_level BETWEEN 1 AND 3),
  paused          boolean NOT NULL DEFAULT false,
  paused_reason   text,
  paused_by       text,
  paused_at       timestamptz,
  resume_at       timestamptz,
  -- Only what differs from the defaults of src/domain/settings.ts.
  settings        jsonb NOT NULL DEFAULT '{}',
  -- The one issue whose candidate is between staging and the end of its watch.
  lane_issue_id   uuid,
  -- When detection ran last: a schedule that stopped is seen from outside (/api/health).
  detected_at     timestamptz,
  created_at      timestamptz NOT NULL DEFAULT now(),
  updated_at      timestamptz NOT NULL DEFAULT now()
);
INSERT INTO agent_projects (id) VALUES ('default');

-- The legal moves, as data: the trigger below and src/domain/lifecycle.ts must agree, and a test proves that they do.
CREATE TABLE agent_status_transitions (
  from_status text NOT NULL,
  to_status   text NOT NULL,
  PRIMARY KEY (from_status, to_status)
);
INSERT INTO agent_status_transitions (from_status, to_status) VALUES
  ('detected', 'diagnosing'), ('detected', 'failed'), ('detected', 'dismissed'),
  ('diagnosing', 'fixing'), ('diagnosing', 'failed'), ('diagnosing', 'rejected'), ('diagnosing', 'dismissed'),
  ('fixing', 'testing'), ('fixing', 'failed'), ('fixing', 'rejected'), ('fixing', 'dismissed'),
  ('testing', 'staging'), ('testing', 'fixing'), ('testing', 'failed'), ('testing', 'rejected'), ('testing', 'dismissed'),
  ('staging', 'awaiting_approval'), ('staging', 'deploying'), ('staging', 'testing'), ('staging', 'failed'),
  ('staging', 'rejected'), ('staging', 'dismissed'),
  ('awaiting_approval', 'deploying'), ('awaiting_approval', 'testing'), ('awaiting_approval', 'failed'),
  ('awaiting_approval', 'rejected'), ('awaiting_approval', 'dismissed'),
  ('deploying', 'monitoring'), ('deploying', 'testing'), ('deploying', 'rolling_back'), ('deploying', 'failed'),
  ('monitoring', 'resolved'), ('monitoring', 'rolling_back'), ('monitoring', 'failed'),
  ('rolling_back', 'failed'),
  ('resolved', 'detected'), ('resolved', 'rolling_back'),
  ('failed', 'detected'), ('failed', 'dismissed'),
  ('rejected', 'detected'), ('rejected', 'dismissed'),
  ('dismissed', 'detected');

-- One real problem is one row, however many events it produced. People may insert rows by hand: everything but
-- severity, type, title and message has a default.
CREATE TABLE agent_issues (
  id              uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  project_id      text NOT NULL DEFAULT 'default' REFERENCES agent_projects (id),
  severity        text NOT NULL CHECK (severity IN ('P0', 'P1', 'P2', 'P3', 'P4')),
  issue_type      text NOT NULL,
  title           text NOT NULL,
  message         text NOT NULL,
  affected_users  integer NOT NULL DEFAULT 0 CHECK (affected_users >= -1),   -- -1 = everyone
  status          text NOT NULL DEFAULT 'detected',
  fingerprint     text,
  cause_key       text,
  environment     text NOT NULL DEFAULT 'production' CHECK (environment IN ('staging', 'production')),
  release         text,
  error_type      text,
  stack           text,
  frames          jsonb NOT NULL DEFAULT '[]',
  operation       text,
  event_count     bigint NOT NULL DEFAULT 0,
  unverified      boolean NOT NULL DEFAULT false,
  regressions     integer NOT NULL DEFAULT 0,
  first_seen      timestamptz NOT NULL DEFAULT now(),
  last_seen       timestamptz NOT NULL DEFAULT now(),
  -- Raised by every claim and every change; whoever writes names the value it read.
  version         bigint NOT NULL DEFAULT 0,
  status_since    timestamptz NOT NULL DEFAULT clock_timestamp(),
  status_reason   text,
  -- What it is doing or waiting for right now, for the live view.
  progress        text,
  attempts        integer NOT NULL DEFAULT 0,
  lease_until     timestamptz,
  lease_owner     text,
  next_run_at     timestamptz,
  fix_id          uuid,
  commit_sha      text,
  branch_name     text,
  deployed_at     timestamptz,
  resolved_at     timestamptz,
  created_at      timestamptz NOT NULL DEFAULT now(),
  updated_at      timestamptz NOT NULL DEFAULT now()
);
-- The sweep asks for due work, the board for each status, detection for the open issue of a fingerprint.
CREATE INDEX agent_issues_by_status ON agent_issues (project_id, status, created_at DESC);
CREATE INDEX agent_issues_by_cause ON agent_issues (project_id, cause_key) WHERE cause_key IS NOT NULL;
CREATE UNIQUE INDEX agent_issues_one_per_fingerprint ON agent_issues (project_id, fingerprint) WHERE fingerprint IS NOT NULL;

ALTER TABLE agent_projects ADD FOREIGN KEY (lane_issue_id) REFERENCES agent_issues (id);

-- A move that is not in the table is refused by the database itself, whoever attempts it; and whoever changes the
-- status by hand raises the version, so that a worker that is busy with the row loses its claim.
CREATE FUNCTION agent_issue_guard() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    IF NEW.status <> 'detected' THEN
      RAISE EXCEPTION 'a new issue starts as detected, not as %', NEW.status USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
  END IF;
  IF NEW.status IS DISTINCT FROM OLD.status THEN
    IF NOT EXISTS (SELECT 1 FROM agent_status_transitions WHERE from_status = OLD.status AND to_status = NEW.status) THEN
      RAISE EXCEPTION 'an issue cannot move from % to %', OLD.status, NEW.status USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.version = OLD.version THEN NEW.version := OLD.version + 1; END IF;
    NEW.status_since := clock_timestamp();
  END IF;
  IF NEW.version < OLD.version THEN
    RAISE EXCEPTION 'the version of an issue only rises' USING ERRCODE = 'check_violation';
  END IF;
  NEW.updated_at := clock_timestamp();
  RETURN NEW;
END $$;
CREATE TRIGGER agent_issue_guard BEFORE INSERT OR UPDATE ON agent_issues
  FOR EACH ROW EXECUTE FUNCTION agent_issue_guard();

-- One row per attempt at a fix: what was found, what was written, how it was proved, how it ended.
CREATE TABLE agent_fixes (
  id                 uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  issue_id           uuid NOT NULL REFERENCES agent_issues (id),
  attempt            integer NOT NULL CHECK (attempt > 0),
  engineer           text NOT NULL,
  cause_class        text NOT NULL,
  diagnosis          jsonb NOT NULL,
  claim              jsonb NOT NULL,
  confidence         numeric NOT NULL CHECK (confidence BETWEEN 0 AND 100),
  estimated_minutes  numeric NOT NULL,
  feedback           jsonb NOT NULL DEFAULT '[]',
  files              jsonb NOT NULL DEFAULT '[]',
  diff               text,
  -- Identity of the change itself, whatever it is based on: the same patch is never tried twice (reliability A18).
  patch_hash         text,
  branch             text,
  base_commit        text,
  fix_commit         text,
  risks              jsonb NOT NULL DEFAULT '[]',
  approval_files     jsonb NOT NULL DEFAULT '[]',
  candidate_commit   text,
  candidate_tree     text,
  candidate_base     text,
  diff_hash          text,
  rebuilds           integer NOT NULL DEFAULT 0,
  test_report        jsonb,
  -- Whether a new test failed on the base and passed with the fix; null: no such test came with the fix.
  red_before_green   boolean,
  outcome            text NOT NULL DEFAULT 'open'
                     CHECK (outcome IN ('open', 'resolved', 'failed', 'rejected', 'rolled_back', 'dismissed')),
  outcome_reason     text,
  cost_usd           numeric NOT NULL DEFAULT 0,
  created_at         timestamptz NOT NULL DEFAULT clock_timestamp(),
  updated_at         timestamptz NOT NULL DEFAULT clock_timestamp(),
  UNIQUE (issue_id, attempt)
);
CREATE INDEX agent_fixes_newest ON agent_fixes (created_at DESC);
ALTER TABLE agent_issues ADD FOREIGN KEY (fix_id) REFERENCES agent_fixes (id);

-- What a person was asked, bound to the exact candidate; one open question per issue.
CREATE TABLE agent_approvals (
  id                uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  issue_id          uuid NOT NULL REFERENCES agent_issues (id),
  fix_id            uuid NOT NULL REFERENCES agent_fixes (id),
  state             text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'approved', 'rejected', 'expired', 'void')),
  environment       text NOT NULL,
  candidate_commit  text NOT NULL,
  candidate_tree    text NOT NULL,
  candidate_base    text NOT NULL,
  diff_hash         text NOT NULL,
  policy_hash       text NOT NULL,
  reasons           jsonb NOT NULL DEFAULT '[]',
  requested_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
  expires_at        timestamptz NOT NULL,
  decided_at        timestamptz,
  decided_by        text,
  decision_reason   text
);
CREATE UNIQUE INDEX agent_approvals_one_pending ON agent_approvals (issue_id) WHERE state = 'pending';

-- A release of a candidate in one environment, and the verdict of the watch over it.
CREATE TABLE agent_deployments (
  id               uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  issue_id         uuid NOT NULL REFERENCES agent_issues (id),
  fix_id           uuid NOT NULL REFERENCES agent_fixes (id),
  environment      text NOT NULL CHECK (environment IN ('staging', 'production')),
  commit_sha       text NOT NULL,
  previous_commit  text,
  provider_id      text,
  url              text,
  state            text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'ready', 'failed')),
  baseline         jsonb,
  started_at       timestamptz NOT NULL,
  watch_from       timestamptz,
  watch_until      timestamptz,
  extended         boolean NOT NULL DEFAULT false,
  verdict          text CHECK (verdict IN ('watching', 'passed', 'failed', 'inconclusive')),
  verdict_reason   text,
  claim_verdict    text CHECK (claim_verdict IN ('held', 'not_held', 'inconclusive')),
  claim_reason     text,
  -- How far errors were above the baseline at the last look; a second look above the limit in a row rolls back.
  last_rise_pct    double precision,
  created_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
  updated_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
  UNIQUE (fix_id, environment, commit_sha)
);
CREATE INDEX agent_deployments_newest ON agent_deployments (environment, created_at DESC);

-- One sample per slot (and one for its repetition): late, doubled and missing looks cannot distort a verdict (reliability A3).
CREATE TABLE agent_health_checks (
  deployment_id  uuid NOT NULL REFERENCES agent_deployments (id),
  slot           integer NOT NULL,
  repeat         integer NOT NULL DEFAULT 0,
  scheduled_at   timestamptz NOT NULL,
  checked_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
  outcome        text NOT NULL CHECK (outcome IN ('healthy', 'unhealthy', 'no_data')),
  because        text NOT NULL,
  served_commit  text,
  http_status    integer,
  latency_ms     double precision,
  PRIMARY KEY (deployment_id, slot, repeat)
);

-- What detection knows of each kind of error. Many fingerprints may belong to one issue; merging is an update of issue_id.
CREATE TABLE agent_fingerprints (
  project_id     text NOT NULL DEFAULT 'default' REFERENCES agent_projects (id),
  fingerprint    text NOT NULL,
  algorithm      smallint NOT NULL DEFAULT 1,
  issue_id       uuid REFERENCES agent_issues (id),
  cause_key      text,
  title          text NOT NULL,
  issue_type     text NOT NULL,
  state          text NOT NULL DEFAULT 'candidate' CHECK (state IN ('candidate', 'issue', 'muted', 'noise', 'dismissed')),
  -- The newest event in full, from which an issue is opened or brought up to date.
  sample         jsonb NOT NULL,
  event_count    bigint NOT NULL DEFAULT 0,
  -- Events that the detection pass has not looked at yet.
  unseen_count   bigint NOT NULL DEFAULT 0,
  first_seen     timestamptz NOT NULL,
  last_seen      timestamptz NOT NULL,
  first_release  text,
  last_release   text,
  PRIMARY KEY (project_id, fingerprint)
);
CREATE INDEX agent_fingerprints_unseen ON agent_fingerprints (project_id) WHERE unseen_count > 0;

-- Scrubbed samples, capped per fingerprint and environment; counts live in the minute tables.
CREATE TABLE agent_events (
  id           text NOT NULL,
  project_id   text NOT NULL DEFAULT 'default' REFERENCES agent_projects (id),
  fingerprint  text NOT NULL,
  environment  text NOT NULL,
  release      text,
  source       text NOT NULL,
  trust        text NOT NULL CHECK (trust IN ('server', 'browser')),
  at           timestamptz NOT NULL,
  received_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
  payload      jsonb NOT NULL,
  PRIMARY KEY (project_id, id)
);
CREATE INDEX agent_events_by_fingerprint ON agent_events (project_id, fingerprint, environment, received_at DESC);

-- Exact counts per minute. The release is part of the key: the watch must know whose errors they are (reliability A11).
CREATE TABLE agent_event_minutes (
  project_id   text NOT NULL DEFAULT 'default' REFERENCES agent_projects (id),
  environment  text NOT NULL,
  fingerprint  text NOT NULL,
  release      text NOT NULL DEFAULT '',
  minute       timestamptz NOT NULL,
  events       bigint NOT NULL,
  PRIMARY KEY (project_id, environment, fingerprint, release, minute)
);
CREATE INDEX agent_event_minutes_by_time ON agent_event_minutes (project_id, environment, minute);

-- Requests served and failed, per release and route: the denominators.
CREATE TABLE agent_traffic_minutes (
  project_id   text NOT NULL DEFAULT 'default' REFERENCES agent_projects (id),
  environment  text NOT NULL,
  release      text NOT NULL DEFAULT '',
  operation    text NOT NULL DEFAULT '',
  minute       timestamptz NOT NULL,
  requests     bigint NOT NULL,
  failures     bigint NOT NULL,
  PRIMARY KEY (project_id, environment, release, operation, minute)
);
CREATE INDEX agent_traffic_minutes_by_time ON agent_traffic_minutes (project_id, environment, minute);

-- Who was affected, as keyed hashes only.
CREATE TABLE agent_issue_users (
  project_id   text NOT NULL DEFAULT 'default' REFERENCES agent_projects (id),
  fingerprint  text NOT NULL,
  user_hash    text NOT NULL,
  first_at     timestamptz NOT NULL,
  last_at      timestamptz NOT NULL,
  PRIMARY KEY (project_id, fingerprint, user_hash)
);

-- Every call of a model, for the issue's cost and the budgets.
CREATE TABLE agent_model_calls (
  id                  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  project_id          text NOT NULL DEFAULT 'default' REFERENCES agent_projects (id),
  issue_id            uuid REFERENCES agent_issues (id),
  fix_id              uuid REFERENCES agent_fixes (id),
  stage               text NOT NULL,
  model               text NOT NULL,
  input_tokens        bigint NOT NULL,
  output_tokens       bigint NOT NULL,
  cache_read_tokens   bigint NOT NULL DEFAULT 0,
  cache_write_tokens  bigint NOT NULL DEFAULT 0,
  cost_usd            numeric NOT NULL,
  latency_ms          double precision NOT NULL,
  at                  timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX agent_model_calls_by_time ON agent_model_calls (project_id, at);

-- Budgets are taken before the work, once per key, under the project's row lock: a limit can never be overdrawn (spec.md §18.7).
CREATE TABLE agent_reservations (
  project_id  text NOT NULL REFERENCES agent_projects (id),
  kind        text NOT NULL,
  key         text NOT NULL,
  at          timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (project_id, kind, key)
);
CREATE INDEX agent_reservations_by_time ON agent_reservations (project_id, kind, at);

-- Every action of the agent and of every operator. Append-only: each row's hash covers the row before it.
CREATE TABLE agent_actions (
  seq         bigint PRIMARY KEY,
  project_id  text NOT NULL DEFAULT 'default' REFERENCES agent_projects (id),
  issue_id    uuid REFERENCES agent_issues (id),
  fix_id      uuid REFERENCES agent_fixes (id),
  at          timestamptz NOT NULL DEFAULT clock_timestamp(),
  actor       text NOT NULL,
  action      text NOT NULL,
  subject     text NOT NULL DEFAULT '',
  outcome     text NOT NULL DEFAULT 'done' CHECK (outcome IN ('intended', 'done', 'failed', 'refused')),
  because     text NOT NULL DEFAULT '',
  detail      jsonb NOT NULL DEFAULT '{}',
  -- Names an external effect. At most one row says that it was done.
  effect_key  text,
  prev_hash   text NOT NULL,
  hash        text NOT NULL
);
CREATE INDEX agent_actions_by_issue ON agent_actions (issue_id, seq) WHERE issue_id IS NOT NULL;
CREATE INDEX agent_actions_by_time ON agent_actions (project_id, at);
CREATE INDEX agent_actions_by_effect ON agent_actions (effect_key) WHERE effect_key IS NOT NULL;
CREATE UNIQUE INDEX agent_actions_effect_done ON agent_actions (effect_key) WHERE effect_key IS NOT NULL AND outcome = 'done';

-- The text that a row's hash covers. One line per field, lengths first, so that no two rows share a text.
CREATE FUNCTION agent_action_hash(a agent_actions) RETURNS text LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT encode(sha256(convert_to(string_agg(length(f) || ':' || f, E'\n' ORDER BY n), 'UTF8')), 'hex')
  FROM unnest(ARRAY[
    a.prev_hash, a.seq::text, a.project_id, coalesce(a.issue_id::text, '-'), coalesce(a.fix_id::text, '-'),
    (extract(epoch FROM a.at) * 1000000)::bigint::text, a.actor, a.action, a.subject, a.outcome, a.because,
    a.detail::text, coalesce('=' || a.effect_key, '-')
  ]) WITH ORDINALITY AS fields (f, n)
$$;

-- Position, predecessor and hash are set here, whatever the writer says. The lock makes the chain one line: it is taken
-- last in every transaction of ours, so it cannot deadlock with row locks.
CREATE FUNCTION agent_action_chain() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE last agent_actions%ROWTYPE;
BEGIN
  PERFORM pg_advisory_xact_lock(4711, 5);
  SELECT * INTO last FROM agent_actions ORDER BY seq DESC LIMIT 1;
  NEW.seq := coalesce(last.seq, 0) + 1;
  NEW.prev_hash := coalesce(last.hash, repeat('0', 64));
  NEW.at := date_trunc('milliseconds', clock_timestamp());
  NEW.hash := agent_action_hash(NEW);
  RETURN NEW;
END $$;
CREATE TRIGGER agent_action_chain BEFORE INSERT ON agent_actions FOR EACH ROW EXECUTE FUNCTION agent_action_chain();

CREATE FUNCTION agent_action_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'agent_actions is append-only: % is refused', TG_OP USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER agent_action_no_change BEFORE UPDATE OR DELETE ON agent_actions FOR EACH ROW EXECUTE FUNCTION agent_action_refuse();
CREATE TRIGGER agent_action_no_truncate BEFORE TRUNCATE ON agent_actions FOR EACH STATEMENT EXECUTE FUNCTION agent_action_refuse();

-- The only way in for a role without rights on the table (reliability D21).
CREATE FUNCTION append_agent_action(
  actor text, action text, subject text DEFAULT '', outcome text DEFAULT 'done', because text DEFAULT '',
  detail jsonb DEFAULT '{}', issue uuid DEFAULT NULL, fix uuid DEFAULT NULL, effect_key text DEFAULT NULL
) RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
  INSERT INTO agent_actions (seq, issue_id, fix_id, actor, action, subject, outcome, because, detail, effect_key, prev_hash, hash)
  VALUES (0, issue, fix, actor, action, subject, outcome, because, detail, effect_key, '', '')
  RETURNING seq
$$;

-- Walks the chain and names the first row that does not follow from the one before it; no row: the chain is whole.
CREATE FUNCTION verify_agent_actions() RETURNS TABLE (broken_seq bigint, problem text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  a agent_actions%ROWTYPE;
  expected_seq bigint := 1;
  expected_prev text := repeat('0', 64);
BEGIN
  FOR a IN SELECT * FROM agent_actions ORDER BY seq LOOP
    IF a.seq <> expected_seq THEN
      RETURN QUERY SELECT expected_seq, format('row %s is missing', expected_seq); RETURN;
    END IF;
    IF a.prev_hash <> expected_prev THEN
      RETURN QUERY SELECT a.seq, 'does not follow the row before it'::text; RETURN;
    END IF;
    IF a.hash <> agent_action_hash(a) THEN
      RETURN QUERY SELECT a.seq, 'was changed after it was written'::text; RETURN;
    END IF;
    expected_seq := a.seq + 1;
    expected_prev := a.hash;
  END LOOP;
END $$;

-- Nobody reaches these tables through Supabase's Data API: row level security without a policy denies everything.
-- The agent connects as the owner, whom row level security does not bind.
DO $$
DECLARE t text;
BEGIN
  FOR t IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename LIKE 'agent\_%' LOOP
    EXECUTE format('ALTER TABLE public.%I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('REVOKE ALL ON public.%I FROM PUBLIC, anon, authenticated, service_role', t);
    EXECUTE format('GRANT SELECT ON public.%I TO service_role', t);
  END LOOP;
END $$;
CREATE POLICY service_reads ON agent_actions FOR SELECT TO service_role USING (true);
REVOKE ALL ON FUNCTION append_agent_action(text, text, text, text, text, jsonb, uuid, uuid, text) FROM PUBLIC, anon, authenticated;
REVOKE ALL ON FUNCTION verify_agent_actions() FROM PUBLIC, anon, authenticated;
GRANT EXECUTE ON FUNCTION append_agent_action(text, text, text, text, text, jsonb, uuid, uuid, text) TO service_role;
GRANT EXECUTE ON FUNCTION verify_agent_actions() TO service_role;
