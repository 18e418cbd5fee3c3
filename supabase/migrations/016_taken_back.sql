-- A fix that was left in production without a verdict, or whose rollback failed, can still be taken back by a person.

INSERT INTO agent_status_transitions (from_status, to_status) VALUES ('failed', 'rolling_back');

-- 'taken_back': production serves another version again.
ALTER TABLE agent_deployments DROP CONSTRAINT agent_deployments_state_check;
ALTER TABLE agent_deployments ADD CONSTRAINT agent_deployments_state_check
  CHECK (state IN ('pending', 'ready', 'failed', 'taken_back'));
UPDATE agent_deployments d SET state = 'taken_back' FROM agent_fixes f
  WHERE f.id = d.fix_id AND d.environment = 'production' AND f.outcome = 'rolled_back'
    AND coalesce(f.outcome_reason, '') NOT LIKE 'ROLLBACK FAILED%';

-- The page of one issue asks for its releases and its questions.
CREATE INDEX agent_deployments_by_issue ON agent_deployments (issue_id, created_at);
CREATE INDEX agent_approvals_by_issue ON agent_approvals (issue_id, requested_at DESC);
