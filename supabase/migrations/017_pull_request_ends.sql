-- A protected main: the fix waits for a person like any other question, and holds up nobody meanwhile.

INSERT INTO agent_status_transitions (from_status, to_status) VALUES ('deploying', 'awaiting_approval');

-- Which commit the agent put on the pull request's branch last: whatever else is there came from a person.
ALTER TABLE agent_fixes ADD COLUMN pull_request_head text;
-- When the branch and the pull request of an ended fix were cleared away, or found to be a person's; NULL: not yet.
ALTER TABLE agent_fixes ADD COLUMN withdrawn_at timestamptz;

-- Every minute is asked what there is to clear away: nearly always nothing.
CREATE INDEX agent_fixes_to_withdraw ON agent_fixes (updated_at)
  WHERE branch IS NOT NULL AND outcome <> 'open' AND withdrawn_at IS NULL;
