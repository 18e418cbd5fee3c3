import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { settled } from "#tests/ports/platform.contract.ts";
import {
  aLocalPlatform,
  aLocalSetup,
  applications,
  commits,
  fronts,
  type LocalSetup,
  processesOf,
  tearDown,
} from "./local-platform.ts";
import type { Order } from "./owner.ts";

const environment = "production";
const deploy = (commit: Order["steps"][number]["commit"]) =>
  ({ kind: "deploy" as const, environment, commit }) as const;
const restore = (commit: Order["steps"][number]["commit"]) =>
  ({ kind: "restore" as const, environment, commit }) as const;

type Crash = Order["crash"];
const around = (point: Crash["point"], last: number): Crash[] =>
  Array.from({ length: last }, (_, index) => index + 1).flatMap((nth) => [
    { point, nth, when: "before" as const },
    { point, nth, when: "after" as const },
  ]);

/** Runs an agent until it is killed, or until it is through when it never comes to the point of its death. */
async function runOwner(order: Order): Promise<"killed" | "finished"> {
  const owner = spawn(process.execPath, [join(import.meta.dirname, "owner.ts"), JSON.stringify(order)], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  const [code, signal] = await once(owner, "exit");
  if (signal === "SIGKILL") return "killed";
  if (code === 0) return "finished";
  throw new Error(`the owner ended with ${code}`);
}

/** `served` answers, it and the `kept` releases run once each, and there is one front. */
async function expectOneOfEach(setup: LocalSetup, served: string, kept: string[]): Promise<void> {
  const response = await fetch(`http://127.0.0.1:${setup.ports.production}/release`);
  expect(await response.text()).toBe(served);
  const expected = [served, ...kept].map((commit) => `${environment} ${commit}`).sort();
  // An agent that was killed before it recorded a process leaves a shell that notices and ends.
  await vi.waitFor(() => expect(applications(setup)).toEqual(expected), { timeout: 20_000 });
  expect(fronts(setup)).toHaveLength(1);
}

async function withSetup(work: (setup: LocalSetup) => Promise<void>): Promise<void> {
  const setup = await aLocalSetup();
  try {
    await work(setup);
  } finally {
    await tearDown(setup);
  }
  expect(processesOf(setup.directory)).toEqual([]);
}

describe("an agent that is killed (reliability B3)", () => {
  it.concurrent.each([...around("spawn", 2), ...around("rename", 8)])(
    "during a first deployment, $when $point $nth: its successor ends up with one process",
    ({ point, nth, when }) =>
      withSetup(async (setup) => {
        expect(await runOwner({ setup, steps: [deploy(commits.good)], crash: { point, nth, when } })).toBe("killed");
        const { platform } = aLocalPlatform(setup);
        expect(await settled(platform, environment, commits.good)).toMatchObject({ kind: "ready" });
        await expectOneOfEach(setup, commits.good, []);
      }),
  );

  it.concurrent.each([...around("spawn", 1), ...around("rename", 6)])(
    "during a switch, $when $point $nth: one release serves at once, and its successor finishes the switch",
    ({ point, nth, when }) =>
      withSetup(async (setup) => {
        const steps = [deploy(commits.good), deploy(commits.better)];
        expect(await runOwner({ setup, steps, crash: { point, nth, when } })).toBe("killed");
        const { platform } = aLocalPlatform(setup);
        const found = await platform.serving(environment);
        expect([commits.good, commits.better]).toContain(found.kind === "serving" ? found.commit : found.why);
        expect(await settled(platform, environment, commits.better)).toMatchObject({ kind: "ready" });
        await expectOneOfEach(setup, commits.better, [commits.good]);
      }),
  );

  it.concurrent.each(around("rename", 2))(
    "during a return, $when $point $nth: its successor finishes the return",
    ({ point, nth, when }) =>
      withSetup(async (setup) => {
        const steps = [deploy(commits.good), deploy(commits.better), restore(commits.good)];
        expect(await runOwner({ setup, steps, crash: { point, nth, when } })).toBe("killed");
        const { platform } = aLocalPlatform(setup);
        expect(await platform.restore(environment, commits.good)).toBe("restored");
        // The release that was taken back still drains.
        await expectOneOfEach(setup, commits.good, [commits.better]);
      }),
  );

  it("with its whole world running: traffic flows on, and a successor finds everything", () =>
    withSetup(async (setup) => {
      const steps = [deploy(commits.good), deploy(commits.better)];
      const crash: Crash = { point: "finish", nth: 1, when: "after" };
      expect(await runOwner({ setup, steps, crash })).toBe("killed");
      await expectOneOfEach(setup, commits.better, [commits.good]);
      const before = processesOf(setup.directory);
      const { platform } = aLocalPlatform(setup);
      expect(await platform.serving(environment)).toMatchObject({ kind: "serving", commit: commits.better });
      expect(await platform.ensureDeployed(environment, commits.better)).toMatchObject({ kind: "ready" });
      expect(await platform.restore(environment, commits.good)).toBe("restored");
      expect(processesOf(setup.directory)).toEqual(before);
    }));

  it("while others go on: four agents at the same time start one process", () =>
    withSetup(async (setup) => {
      const never: Crash = { point: "spawn", nth: 1_000, when: "before" };
      const late: Crash = { point: "rename", nth: 4, when: "after" };
      const steps = [deploy(commits.good)];
      const ends = await Promise.all([never, late, never, late].map((crash) => runOwner({ setup, steps, crash })));
      expect(ends.filter((end) => end === "finished").length).toBeGreaterThanOrEqual(2);
      await expectOneOfEach(setup, commits.good, []);
    }));
});
