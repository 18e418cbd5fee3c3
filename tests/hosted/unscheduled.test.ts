import { sql } from "drizzle-orm";
import { afterAll, beforeAll, expect, it } from "vitest";
import { play } from "#demo/play.ts";
import { createPrinter } from "#demo/printer.ts";
import { scenarios } from "#demo/scenarios.ts";
import { type HostedVigil, startHostedVigil } from "./a-hosted-vigil.ts";

/** No cron route is called at all: what requests bring about goes on by itself, once they are answered. */
let vigil: HostedVigil;
beforeAll(async () => {
  vigil = await startHostedVigil({ isScheduled: false });
}, 900_000);
afterAll(() => vigil?.dispose());

it("repairs, asks, is answered and ships without waiting for the scheduler", async () => {
  const scenario = scenarios.find(({ name }) => name === "null-check");
  if (scenario === undefined) throw new Error("there is no such scenario");
  await vigil.connection.db.execute(sql`UPDATE agent_projects SET autonomy_level = 1`);
  const printed: string[] = [];
  const printer = createPrinter(
    (text) => void printed.push(text),
    () => Date.now(),
  );
  const { operators, traffic, repository, ended } = vigil;
  const stage = { operators, traffic, repository, printer, ended, timeoutMs: 400_000 };
  const judged = await play({ ...scenario, needsApproval: true }, { ...stage, signal: new AbortController().signal });
  expect(judged.problems, `${printed.join("")}\n${await vigil.log()}`).toEqual([]);
}, 500_000);
