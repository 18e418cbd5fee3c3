import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { databases } from "#tests/support/databases.ts";
import { expectConverged, killTemplate } from "./kill-matrix.ts";
import { anOwnServer } from "./own-server.ts";
import { anEmbeddedScene, aPostgresScene, openDatabaseOf, untilReached } from "./scene.ts";

const hasPostgres = databases().some(({ kind }) => kind === "postgres");
describe.runIf(hasPostgres)("an agent whose Postgres goes away", () => {
  it("does nothing without it, and ends everything when it is back: twice, for seconds (reliability B4, B10)", async () => {
    const server = await anOwnServer();
    const scene = await aPostgresScene({ change: "breaks" }, server.database);
    try {
      const working = scene.run();
      for (const point of ["acted repository.publish", "claimed deploying"]) {
        await untilReached(scene, point);
        await server.stop();
        await sleep(3_000);
        await server.start();
      }
      expect(await working).toBe("finished");
      expectConverged(scene, await scene.end());
    } finally {
      await scene.dispose();
      await server.remove();
    }
  });
});

describe("an embedded database", () => {
  it("is refused to a second server, which says who has it, and goes on serving the first one", async () => {
    const template = await killTemplate();
    const scene = await anEmbeddedScene(template.directory);
    const connection = await openDatabaseOf(scene);
    try {
      const second = await scene.run().catch((error: Error) => error.message);
      expect(second).toContain(`Another Vigil process (pid ${process.pid}) uses the database`);
      expect(second).toContain(join(scene.order.home, "..", "db"));
      await connection.db.execute("SELECT 1");
    } finally {
      await connection.close();
      await scene.dispose();
      await template.remove();
    }
  });
});
