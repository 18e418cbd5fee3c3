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
import { thrownIn } from "#ingest/frames.ts";
import { fingerprintOf } from "#policy/fingerprint.ts";
import { messagePattern } from "#policy/message-pattern.ts";
import { type Connection, connectEmbedded, connectPostgres } from "#store/connect.ts";
import { migrate } from "#store/migrate.ts";
import { action, appendActions } from "#store/write/actions.ts";
import { anEngine } from "#tests/engine/an-engine.ts";
import { anEvent, aSha } from "#tests/support/builders.ts";
import { findPostgres, startPostgres } from "#tests/support/postgres.ts";
import { dashboardFigures } from "./dashboard.ts";
import { groupingQuality } from "./grouping.ts";
import { ingestFigures } from "./ingest.ts";
import { spikeFigures } from "./spikes.ts";

/**
 * What Vigil costs, each figure as a ratio against a peer that is measured in the same run: machines differ, ratios
 * hardly do. `--json` prints one object, `--only ingest` (or `dashboard`, `ratios`) one part. Never part of `npm test`.
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
const only = process.argv.includes("--only") ? process.argv[process.argv.indexOf("--only") + 1] : undefined;
const figures: Figure[] = [];
const folder = await mkdtemp(join(tmpdir(), "vigil-bench-"));
const server = await findPostgres().then((found) => (found === undefined ? undefined : startPostgres(found)));
try {
  if (only === undefined || only === "ratios") await ratios();
} finally {
  await server?.remove();
  await rm(folder, { recursive: true, force: true });
}
const way = only === undefined || only === "ingest" ? await ingestFigures() : [];
const dashboard = only === undefined || only === "dashboard" ? await dashboardFigures() : [];
if (json) console.log(JSON.stringify({ figures, ingest: way, dashboard }));
else {
  if (figures.length > 0) console.table(figures.map(rounded));
  for (const { name, value, unit, target, anchor } of [...way, ...dashboard]) {
    console.log(`${name}: ${typeof value === "number" ? round(value) : value} ${unit} (target ${target}; ${anchor})`);
  }
}

async function ratios(): Promise<void> {
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
  hostileTexts();
  await grouping();
  await sandbox();
  spikes();
}

function rounded({ value, peerValue, ratio, ...rest }: Figure) {
  return { ...rest, value: round(value), peerValue: round(peerValue), ratio: round(ratio) };
}

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

/** How well the corpus is grouped, beside what others group by; 0 new groups where only lines and hashes moved. */
async function grouping(): Promise<void> {
  const reports = await groupingQuality();
  for (const { part, maps, quality, newGroups } of reports.filter(({ algorithm }) => algorithm === "Vigil")) {
    const name = `grouping, ${part} part ${maps ? "with" : "without"} source maps`;
    const others = reports.filter((other) => other.part === part && other.maps === maps && other.algorithm !== "Vigil");
    for (const other of others) {
      add(`${name}: pair precision`, quality.precision, "", other.algorithm, other.quality.precision);
      add(`${name}: pair recall`, quality.recall, "", other.algorithm, other.quality.recall);
    }
    add(`${name}: new groups by moved lines`, newGroups, `of ${quality.groups}`, "bugs", quality.bugs);
  }
}

/** The slowest of many hostile texts against what is allowed (detection.md §4): 10 ms for 8 kB, 50 ms for a stack of 1 MB. */
function hostileTexts(): void {
  const seeds = [
    ..."a1@'\"(:./-_=[{ \n",
    "a@",
    "0x",
    "ab_",
    "https://",
    "9-",
    '{"',
    "1x1",
    "a1-",
    "    at f (/a.js:1:1)\n",
    "at x (eval at ",
  ];
  const slowest = (length: number, read: (text: string) => unknown) =>
    Math.max(
      ...seeds.map((seed) => {
        const text = seed.repeat(Math.ceil(length / seed.length)).slice(0, length);
        const times = [1, 2, 3].map(() => {
          const startMs = performance.now();
          read(text);
          return performance.now() - startMs;
        });
        return Math.min(...times);
      }),
    );
  add("hostile message of 8 kB: pattern", slowest(8_192, messagePattern), "ms", "limit", 10);
  const head = { type: null, message: "" };
  add(
    "hostile stack of 1 MB: frames",
    slowest(1_000_000, (text) => thrownIn(text, head)),
    "ms",
    "limit",
    50,
  );
}

function spikes(): void {
  const { falseAlarmsPer1000Days, stepsSeenShare, halfHourStepsSeenShare, hourStepsSeenShare } = spikeFigures();
  // The peers are the limits that the rule promises (detection.md §4).
  add("spike rule: false alarms", falseAlarmsPer1000Days, "per 1,000 fingerprint-days", "allowed", 1);
  add("spike rule: rises to ten times seen in 15 minutes", stepsSeenShare * 100, "%", "promised", 99);
  add("… in half an hour, great bursts included", halfHourStepsSeenShare * 100, "%", "promised", 99);
  add("… in an hour, great bursts included", hourStepsSeenShare * 100, "%", "promised", 100);
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
