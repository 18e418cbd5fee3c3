import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Judged } from "#demo/outcome.ts";
import { play } from "#demo/play.ts";
import { createPrinter } from "#demo/printer.ts";
import { inRunningOrder, scenarios } from "#demo/scenarios.ts";
import { branchesOf, headOf } from "#tests/support/git.ts";
import { cronRoutes, type HostedVigil, startHostedVigil } from "./a-hosted-vigil.ts";

/**
 * The five stories of the demo with GitHub, its checks, Vercel, Slack, a transaction-mode pooler before Postgres, and cron
 * routes called over HTTP: no workers, no git, no disk but a temporary folder.
 */
let vigil: HostedVigil;
const played = new Map<string, Judged>();

beforeAll(async () => {
  vigil = await startHostedVigil();
}, 900_000);
afterAll(() => vigil?.dispose());

const printed: string[] = [];
const printer = createPrinter(
  (text) => void printed.push(text),
  () => Date.now(),
);

describe("hosted on functions", () => {
  it.each(inRunningOrder(scenarios).map(({ name }) => name))(
    "%s ends as in the embedded shape",
    async (name) => {
      const scenario = scenarios.find((one) => one.name === name);
      if (scenario === undefined) throw new Error(`there is no scenario ${name}`);
      const { operators, traffic, repository, ended } = vigil;
      const signal = new AbortController().signal;
      const stage = { operators, traffic, repository, printer, ended, signal, timeoutMs: 400_000 };
      const judged = await play(scenario, stage);
      played.set(name, judged);
      const why = `${printed.join("")}\n${await vigil.log()}`;
      // Vercel goes on with the revert: another commit, whose files are those of before.
      const problems =
        scenario.production === "restored"
          ? judged.problems.filter((problem) => !problem.startsWith("production's commit"))
          : judged.problems;
      expect(problems, why).toEqual([]);
      expect(judged.outcome.production.commit).toBe(await headOf(repository, "main"));
    },
    500_000,
  );

  it("answers ten calls of each cron route at once (reliability B7)", async () => {
    const calls = Array.from({ length: 10 }, () => cronRoutes.map((route) => vigil.cron(route)));
    expect(new Set(await Promise.all(calls.flat()))).toEqual(new Set([200]));
  });

  it("told people of each event once", () => {
    const texts = vigil.slack.messages().map((message) => JSON.stringify(message));
    expect(texts.length).toBeGreaterThan(8);
    const keys = vigil.slack.messages().map((message) => JSON.stringify(message.metadata ?? message.text));
    expect(new Set(keys).size).toBe(keys.length);
  });

  it("asked GitHub nothing that it does not know, and left no branch of a check behind", async () => {
    expect(vigil.github.unknown).toEqual([]);
    const branches = await branchesOf(vigil.repository);
    expect(branches.filter((name) => name.startsWith("agent/check/"))).toEqual([]);
  });
});
