import { randomBytes } from "node:crypto";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { sql } from "drizzle-orm";
import { z } from "zod";
import { type Connection, connectEmbedded, connectPostgres } from "#store/connect.ts";
import { deliveryKey } from "#store/write/seen-events.ts";
import { findPostgres, type PostgresServer, startPostgres } from "#tests/support/postgres.ts";
import { envelopePath, type IngestProcess, sentryEnvelopes, startIngest } from "./ingest-process.ts";
import { type LoadOptions, load, percentile } from "./load.ts";

/**
 * What the way in bears: real envelopes of the Sentry SDK over HTTP, durable before they are answered. Loader, server and
 * database share the machine. The server is the real handler on Node's HTTP server; Next.js is not in between.
 */
export interface IngestFigure {
  name: string;
  value: number | string;
  unit: string;
  /** Of the issue. */
  target: string;
  /** Of detection.md §4. */
  anchor: string;
}

export interface IngestScale {
  /** Events of one throughput figure. */
  events: number;
  memoryEvents: number;
  kills: number;
  outageMs: number;
  firstEvents: number;
}
export const fullScale: IngestScale = {
  events: 40_000,
  memoryEvents: 1_000_000,
  kills: 20,
  outageMs: 60_000,
  firstEvents: 50,
};

/** A database for one figure: how the server reaches it, and how it is looked at when the server has stopped. */
interface Place {
  name: string;
  database: string;
  folder: string;
  look(): Promise<Connection>;
  server: PostgresServer | null;
}

const connections = 96;
const warmUp = 3_000;

export async function ingestFigures(scale: IngestScale = fullScale): Promise<IngestFigure[]> {
  const figures: IngestFigure[] = [];
  const folder = await mkdtemp(join(tmpdir(), "vigil-bench-ingest-"));
  const found = await findPostgres();
  const server = found === undefined ? null : await startPostgres(found);
  try {
    if (server !== null) await figuresOn(await postgresPlace(server, folder), figures, scale);
    await figuresOn(embeddedPlace(folder), figures, scale);
    if (server !== null) await survives(await postgresPlace(server, folder), figures, scale);
  } finally {
    await server?.remove();
    await rm(folder, { recursive: true, force: true });
  }
  return figures;
}

async function postgresPlace(server: PostgresServer, root: string): Promise<Place> {
  const name = `b_${randomBytes(6).toString("hex")}`;
  const administrator = await connectPostgres({ url: server.url("postgres") });
  await administrator.boss.executeSql(`CREATE DATABASE ${name}`);
  // The server of the tests trades safety for speed; here a commit waits for the disk's queue as in production.
  await administrator.boss.executeSql(`ALTER DATABASE ${name} SET synchronous_commit = on`);
  await administrator.close();
  const database = server.url(name);
  return {
    ...{ name: `Postgres ${server.major}`, database, server },
    folder: join(root, name),
    look: () => connectPostgres({ url: database }),
  };
}

function embeddedPlace(root: string): Place {
  const database = join(root, "embedded", "db");
  const folder = join(root, "embedded");
  return { name: "PGlite", database, folder, look: () => connectEmbedded({ directory: database }), server: null };
}

async function figuresOn(place: Place, figures: IngestFigure[], scale: IngestScale): Promise<void> {
  const server = await startIngest(place.database, place.folder);
  try {
    const isPostgres = place.server !== null;
    const fast = isPostgres ? "≥ 3,000" : "≥ 1,000";
    const measure = (options: { kinds: number; bytes?: number }, more: Partial<LoadOptions>) => {
      const { envelope } = sentryEnvelopes(options);
      return load({ port: server.port, path: envelopePath, connections, envelope, ...more });
    };
    let fastest = 0;
    for (const kinds of [50, 1_000, 1]) {
      // A new kind of error costs an issue; here it is about known ones.
      await measure({ kinds }, { events: Math.max(warmUp, kinds * 5) });
      await untilSeen(server);
      const { acknowledged, seconds } = await measure({ kinds }, { events: scale.events });
      fastest = Math.max(fastest, kinds === 50 ? acknowledged / seconds : 0);
      const target = kinds === 1_000 && isPostgres ? "≥ 2,500" : fast;
      const of = kinds === 1 ? "a storm of one error" : `${kinds} kinds of errors`;
      const anchor = isPostgres ? "prototype 2,700–3,900; Bugsink 30 at 50 kB" : "21k bare inserts/s in batches of 500";
      add(`durable before the answer, ${of}`, acknowledged / seconds, "events/s", target, anchor);
    }
    const half = await measure({ kinds: 50 }, { durationMs: 10_000, perSecond: fastest / 2 });
    add("p99 at half load", percentile(half.latencies, 0.99), "ms", "≤ 50", "prototype 25–36");
    const large = await measure({ kinds: 50, bytes: 50_000 }, { events: scale.events / 10 });
    add("events of 50 kB", large.acknowledged / large.seconds, "events/s", "≥ 300", "Bugsink 30");
    await storm(server, add);
    await memoryOver(server, scale.memoryEvents / (isPostgres ? 1 : 4), fastest, add);
    if (isPostgres) await firstToIssue(place, server, scale.firstEvents, add);
  } finally {
    await server.stop();
  }
  function add(name: string, value: number | string, unit: string, target: string, anchor: string): void {
    figures.push({ name: `${place.name}: ${name}`, value, unit, target, anchor });
  }
}

const seenWithinMs = 120_000;

async function untilSeen(server: IngestProcess): Promise<void> {
  const startMs = performance.now();
  while ((await server.unseen()) > 0 && performance.now() - startMs < seenWithinMs) await sleep(200);
}

type Add = (name: string, value: number | string, unit: string, target: string, anchor: string) => void;

/** 100,000 of one error in a minute, and another problem every second beside it. */
async function storm(server: IngestProcess, add: Add): Promise<void> {
  const common = { port: server.port, path: envelopePath, durationMs: 20_000 };
  const [big, other] = await Promise.all([
    load({ ...common, connections: 64, perSecond: 1_667, envelope: sentryEnvelopes({ kinds: 1 }).envelope }),
    load({ ...common, connections: 2, perSecond: 10, envelope: sentryEnvelopes({ kinds: 7 }).envelope }),
  ]);
  const refused = big.sent - big.acknowledged + other.sent - other.acknowledged;
  add("refused in a storm of 100,000 a minute", refused, "events", "0", "prototype 0");
  add("other errors meanwhile, p99", percentile(other.latencies, 0.99), "ms", "not delayed", "–");
}

/** Resident memory after a tenth of the events and at the end: what grows with every event would show between them. */
async function memoryOver(server: IngestProcess, events: number, perSecond: number, add: Add): Promise<void> {
  const { envelope } = sentryEnvelopes({ kinds: 200 });
  const common = { port: server.port, path: envelopePath, connections, envelope };
  await load({ ...common, events: events / 10 });
  const before = await server.memory();
  await load({ ...common, events: (events * 9) / 10, envelope: (n) => envelope(n + events) });
  const grown = ((await server.memory()) - before) / (1024 * 1024);
  const seconds = Math.round(events / Math.max(1, perSecond));
  add(
    `memory grown over ${events.toLocaleString("en")} events (about ${seconds} s)`,
    grown,
    "MiB",
    "flat",
    "prototype not measured",
  );
}

/** From sending the first event of a new error to the row of its issue, whose job is in the same transaction. */
async function firstToIssue(place: Place, server: IngestProcess, count: number, add: Add): Promise<void> {
  const connection = await place.look();
  const Row = z.object({ count: z.coerce.number() });
  const issues = async () =>
    (await connection.rows(Row, sql`SELECT count(*) AS count FROM agent_issues`))[0]?.count ?? 0;
  await untilSeen(server);
  const { envelope } = sentryEnvelopes({ kinds: count + 2_000 });
  const times: number[] = [];
  for (let n = 0; n < count; n++) {
    const before = await issues();
    const startMs = performance.now();
    // The SDK's own error is handled and needs three events; one that nobody caught opens its issue at once.
    const unhandled = envelope(2_000 + n)
      .toString()
      .replaceAll('"handled":true', '"handled":false');
    await load({
      port: server.port,
      path: envelopePath,
      connections: 1,
      events: 1,
      envelope: () => Buffer.from(unhandled),
    });
    while ((await issues()) === before) await sleep(5);
    times.push(performance.now() - startMs);
  }
  await connection.close();
  add(
    "first event → issue and job, p95",
    percentile(Float64Array.from(times).sort(), 0.95),
    "ms",
    "≤ 1,000",
    "seed: 5 min",
  );
}

/** The server killed again and again, and its database gone for a while: what was acknowledged is looked for by its id. */
async function survives(place: Place, figures: IngestFigure[], scale: IngestScale): Promise<void> {
  const { envelope, idOf } = sentryEnvelopes({ kinds: 50 });
  const acknowledged = new Set<number>();
  let server = await startIngest(place.database, place.folder);
  let from = 0;
  const sendDuring = async (during: () => Promise<void>) => {
    let over = false;
    const first = from;
    const sending = load({
      ...{ port: server.port, path: envelopePath, connections: 32, perSecond: 800, mayGoOn: () => !over },
      envelope: (n) => envelope(first + n),
      onAnswer: (n, status) => status === 200 && acknowledged.add(first + n),
    });
    await during();
    over = true;
    const result = await sending;
    from = first + result.sent;
    return result;
  };
  for (let kill = 0; kill < scale.kills; kill++) {
    await sendDuring(async () => {
      await sleep(500 + Math.random() * 1_000);
      await server.kill();
    });
    server = await startIngest(place.database, place.folder);
  }
  const killed = acknowledged.size;
  const outage = await sendDuring(async () => {
    await place.server?.stop();
    await sleep(scale.outageMs);
    await place.server?.start();
  });
  const replayMs = await untilReplayed(place);
  await server.stop();
  const connection = await place.look();
  const keys = await connection.rows(z.object({ key: z.string() }), sql`SELECT key::text FROM agent_seen_events`);
  const [counted] = await connection.rows(
    z.object({ events: z.coerce.number() }),
    sql`SELECT coalesce(sum(events), 0) AS events FROM agent_event_minutes`,
  );
  await connection.close();
  const seen = new Set(keys.map(({ key }) => key));
  const lost = [...acknowledged].filter((n) => !seen.has(deliveryKey("default", "event", idOf(n)))).length;
  const over = `${scale.kills} kills (${killed} events) and ${scale.outageMs / 1_000} s without database`;
  figures.push(
    {
      name: `${place.name}: acknowledged and lost over ${over}`,
      value: lost,
      unit: "events",
      target: "0",
      anchor: "Sentry's SDK never retries",
    },
    {
      name: `${place.name}: counted beyond what was delivered`,
      value: (counted?.events ?? 0) - seen.size,
      unit: "events",
      target: "0",
      anchor: "–",
    },
    {
      name: `${place.name}: taken while the database was away`,
      value: Math.round((100 * outage.acknowledged) / outage.sent),
      unit: "%",
      target: "100",
      anchor: "–",
    },
    { name: `${place.name}: stored after it was back`, value: replayMs, unit: "ms", target: "–", anchor: "–" },
  );
}

async function untilReplayed({ folder }: Place): Promise<number> {
  const startMs = performance.now();
  while ((await readdir(join(folder, "spool"))).some((name) => name.endsWith(".spool"))) await sleep(50);
  return performance.now() - startMs;
}
