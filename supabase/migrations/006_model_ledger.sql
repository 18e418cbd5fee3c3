-- Money for models is set aside before a call and booked after it, so that no budget is ever overdrawn, whoever is killed when.

-- 'reserved': a call is under way, cost_usd is the most that it may cost. 'booked': it ended, cost_usd is what it cost.
ALTER TABLE agent_model_calls ADD COLUMN state text NOT NULL DEFAULT 'booked' CHECK (state IN ('reserved', 'booked'));
-- sha256 over the whole request: a step that runs again finds the answers it paid for and pays nothing twice.
ALTER TABLE agent_model_calls ADD COLUMN request text;
ALTER TABLE agent_model_calls ADD COLUMN answer jsonb;

CREATE INDEX agent_model_calls_by_request ON agent_model_calls (issue_id, request) WHERE request IS NOT NULL;
CREATE INDEX agent_model_calls_by_issue ON agent_model_calls (issue_id) WHERE issue_id IS NOT NULL;
