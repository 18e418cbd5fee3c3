import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { sep } from "node:path";
import { sql } from "drizzle-orm";
import { z } from "zod";
import type { Connection } from "#store/connect.ts";
import { verifyActions } from "#store/read/audit.ts";
import { git } from "./git.ts";
import { doubledInGit, holdsText, lostWork, type Remote, revertsOn } from "./git-evidence.ts";

/** Everything that can be looked at after a test. What a test has not got is left out, and so is what follows from it. */
export interface Sighting {
  connection: Connection;
  git?: Remote & {
    /** Further object stores of the agent. */
    copies?: string[];
  };
  production?: {
    /** What production says it serves; `null`: it says nothing. */
    served: string | null;
    /** The first version, and whatever a person deployed past the agent. */
    deployedByPeople: string[];
  };
  /** What people got, in order. */
  notices?: { key: string; repeated: boolean }[];
  secrets?: { canaries: string[]; files: string[] };
  /** To be looked at when nothing shall run any more. */
  machine?: { root: string; scratch: string[] };
}

type Check = (sighting: Sighting) => Promise<string[]>;

const effects = sql`(action LIKE 'repository.%' OR action LIKE 'platform.%' OR action = 'notice.send')`;
const Text = z.object({ text: z.string() });

/**
 * The ten invariants of the agent (reliability, test bench). Answers every violation in words, empty: all is well. To be
 * called when no worker runs, after every test that did something to one.
 */
export async function checkInvariants(sighting: Sighting): Promise<string[]> {
  const found: string[] = [];
  for (const [name, check] of Object.entries(invariants)) {
    for (const violation of await check(sighting)) found.push(`${name}: ${violation}`);
  }
  return found;
}

/** I1: a commit of a person that no branch and no tag holds any more is lost work. */
const noWorkLost: Check = async (sighting) => {
  if (sighting.git === undefined) return [];
  const lost = await lostWork(sighting.git);
  return lost.map(({ commit, author }) => `nothing holds commit ${commit} of ${author} any more`);
};

const Shipped = z.object({
  commit: z.string(),
  previous: z.string().nullable(),
  state: z.string(),
  outcome: z.string(),
  sent: z.boolean(),
  undecided: z.boolean(),
});

/** Releases of candidates to production, newest last, with whether the rules or a person let them through. */
function shippedIn({ rows }: Connection): Promise<z.infer<typeof Shipped>[]> {
  return rows(
    Shipped,
    sql`SELECT d.commit_sha AS commit, d.previous_commit AS previous, d.state, f.outcome,
          EXISTS (SELECT 1 FROM agent_actions a WHERE a.fix_id = d.fix_id AND a.action = 'status.changed'
            AND a.detail->>'to' = 'deploying') AS sent,
          EXISTS (SELECT 1 FROM agent_approvals p WHERE p.fix_id = d.fix_id AND p.candidate_commit = d.commit_sha)
            AND NOT EXISTS (SELECT 1 FROM agent_approvals p WHERE p.fix_id = d.fix_id AND p.candidate_commit = d.commit_sha
              AND p.state = 'approved') AS undecided
        FROM agent_deployments d JOIN agent_fixes f ON f.id = d.fix_id
        WHERE d.environment = 'production' ORDER BY d.created_at`,
  );
}

/** I2: production serves what served before, a candidate that was let through, or a revert. */
const servesWhatItMay: Check = async ({ connection, production, git: place }) => {
  if (production === undefined) return [];
  const { served, deployedByPeople } = production;
  if (served === null) return ["production does not say what it serves"];
  const shipped = await shippedIn(connection);
  const allowed = new Set([
    ...deployedByPeople,
    ...shipped.flatMap(({ previous }) => previous ?? []),
    ...shipped.filter(({ sent, undecided }) => sent && !undecided).map(({ commit }) => commit),
    ...(place === undefined ? [] : await revertsOn(place)),
  ]);
  if (!allowed.has(served)) return [`production serves ${served}, which nobody let through`];
  const rolledBack = shipped.some(({ commit, outcome }) => commit === served && outcome === "rolled_back");
  return rolledBack ? [`production serves ${served}, which was rolled back`] : [];
};

/** I3: the files that were tested are the files that were released. */
const releasesWhatWasTested: Check = async ({ connection, git: place }) => {
  if (place === undefined) return [];
  const shipped = await connection.rows(
    z.object({ commit: z.string(), trees: z.array(z.string()), tested: z.boolean() }),
    sql`SELECT d.commit_sha AS commit,
          coalesce((SELECT json_agg(a.detail->>'tree') FROM agent_actions a
            WHERE a.action = 'candidate.built' AND a.detail->>'commit' = d.commit_sha), '[]') AS trees,
          EXISTS (SELECT 1 FROM agent_actions a WHERE a.action = 'tests.ran' AND a.subject = d.commit_sha
            AND a.outcome = 'done') AS tested
        FROM agent_deployments d WHERE d.environment = 'production'`,
  );
  const wrong: string[] = [];
  for (const { commit, trees, tested } of shipped) {
    const tree = await git(place.remote, "rev-parse", `${commit}^{tree}`).catch(() => "no tree at all");
    if (!tested) wrong.push(`${commit} was released although no test passed on it`);
    if (!trees.includes(tree)) wrong.push(`${commit} holds ${tree}, which is not what was tested (${trees})`);
  }
  return wrong;
};

/** I4: each effect happened once: by its key in the trail, and in Git and in people's mail as well. */
const onceEach: Check = async (sighting) => {
  const twice = await sighting.connection.rows(
    Text,
    sql`SELECT format('%s is done %s times', effect_key, count(*)) AS text FROM agent_actions
        WHERE effect_key IS NOT NULL AND outcome = 'done' GROUP BY effect_key HAVING count(*) > 1`,
  );
  const inGit = sighting.git === undefined ? [] : await doubledInGit(sighting.git);
  return [...twice.map(({ text }) => text), ...inGit, ...doubledNotices(sighting.notices ?? [])];
};

/** Delivered once; a second time only where nobody can know, and then marked (reliability B3). */
function doubledNotices(notices: { key: string; repeated: boolean }[]): string[] {
  return Object.entries(Object.groupBy(notices, ({ key }) => key)).flatMap(([key, sent = []]) => {
    if (sent.slice(1).some(({ repeated }) => !repeated)) return [`message ${key} came again without a mark`];
    return sent.length > 2 ? [`message ${key} came ${sent.length} times`] : [];
  });
}

const Move = z.object({
  issue: z.string(),
  seq: z.number(),
  from: z.string().nullable(),
  to: z.string(),
  version: z.coerce.number().nullable(),
});

/** I5: an issue's moves follow from each other, each settled a newer version than the one before. */
const versionsRise: Check = async ({ connection }) => {
  const moves = await connection.rows(
    Move,
    sql`SELECT issue_id AS issue, seq, detail->>'from' AS from, detail->>'to' AS to, detail->>'version' AS version
        FROM agent_actions WHERE action IN ('status.changed', 'issue.regressed') AND issue_id IS NOT NULL ORDER BY seq`,
  );
  const now = await connection.rows(
    z.object({ id: z.string(), status: z.string(), version: z.number() }),
    sql`SELECT id, status, version FROM agent_issues`,
  );
  return now.flatMap(({ id, status, version }) => {
    const own = moves.filter(({ issue }) => issue === id);
    const wrong = own.flatMap((move, n) => stepsWrong(move, own.slice(0, n)));
    const last = own.at(-1);
    if (last !== undefined && last.to !== status) wrong.push(`issue ${id} is ${status} but moved to ${last.to} last`);
    if ((last?.version ?? -1) >= version) wrong.push(`issue ${id} is at version ${version}, older than its last move`);
    return wrong;
  });
};

function stepsWrong({ issue, from, to, version }: z.infer<typeof Move>, earlier: z.infer<typeof Move>[]): string[] {
  const before = earlier.at(-1)?.to ?? "detected";
  const versions = earlier.flatMap((move) => move.version ?? []);
  const wrong: string[] = [];
  // A regression is written by detection and names no version.
  if (from !== null && from !== before) wrong.push(`issue ${issue} left ${from} for ${to} when it was ${before}`);
  if (version !== null && versions.some((other) => other >= version))
    wrong.push(`two claims of issue ${issue} settled version ${version} or a newer one before it`);
  return wrong;
}

/** I6: nothing happened outside without an intent on record before it, and the trail is whole. */
const intendedBefore: Check = async ({ connection, git: place }) => {
  const chain = await verifyActions(connection.db);
  const broken = chain.kind === "broken" ? [`the audit trail is broken: row ${chain.seq} ${chain.problem}`] : [];
  const unintended = await connection.rows(
    Text,
    sql`SELECT format('%s is done without an intent before it', d.effect_key) AS text FROM agent_actions d
        WHERE d.outcome = 'done' AND ${effects} AND NOT EXISTS (SELECT 1 FROM agent_actions i
          WHERE i.effect_key = d.effect_key AND i.outcome = 'intended' AND i.seq < d.seq)`,
  );
  const secret = place === undefined ? [] : await unintendedInGit(connection, place);
  return [...broken, ...unintended.map(({ text }) => text), ...secret];
};

async function unintendedInGit({ rows }: Connection, { remote, agentEmail }: Remote): Promise<string[]> {
  const intents = await rows(
    Text,
    sql`SELECT subject || ' ' || coalesce(detail->>'to', detail->>'commit', '') AS text FROM agent_actions
        WHERE outcome = 'intended' AND action LIKE 'repository.%'`,
  );
  const known = new Set(intents.map(({ text }) => text));
  const heads = await git(
    remote,
    "for-each-ref",
    "--format=%(refname:lstrip=2) %(objectname)",
    "refs/heads/agent/fix-*",
  );
  const merged = await git(remote, "rev-list", "--first-parent", `--author=<${agentEmail}>`, "main");
  const seen = [...heads.split("\n"), ...merged.split("\n").map((commit) => (commit ? `main ${commit}` : ""))];
  return seen.filter((line) => line !== "" && !known.has(line)).map((line) => `nobody intended ${line}`);
}

/** I7: what is secret is nowhere but where it belongs. */
const secretsStay: Check = async (sighting) => {
  const { canaries, files } = sighting.secrets ?? { canaries: [], files: [] };
  const found: string[] = [];
  for (const canary of canaries) {
    for (const table of await tablesWith(sighting.connection, canary)) found.push(`a secret stands in table ${table}`);
    for (const file of files) {
      const text = await readFile(file, "utf8").catch(() => "");
      if (text.includes(canary)) found.push(`a secret stands in ${file}`);
    }
    const stores = sighting.git === undefined ? [] : [sighting.git.remote, ...(sighting.git.copies ?? [])];
    for (const store of stores) if (await holdsText(store, canary)) found.push(`a secret stands in Git, at ${store}`);
  }
  return found;
};

async function tablesWith({ rows }: Connection, canary: string): Promise<string[]> {
  const tables = await rows(
    Text,
    sql`SELECT quote_ident(schemaname) || '.' || quote_ident(tablename) AS text FROM pg_tables
        WHERE (schemaname = 'public' AND tablename LIKE 'agent\\_%') OR schemaname = 'vigil_queue'`,
  );
  const found: string[] = [];
  for (const { text } of tables) {
    const count = sql`SELECT count(*)::int AS count FROM ${sql.raw(text)} AS t WHERE t::text LIKE ${`%${canary}%`}`;
    const [row] = await rows(z.object({ count: z.number() }), count);
    if (row !== undefined && row.count > 0) found.push(text);
  }
  return found;
}

/** I8: whoever is active goes on: someone works on it, it is due at a time, or a job is queued. And nobody blocks the lane, or asks in vain. */
const nobodyForgotten: Check = async ({ connection }) => {
  const jobs = sql`to_regclass('vigil_queue.job') IS NOT NULL AS there`;
  const [queue] = await connection.rows(z.object({ there: z.boolean() }), sql`SELECT ${jobs}`);
  const job = queue?.there
    ? sql`EXISTS (SELECT 1 FROM vigil_queue.job j WHERE j.state IN ('created', 'retry', 'active') AND j.data->>'issueId' = i.id::text)`
    : sql`false`;
  const forgotten = await connection.rows(
    Text,
    sql`SELECT format('issue %s is %s, and nobody will go on with it', i.id, i.status) AS text FROM agent_issues i
        WHERE i.status NOT IN ('resolved', 'failed', 'rejected', 'dismissed') AND i.version > 0
          AND (i.lease_until IS NULL OR i.lease_until < clock_timestamp()) AND i.next_run_at IS NULL AND NOT ${job}`,
  );
  const blocked = await connection.rows(
    Text,
    sql`SELECT format('issue %s is %s and still holds the lane', i.id, i.status) AS text
        FROM agent_projects p JOIN agent_issues i ON i.id = p.lane_issue_id
        WHERE i.status NOT IN ('staging', 'deploying', 'monitoring', 'rolling_back')`,
  );
  const asked = await connection.rows(
    Text,
    sql`SELECT format('issue %s is %s, but a question about it is open', i.id, i.status) AS text
        FROM agent_approvals a JOIN agent_issues i ON i.id = a.issue_id
        WHERE a.state = 'pending' AND i.status <> 'awaiting_approval'`,
  );
  return [...forgotten, ...blocked, ...asked].map(({ text }) => text);
};

/** I9: what was started has ended, and what was borrowed is given back. */
const nothingLeft: Check = async ({ machine }) => {
  if (machine === undefined) return [];
  const running = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid && runsIn(name, machine.root))
    .map((pid) => `process ${pid} still runs: ${fileOf(`/proc/${pid}/cmdline`).replaceAll("\0", " ").trim()}`);
  const folders = await Promise.all(
    machine.scratch.map(async (folder) => {
      const names = await readdir(folder).catch(() => []);
      return names.map((name) => `${folder}${sep}${name} was left behind`);
    }),
  );
  return [...running, ...folders.flat()];
};

function runsIn(pid: string, root: string): boolean {
  const state = /\) (\S)/.exec(fileOf(`/proc/${pid}/stat`))?.[1];
  if (state === undefined || state === "Z") return false;
  try {
    const folder = readlinkSync(`/proc/${pid}/cwd`);
    if (folder === root || folder.startsWith(root + sep)) return true;
  } catch {
    return false;
  }
  return fileOf(`/proc/${pid}/environ`).includes(`HOME=${root}${sep}`);
}

function fileOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

/** I10: no issue is resolved that its watch did not pass. */
const resolvedMeansPassed: Check = async ({ connection }) => {
  const wrong = await connection.rows(
    Text,
    sql`SELECT format('issue %s is resolved, but its verdict is %s', i.id, coalesce(d.verdict, 'none')) AS text
        FROM agent_issues i LEFT JOIN LATERAL (SELECT verdict FROM agent_deployments
          WHERE fix_id = i.fix_id AND environment = 'production' ORDER BY created_at DESC LIMIT 1) d ON true
        WHERE i.status = 'resolved' AND d.verdict IS DISTINCT FROM 'passed'`,
  );
  return wrong.map(({ text }) => text);
};

const invariants: Record<string, Check> = {
  I1: noWorkLost,
  I2: servesWhatItMay,
  I3: releasesWhatWasTested,
  I4: onceEach,
  I5: versionsRise,
  I6: intendedBefore,
  I7: secretsStay,
  I8: nobodyForgotten,
  I9: nothingLeft,
  I10: resolvedMeansPassed,
};
