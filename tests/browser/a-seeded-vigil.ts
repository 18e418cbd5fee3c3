import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, vi } from "vitest";
import { createClinicRemote } from "#demo/clinic-remote.ts";
import { hasBubblewrap, type Product, startProduct } from "#demo/product.ts";
import { type Connection, connectPostgres } from "#store/connect.ts";
import { migrate } from "#store/migrate.ts";
import { findPostgres, startPostgres } from "#tests/support/postgres.ts";
import { seedPast } from "#tests/support/seed-past.ts";
import { seedStory } from "#tests/support/seed-story.ts";
import { passwords } from "./a-vigil.ts";

/** The built product on a Postgres of its own that holds a known past: nothing has to happen before there is something to see. */
export interface SeededVigil extends Product {
  connection: Connection;
  dispose(): Promise<void>;
}

const migrations = join(import.meta.dirname, "..", "..", "supabase", "migrations");

export async function startSeededVigil(): Promise<SeededVigil> {
  const directory = await mkdtemp(join(await realpath(tmpdir()), "vigil-seeded-"));
  const installed = await findPostgres();
  if (installed === undefined) throw new Error("Postgres is missing: apt-get install postgresql-15");
  const server = await startPostgres(installed);
  const connection = await connectPostgres({ url: server.url("postgres") });
  await migrate(connection, { directory: migrations });
  await seedPast(connection, { issues: 120, actions: 600, asked: 2, atWork: 3 });
  await seedStory(connection);
  const { path: repository } = await createClinicRemote(join(directory, "clinic.git"));
  const product = await startProduct({
    directory,
    repository,
    sandbox: hasBubblewrap() ? "bubblewrap" : "none",
    variables: {
      DATABASE_URL: server.url("postgres"),
      AGENT_OPERATOR_PASSWORD: passwords.operator,
      AGENT_VIEWER_PASSWORD: passwords.viewer,
    },
  });
  const dispose = async () => {
    await connection.close();
    await product.stop();
    await server.remove();
    await rm(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  };
  try {
    await vi.waitFor(
      async () => {
        const answer = product.ended() === undefined ? await fetch(`${product.url}/api/health`) : undefined;
        expect(answer?.status ?? 200).toBe(200);
      },
      { timeout: 240_000, interval: 250 },
    );
    if (product.ended() !== undefined) throw new Error(`${product.ended()}: ${product.logTail()}`);
  } catch (error) {
    await dispose();
    throw error;
  }
  return { ...product, connection, dispose };
}
