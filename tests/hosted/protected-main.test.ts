import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { Operators } from "#demo/operators.ts";
import { play } from "#demo/play.ts";
import { createPrinter } from "#demo/printer.ts";
import { type Scenario, scenarios } from "#demo/scenarios.ts";
import { git, headOf } from "#tests/support/git.ts";
import { type HostedVigil, startHostedVigil } from "./a-hosted-vigil.ts";

/** A main that only takes pull requests: a person merges each fix, in each of GitHub's three ways, and its removal as well. */
let vigil: HostedVigil;

beforeAll(async () => {
  vigil = await startHostedVigil();
  vigil.github.protect("main", "Changes must be made through a pull request.");
}, 900_000);
afterAll(() => vigil?.dispose());

const patience = { timeout: 400_000, interval: 250 };
const printed: string[] = [];
const printer = createPrinter(
  (text) => void printed.push(text),
  () => Date.now(),
);

/** Plays a scenario in which a person merges at GitHub where the product would ask to be approved. */
async function playWith(name: string, merge: Operators["approve"]) {
  const scenario = scenarios.find((one) => one.name === name) as Scenario;
  const { operators, traffic, repository, ended } = vigil;
  const signal = new AbortController().signal;
  const stage = { traffic, repository, printer, ended, signal, timeoutMs: 700_000 };
  return play({ ...scenario, needsApproval: true }, { ...stage, operators: { ...operators, approve: merge } });
}

interface Asked {
  number: number;
  body: string;
  head: string;
}

/** The pull request of the issue that waits, once its branch holds the candidate that is asked about. */
async function pullOf(id: string, after?: string): Promise<Asked> {
  return vi.waitFor(async () => {
    await vigil.lookAgain();
    const issue = await vigil.operators.issue(id);
    expect(issue.status).toBe("awaiting_approval");
    const pull = vigil.github.pulls().find(({ body }) => body?.includes(id) === true);
    if (pull === undefined) throw new Error("there is no pull request");
    const head = await headOf(vigil.repository, pull.head);
    expect(head).toBe(issue.fix?.commit);
    expect(head).not.toBe(after);
    return { number: pull.number, body: pull.body ?? "", head: String(head) };
  }, patience);
}

async function merge({ number }: Asked, method: "merge" | "squash" | "rebase"): Promise<void> {
  expect(await vigil.github.merge(number, { by: "ada", method })).toBe(await headOf(vigil.repository, "main"));
  await vigil.lookAgain();
}

const told = async () => `${printed.join("")}\n${await vigil.log()}`;

describe("a protected main", () => {
  it("takes fixes as pull requests that hold nobody up, and what is merged is watched like any release", async () => {
    const before = await headOf(vigil.repository, "main");
    const [firstIsAsked, secondIsOver] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const first = playWith("null-check", async ({ id }) => {
      const asked = await pullOf(id);
      const shown = [`/dashboard/agent/issues/${id}`, "Root cause: ", "Tests: passed", "Staging: "];
      expect(shown.filter((part) => !asked.body.includes(part))).toEqual([]);
      firstIsAsked.resolve();
      await secondIsOver.promise;
      // main moved: another candidate, on the same pull request.
      const again = await pullOf(id, asked.head);
      expect(again.number).toBe(asked.number);
      await merge(again, "rebase");
    });
    const second = playWith("typo", async ({ id }) => {
      const asked = await pullOf(id);
      await firstIsAsked.promise;
      expect(await headOf(vigil.repository, "main")).toBe(before);
      await merge(asked, "squash");
    }).finally(secondIsOver.resolve);
    expect((await second).problems, await told()).toEqual([]);
    expect((await first).problems, await told()).toEqual([]);
  }, 900_000);

  it("has a bad fix removed by a pull request, while the platform serves the version of before", async () => {
    const before = String(await headOf(vigil.repository, "main"));
    const judged = await playWith("bad-fix", async ({ id }) => merge(await pullOf(id), "merge"));
    expect(judged.problems, await told()).toEqual(["main's files are not those of before"]);
    const removal = vigil.github.pulls().find(({ head }) => head.startsWith("agent/revert-"));
    if (removal === undefined) throw new Error(await told());
    expect(removal).toMatchObject({ state: "open", base: "main" });
    const messages = () => JSON.stringify(vigil.slack.messages());
    await vi.waitFor(() => expect(messages()).toContain(`/pull/${removal.number}`), patience);
    await vigil.github.merge(removal.number, { by: "ada" });
    expect(await git(vigil.repository, "diff", "--name-only", before, "main")).toBe("");
    expect(vigil.github.unknown).toEqual([]);
  }, 900_000);
});
