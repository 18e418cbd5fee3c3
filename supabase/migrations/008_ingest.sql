-- Exact counts: an event that is delivered again is not counted again, also long after its sample was dropped.

-- One row per event or traffic report that was counted: a hash of its id, nothing else. Whoever delivers twice at the
-- same moment meets the primary key. Rows older than a week go: events that old are refused their time anyway.
CREATE TABLE agent_seen_events (
  key      uuid PRIMARY KEY,
  seen_at  timestamptz NOT NULL DEFAULT now()
);
-- Rows arrive in the order of time: a block range index costs next to nothing, and only the cleaning asks it.
CREATE INDEX agent_seen_events_by_time ON agent_seen_events USING brin (seen_at);

-- These rows change with every batch: room in the page keeps the new version beside the old one, without index work.
ALTER TABLE agent_fingerprints SET (fillfactor = 60);
ALTER TABLE agent_event_minutes SET (fillfactor = 70);
ALTER TABLE agent_traffic_minutes SET (fillfactor = 70);

ALTER TABLE agent_seen_events ENABLE ROW LEVEL SECURITY;
REVOKE ALL ON agent_seen_events FROM PUBLIC, anon, authenticated, service_role;
GRANT SELECT ON agent_seen_events TO service_role;
