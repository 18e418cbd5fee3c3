import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { vi } from "vitest";
import { createClinicRemote } from "#demo/clinic-remote.ts";
import { hasBubblewrap, type Product, startProduct } from "#demo/product.ts";
import { type Connection, connectPostgres } from "#store/connect.ts";
import { migrate } from "#store/migrate.ts";
import { startGithub } from "#tests/support/github/server.ts";
import { findPostgres, startPostgres } from "#tests/support/postgres.ts";
import { seedPast } from "#tests/support/seed-past.ts";
import { seedStory } from "#tests/support/seed-story.ts";
import { passwords } from "./a-vigil.ts";

/** The built product on a Postgres of its own that holds a known past: nothing has to happen before there is something to see. */
export interface SeededVigil extends Product {
  connection: Connection;
  /** Where people would look at the watched repository: a GitHub Enterprise Server's. */
  repositoryUrl: string;
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
  const github = await startGithub({ remote: (await createClinicRemote(join(directory, "clinic.git"))).path });
  const product = await startProduct({
    directory,
    repository: `github:${github.owner}/${github.name}`,
    sandbox: hasBubblewrap() ? "bubblewrap" : "none",
    variables: {
      DATABASE_URL: server.url("postgres"),
      AGENT_OPERATOR_PASSWORD: passwords.operator,
      AGENT_VIEWER_PASSWORD: passwords.viewer,
      GITHUB_API_URL: `${github.url}/api/v3`,
      GITHUB_TOKEN: github.token,
    },
  });
  const dispose = async () => {
    await connection.close();
    await product.stop();
    await github.stop();
    await server.remove();
    await rm(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  };
  // It says so itself: while it builds, another program may come to its port and answer.
  const runs = () => product.ended() !== undefined || product.logTail().includes(`Vigil runs at ${product.url}`);
  await vi.waitUntil(runs, { timeout: 300_000, interval: 250 });
  if (product.ended() === undefined) {
    return { ...product, connection, repositoryUrl: `${github.url}/${github.owner}/${github.name}`, dispose };
  }
  await dispose();
  throw new Error(`${product.ended()}: ${product.logTail()}`);
}
