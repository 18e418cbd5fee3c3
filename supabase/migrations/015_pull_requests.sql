-- Pull requests: where people find a fix in their own tool, and where they take it over when nobody else may.

ALTER TABLE agent_fixes ADD COLUMN pull_request_url text;
ALTER TABLE agent_fixes ADD COLUMN pull_request_number integer;
-- Since when a person is asked to merge it, because the branch is protected; NULL: nobody has to.
ALTER TABLE agent_fixes ADD COLUMN merge_asked_at timestamptz;

-- Closing the pull request says no, also when the fix was on its way already and only waited to be merged.
INSERT INTO agent_status_transitions (from_status, to_status) VALUES ('deploying', 'rejected');
