-- Detection: what a rule decided and why, looks at the running application, and what detection remembers between its rounds.

-- The rule (settings, detection.rules) that opened the issue; NULL: a person inserted it.
ALTER TABLE agent_issues ADD COLUMN rule text;
-- One sentence each: why it is as grave as it is, and why it is in its state.
ALTER TABLE agent_issues ADD COLUMN severity_reason text;
-- How the problem itself goes on, whatever is being done about it (that is `status`).
ALTER TABLE agent_issues ADD COLUMN state text NOT NULL DEFAULT 'new'
  CHECK (state IN ('new', 'ongoing', 'regressed', 'escalating', 'recovered'));
ALTER TABLE agent_issues ADD COLUMN state_reason text;
ALTER TABLE agent_issues ADD COLUMN state_since timestamptz NOT NULL DEFAULT now();
-- A spike raises an issue once an hour at most.
ALTER TABLE agent_issues ADD COLUMN spiked_at timestamptz;
-- Ignored until it gets worse: by which of these conditions it comes back.
ALTER TABLE agent_issues ADD COLUMN mute jsonb;
-- Events in the day before it was dismissed: only a multiple of that brings it back.
ALTER TABLE agent_issues ADD COLUMN dismissed_volume bigint;
-- A person said that it never was a problem: its rule is to blame.
ALTER TABLE agent_issues ADD COLUMN false_alarm boolean NOT NULL DEFAULT false;

-- When detection judged this kind of error last: those that waited longest come first, new ones before all others, so
-- that a storm of known errors never hides a new one.
ALTER TABLE agent_fingerprints ADD COLUMN looked_at timestamptz;

-- One look at each environment a minute. Whoever inserts the row looks: ticks that overlap cannot look twice, and a look
-- that never ended, or never began, stays without data (reliability A3).
CREATE TABLE agent_probes (
  project_id     text NOT NULL DEFAULT 'default' REFERENCES agent_projects (id),
  environment    text NOT NULL CHECK (environment IN ('staging', 'production')),
  -- Minutes since 1970, by the database's clock.
  slot           bigint NOT NULL,
  checked_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
  outcome        text NOT NULL DEFAULT 'no_data' CHECK (outcome IN ('healthy', 'unhealthy', 'no_data')),
  because        text NOT NULL DEFAULT 'the look did not end',
  http_status    integer,
  latency_ms     double precision,
  served_commit  text,
  PRIMARY KEY (project_id, environment, slot)
);

-- What happens once in a while, whoever's tick comes first.
CREATE TABLE agent_rounds (
  project_id  text NOT NULL DEFAULT 'default' REFERENCES agent_projects (id),
  kind        text NOT NULL,
  slot        bigint NOT NULL,
  at          timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (project_id, kind)
);

-- Rules that raised their own threshold because people called too many of their issues false alarms.
CREATE TABLE agent_rules (
  project_id  text NOT NULL DEFAULT 'default' REFERENCES agent_projects (id),
  name        text NOT NULL,
  -- Each step doubles the threshold.
  steps       integer NOT NULL DEFAULT 0 CHECK (steps >= 0),
  -- Issues are counted from here on.
  since       timestamptz NOT NULL DEFAULT clock_timestamp(),
  reason      text NOT NULL DEFAULT '',
  PRIMARY KEY (project_id, name)
);
CREATE INDEX agent_issues_by_rule ON agent_issues (project_id, rule, created_at) WHERE rule IS NOT NULL;

-- Retention asks for the oldest. Rows arrive in the order of time, so a block range index is enough and costs next to nothing.
CREATE INDEX agent_events_by_arrival ON agent_events USING brin (received_at);

DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['agent_probes', 'agent_rounds', 'agent_rules'] LOOP
    EXECUTE format('ALTER TABLE public.%I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('REVOKE ALL ON public.%I FROM PUBLIC, anon, authenticated, service_role', t);
    EXECUTE format('GRANT SELECT ON public.%I TO service_role', t);
  END LOOP;
END $$;
