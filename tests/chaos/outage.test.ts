import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { expectConverged } from "#tests/crash/kill-matrix.ts";
import { anOwnServer } from "#tests/crash/own-server.ts";
import { aPostgresScene } from "#tests/crash/scene.ts";
import { databases } from "#tests/support/databases.ts";

const hasPostgres = databases().some(({ kind }) => kind === "postgres");

describe.runIf(hasPostgres)("a Postgres that crashes every few seconds", () => {
  it.each(["cures", "breaks", "dies"] as const)(
    "ends %s as if nothing had been, with one absence of ten seconds (reliability B10)",
    async (change) => {
      const server = await anOwnServer();
      const scene = await aPostgresScene({ change }, server.database);
      try {
        let over = false;
        const working = scene.run().finally(() => {
          over = true;
        });
        for (const awayMs of [500, 10_000, 500, 500, 500]) {
          await sleep(3_000);
          if (over) break;
          await server.stop();
          await sleep(awayMs);
          await server.start();
        }
        expect(await working).toBe("finished");
        expectConverged(scene, await scene.end());
      } finally {
        await scene.dispose();
        await server.remove();
      }
    },
  );
});
