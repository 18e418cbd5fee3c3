-- Grouping: the source maps that turn built code back into its source, and what operators said about groups.

-- An operator's merge: this issue's events belong to that one from then on. The row stays, so that nothing it did is
-- lost, and so that a split can bring it back.
ALTER TABLE agent_issues ADD COLUMN merged_into uuid REFERENCES agent_issues (id);

-- Who decided which issue a group belongs to; NULL: the rules did. What a person decided stays when rules change.
ALTER TABLE agent_fingerprints ADD COLUMN assigned_by text;
-- A new row was made by the algorithm of src/policy/fingerprint.ts; rows of older ones are brought along at the start.
ALTER TABLE agent_fingerprints ALTER COLUMN algorithm SET DEFAULT 2;
-- An issue's counts are the sum over its groups.
CREATE INDEX agent_fingerprints_by_issue ON agent_fingerprints (issue_id) WHERE issue_id IS NOT NULL;

-- Uploaded at build time, never fetched from the public site: whoever can publish a file there could rename every frame.
-- Compressed, because a map is mostly repetition; one row per built file of a release.
CREATE TABLE agent_source_maps (
  project_id  text NOT NULL DEFAULT 'default' REFERENCES agent_projects (id),
  release     text NOT NULL DEFAULT '',
  dist        text NOT NULL DEFAULT '',
  -- As frames name it: without origin, query and root.
  file        text NOT NULL,
  debug_id    text,
  -- sha256 of the map's text: the same upload twice changes nothing.
  digest      text NOT NULL,
  map         bytea NOT NULL,
  created_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (project_id, release, dist, file)
);
-- A debug id finds its map whatever the release is called.
CREATE INDEX agent_source_maps_by_debug_id ON agent_source_maps (project_id, debug_id) WHERE debug_id IS NOT NULL;
-- The oldest releases make room for new ones.
CREATE INDEX agent_source_maps_by_time ON agent_source_maps (project_id, created_at);

ALTER TABLE agent_source_maps ENABLE ROW LEVEL SECURITY;
REVOKE ALL ON agent_source_maps FROM PUBLIC, anon, authenticated, service_role;
GRANT SELECT ON agent_source_maps TO service_role;
