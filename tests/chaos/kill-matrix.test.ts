import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { expectConverged, killAt, killTemplate } from "#tests/crash/kill-matrix.ts";
import type { Ledger } from "#tests/crash/ledger.ts";
import { anEmbeddedScene, pointsReached, type Scene, type SceneOptions } from "#tests/crash/scene.ts";

let template: Awaited<ReturnType<typeof killTemplate>>;
beforeAll(async () => {
  template = await killTemplate();
});
afterAll(() => template.remove());

async function playing(options: SceneOptions, play: (scene: Scene) => Promise<Ledger>): Promise<void> {
  const scene = await anEmbeddedScene(template.directory, options);
  try {
    expectConverged(scene, await play(scene));
  } finally {
    await scene.dispose();
  }
}

const effects = [
  "notice.send",
  "repository.publish",
  "repository.advance staging",
  "platform.deploy staging",
  "repository.advance main",
  "platform.deploy production",
];
const around = (effect: string) => ["intended", "acted", "recorded"].map((point) => `${point} ${effect}`);
const paths: { name: string; options: SceneOptions; points: string[] }[] = [
  {
    name: "a fix that cures",
    options: { change: "cures" },
    points: [
      ...effects.flatMap(around),
      ...["diagnosing", "fixing", "testing", "staging", "deploying", "monitoring", "resolved"].map(
        (to) => `settled ${to}`,
      ),
      ...["detected", "diagnosing", "fixing", "testing", "staging", "deploying", "monitoring"].map(
        (at) => `claimed ${at}`,
      ),
      ...["testing", "deploying", "monitoring"].map((at) => `waiting ${at}`),
    ],
  },
  {
    name: "a fix that a person approves",
    options: { change: "cures", approves: true },
    points: ["settled awaiting_approval", "claimed awaiting_approval", "claimed deploying", "acted notice.send"],
  },
  {
    name: "a fix that makes things worse",
    options: { change: "breaks" },
    points: [
      ...around("platform.restore production"),
      "settled rolling_back",
      "claimed rolling_back",
      "settled failed",
    ],
  },
  {
    name: "a fix that does not start",
    options: { change: "dies" },
    points: [...around("platform.restore production"), "acted platform.deploy production", "settled rolling_back"],
  },
];

describe.each(paths)("every point on the way of $name (reliability B3)", ({ options, points }) => {
  it.concurrent.each(points)("killed at: %s", (point) => playing(options, (scene) => killAt(scene, [point])));
});

describe("the second time that a point is reached", () => {
  // The first push to main is the promotion, the second one takes it back; the second message is the last one.
  const seconds = [
    ...around("repository.advance main"),
    ...around("notice.send"),
    ...around("platform.deploy staging").slice(0, 2),
  ];
  it.concurrent.each(seconds)("killed at: %s", (point) =>
    playing({ change: "breaks" }, async (scene) => {
      const death = await scene.run({ point, nth: 2 });
      // A release that is ready at once is looked at only once.
      if (death === "killed") expect(await scene.run()).toBe("finished");
      return scene.end();
    }),
  );
});

describe("a process that dies again and again at some time", () => {
  const seeds = Array.from({ length: 20 }, (_, seed) => seed + 1);
  const changes = ["cures", "breaks", "dies"] as const;
  it.concurrent.each(seeds)("seed %i", async (seed) => {
    const random = seeded(seed);
    const change = changes[seed % changes.length] ?? "cures";
    const scene = await anEmbeddedScene(template.directory, { change });
    try {
      for (let deaths = 0; deaths < 5; deaths++) {
        if ((await scene.run({ afterMs: Math.floor(random() * 5_000) })) === "finished") break;
      }
      expect(await scene.run()).toBe("finished");
      const ledger = await scene.end();
      const { points, last } = { points: await pointsReached(scene.order.home), last: ledger.reason };
      // A watch over staging that nobody kept is inconclusive: that is an end as well (reliability A17).
      const unwatched = ledger.status === "failed" && last.startsWith("Staging is inconclusive");
      if (!unwatched) expectConverged(scene, ledger);
      expect(ledger.violations, JSON.stringify(points)).toEqual([]);
    } finally {
      await scene.dispose();
    }
  });
});

/** A small repeatable source of chance (xorshift). */
function seeded(seed: number): () => number {
  let state = (seed * 2_654_435_761) >>> 0;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state = (state ^ (state << 5)) >>> 0;
    return state / 4_294_967_296;
  };
}
