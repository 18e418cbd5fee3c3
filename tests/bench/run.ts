import { createHash } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sql } from "drizzle-orm";
import { createSandboxTestBench } from "#adapters/test-bench/sandbox.ts";
import { move } from "#domain/outcome.ts";
import { detect } from "#engine/detect.ts";
import { drain } from "#engine/drain.ts";
import { ingest } from "#engine/ingest.ts";
import { fingerprintOf } from "#policy/fingerprint.ts";
import { type Connection, connectEmbedded, connectPostgres } from "#store/connect.ts";
import { migrate } from "#store/migrate.ts";
import { action, appendActions } from "#store/write/actions.ts";
import { anEngine } from "#tests/engine/an-engine.ts";
import { anEvent, aSha } from "#tests/support/builders.ts";
import { findPostgres, startPostgres } from "#tests/support/postgres.ts";

/**
 * What Vigil costs, each figure as a ratio against a peer that is measured in the same run: machines differ, ratios
 * hardly do. `--json` prints one object. Never part of `npm test`.
 */
interface Figure {
  name: string;
  value: number;
  unit: string;
  peer: string;
  peerValue: number;
  /** value / peerValue. */
  ratio: number;
}

const issuesCount = 200;
const rowsCount = 1_000;
const eventsCount = 2_000;
const fingerprintsCount = 5_000;
const sandboxRuns = 10;

const json = process.argv.includes("--json");
const figures: Figure[] = [];
const folder = await mkdtemp(join(tmpdir(), "vigil-bench-"));
const server = await findPostgres().then((found) => (found === undefined ? undefined : startPostgres(found)));
try {
  await onDatabase("PGlite", await connectEmbedded({ directory: join(folder, "db") }));
  if (server !== undefined) {
    const connection = await connectPostgres({
      url: server.url("postgres"),
      poolMax: 8,
      applicationName: "vigil-bench",
    });
    await onDatabase("Postgres", connection);
  }
  fingerprints();
  await sandbox();
} finally {
  await server?.remove();
  await rm(folder, { recursive: true, force: true });
}
if (json) console.log(JSON.stringify({ figures }));
else
  console.table(
    figures.map(({ value, peerValue, ratio, ...rest }) => ({
      ...rest,
      value: round(value),
      peerValue: round(peerValue),
      ratio: round(ratio),
    })),
  );

async function onDatabase(name: string, connection: Connection): Promise<void> {
  await migrate(connection, { directory: join(import.meta.dirname, "..", "..", "supabase", "migrations") });
  const engine = await anEngine(connection, {
    pipeline: { run: async (issue) => move(issue.status === "detected" ? "diagnosing" : "failed", "bench") },
  });
  try {
    const insert = await perSecond(rowsCount, async () => {
      await connection.db.execute(
        sql`INSERT INTO agent_reservations (project_id, kind, key) VALUES ('default', 'bench', gen_random_uuid()::text)`,
      );
    });
    const append = await perSecond(rowsCount, () =>
      connection.db.transaction((tx) => appendActions(tx, [action({ actor: "bench", action: "bench" })])),
    );
    add(`${name}: audit rows appended`, append, "per second", "plain inserts", insert);
    await connection.db.execute(
      sql`INSERT INTO agent_issues (severity, issue_type, title, message) SELECT 'P3', 'bench', 'bench', 'bench' FROM generate_series(1, ${issuesCount})`,
    );
    await detect(engine);
    const startMs = performance.now();
    // Two steps and one message for each issue.
    const processed = await drain(engine, ["detected", "diagnosing"], () => true);
    add(
      `${name}: steps claimed, run and settled`,
      (processed / (performance.now() - startMs)) * 1_000,
      "per second",
      "plain inserts",
      insert,
    );
    const batch = Array.from({ length: 50 }, (_, n) => n);
    let id = 0;
    const batches = await perSecond(eventsCount / batch.length, () =>
      ingest(engine, {
        events: batch.map((n) => anEvent({ id: `e${id++}`, message: `Cannot read ${n % 10}`, at: new Date() })),
        traffic: [],
      }).then(() => undefined),
    );
    add(
      `${name}: events stored and grouped (batches of 50)`,
      batches * batch.length,
      "per second",
      "plain inserts",
      insert,
    );
  } finally {
    await engine.queue.stop();
    await connection.close();
  }
}

function fingerprints(): void {
  const digest = (text: string) => createHash("sha256").update(text).digest("hex");
  const event = anEvent();
  const perMs = (work: () => void) => {
    const startMs = performance.now();
    for (let n = 0; n < fingerprintsCount; n++) work();
    return fingerprintsCount / (performance.now() - startMs);
  };
  const parse = perMs(() => JSON.parse(JSON.stringify(event)));
  add(
    "fingerprints",
    perMs(() => fingerprintOf(event, digest)),
    "per ms",
    "JSON round trips of the event",
    parse,
  );
}

async function sandbox(): Promise<void> {
  const bench = (isolation: "bubblewrap" | "none") =>
    createSandboxTestBench({
      source: { export: async () => {} },
      scratch: join(folder, isolation),
      testCommand: "true",
      typesCommand: null,
      isolation,
      nodePath: process.execPath,
    });
  const time = async (isolation: "bubblewrap" | "none") => {
    const one = bench(isolation);
    await one.run(aSha("a"), "tests");
    return 1_000 / (await perSecond(sandboxRuns, () => one.run(aSha("a"), "tests").then(() => undefined)));
  };
  add("sandboxed run of `true`", await time("bubblewrap"), "ms", "the same without a sandbox", await time("none"));
}

async function perSecond(count: number, work: () => Promise<void>): Promise<number> {
  const startMs = performance.now();
  for (let n = 0; n < count; n++) await work();
  return (count / (performance.now() - startMs)) * 1_000;
}

function add(name: string, value: number, unit: string, peer: string, peerValue: number): void {
  figures.push({ name, value, unit, peer, peerValue, ratio: value / peerValue });
}

function round(value: number): number {
  return Number(value.toPrecision(3));
}
