/** What `vigil fix --help` says besides its options. */
export const fixHelp = `
What comes in: a plain stack trace with whatever stands around it (logs, TAP, mocha, vitest), one JSON event
in Sentry's or the plain shape, or several, one a line; the first with a place in your code is worked on.

What happens: DIR is read as it is, uncommitted work included, and copied; nothing in it changes. The cause is looked
for and repaired on the copy, and your tests run there in a sandbox, before and after. Nothing is committed or deployed.

Who works: built-in playbooks, then Claude where ANTHROPIC_API_KEY is set (ANTHROPIC_BASE_URL: any service that speaks
the Messages API). Without a key the playbooks are alone: they know few kinds of bugs and leave all others.

--json prints one object:
  {"status":"fixed|not_fixed|needs_human","diagnosis":{…},"diff":"…","tests":{"before":"…","after":"…"},
   "cost_usd":n,"model_calls":n, and: "reasons","attempts","read_files","files","applied","engineer","tokens","seconds","error"}
  needs_human: there is a fix, but your rules ask for a person, or no test could prove it; "reasons" says why.
  tests: passed, failed, timed_out, output_limit, memory_limit, none (the project has none), not_run.

Exit 0: fixed, 1: not fixed, a person is needed, or --apply was refused, 2: it could not be tried, or not to its end
("error" says why).

  npx vigil fix --repo . --error crash.log
  npm test 2>&1 | npx vigil fix --error - --test "npm test"
  npx vigil fix --error crash.log --json | jq -r .diff | git apply`;
