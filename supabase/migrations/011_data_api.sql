-- Supabase's Data API offers its roles whatever they have rights on in `public`, and projects made before 2026 grant them
-- everything new by default. Tables were closed when they were made; so are functions, sequences and the migrator's record.

DO $$
DECLARE f regprocedure;
DECLARE s regclass;
BEGIN
  FOR f IN SELECT oid::regprocedure FROM pg_proc
           WHERE pronamespace = 'public'::regnamespace AND proname ~ '^(agent_(issue_guard|action_(hash|chain|refuse))|append_agent_action|verify_agent_actions)$'
  LOOP
    EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC, anon, authenticated, service_role', f);
  END LOOP;
  FOR s IN SELECT oid::regclass FROM pg_class
           WHERE relnamespace = 'public'::regnamespace AND relkind = 'S' AND relname ~ '^agent_'
  LOOP
    EXECUTE format('REVOKE ALL ON SEQUENCE %s FROM PUBLIC, anon, authenticated, service_role', s);
  END LOOP;
  IF to_regclass('public.agent_migrations') IS NOT NULL THEN
    REVOKE ALL ON public.agent_migrations FROM PUBLIC, anon, authenticated, service_role;
    GRANT SELECT ON public.agent_migrations TO service_role;
  END IF;
END $$;

-- What a program with the service key may do: append to the trail, and verify it.
GRANT EXECUTE ON FUNCTION append_agent_action(text, text, text, text, text, jsonb, uuid, uuid, text) TO service_role;
GRANT EXECUTE ON FUNCTION verify_agent_actions() TO service_role;
GRANT EXECUTE ON FUNCTION agent_action_hash(agent_actions) TO service_role;
