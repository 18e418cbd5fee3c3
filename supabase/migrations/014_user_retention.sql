-- Retention asks for users that were not seen for long. A row's time moves with each of its user's events, so the order in
-- which rows lie says nothing of their age.
CREATE INDEX agent_issue_users_by_age ON agent_issue_users (project_id, last_at);
