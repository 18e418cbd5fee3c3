import { describe, expect, it } from "vitest";
import { expectConverged } from "#tests/crash/kill-matrix.ts";
import { aPostgresScene, untilReached } from "#tests/crash/scene.ts";
import { databases } from "#tests/support/databases.ts";

const hasPostgres = databases().some(({ kind }) => kind === "postgres");
const points = [
  "claimed fixing",
  "intended repository.publish",
  "acted repository.advance staging",
  "intended platform.deploy staging",
  "intended repository.advance main",
  "acted repository.advance main",
  "intended platform.deploy production",
  "recorded platform.deploy production",
  "claimed monitoring",
  "intended platform.restore production",
  "acted platform.restore production",
];

describe.runIf(hasPostgres)(
  "a process that is stopped past its lease while another one takes over (reliability B2)",
  () => {
    it.each(points)("wakes up at: %s", async (point) => {
      const scene = await aPostgresScene({ change: "breaks" });
      try {
        const asleep = scene.run({ point, nth: 1, sleeps: true });
        await untilReached(scene, point);
        expect(await scene.run()).toBe("finished");
        await scene.wake();
        expect(await asleep).toBe("finished");
        expectConverged(scene, await scene.end());
      } finally {
        await scene.dispose();
      }
    });
  },
);
