import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { databases } from "#tests/support/databases.ts";
import { expectConverged, killAt, killTemplate } from "./kill-matrix.ts";
import { anEmbeddedScene, aPostgresScene, type Scene, type SceneOptions, untilReached } from "./scene.ts";

let template: Awaited<ReturnType<typeof killTemplate>>;
beforeAll(async () => {
  template = await killTemplate();
});
afterAll(() => template.remove());

async function playing(open: () => Promise<Scene>, points: string[]): Promise<void> {
  const scene = await open();
  try {
    expectConverged(scene, await killAt(scene, points));
  } finally {
    await scene.dispose();
  }
}
const embedded = (options: SceneOptions) => () => anEmbeddedScene(template.directory, options);

// A sample: `npm run chaos` kills at every point there is.
describe.concurrent("an agent that is killed with SIGKILL (reliability B3, C7)", () => {
  it("right after each effect of a fix, before it is on record: does each one once, and marks the message it repeats", () =>
    playing(embedded({ change: "cures", approves: true }), [
      "acted notice.send",
      "acted repository.publish",
      "acted platform.deploy staging",
      "acted repository.advance main",
      "acted platform.deploy production",
    ]));

  it("around each effect of a fix that makes things worse: rolls back once, in Git and at the platform", () =>
    playing(embedded({ change: "breaks" }), [
      "intended repository.publish",
      "recorded repository.advance staging",
      "settled rolling_back",
      "acted platform.restore production",
      "acted repository.advance main",
    ]));
});

const postgres = databases().find(({ kind }) => kind === "postgres");
describe.runIf(postgres !== undefined).concurrent("an agent on Postgres that is killed", () => {
  it("is succeeded as soon as its lease is over, with nothing lost and nothing done twice", () =>
    playing(
      () => aPostgresScene({ change: "dies" }),
      ["acted repository.advance main", "intended platform.restore production"],
    ));

  it("is stopped for longer than its lease, and wakes up without doing what is no longer its work (reliability B2)", async () => {
    const scene = await aPostgresScene({ change: "breaks" });
    try {
      const asleep = scene.run({ point: "intended platform.deploy production", nth: 1, sleeps: true });
      await untilReached(scene, "intended platform.deploy production");
      expect(await scene.run()).toBe("finished");
      await scene.wake();
      expect(await asleep).toBe("finished");
      expectConverged(scene, await scene.end());
    } finally {
      await scene.dispose();
    }
  });

  it("leaves the work to another one that runs beside it, and neither does what the other did", async () => {
    const scene = await aPostgresScene({ change: "cures" });
    try {
      const both = [scene.run({ point: "acted repository.advance main", nth: 1 }), scene.run()];
      const ended = await Promise.all(both);
      expect(ended[1]).toBe("finished");
      expectConverged(scene, await scene.end());
    } finally {
      await scene.dispose();
    }
  });
});
