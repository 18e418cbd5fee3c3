import { describe, expect, it } from "vitest";
import type { Agent } from "#agent.ts";
import { Failure } from "#domain/failure.ts";
import type { Http } from "#http/context.ts";
import { ingestEvents } from "#http/ingest.ts";
import { issueCommand, resume } from "#http/operator.ts";
import { anAgent, anHttp, aRequest, aRoute, issueId, secrets } from "./fakes.ts";

/** A function's surroundings: what shall go on after the answer is kept, and run when the answer is out. */
function aFunction(changes: Partial<Agent> = {}) {
  const ran: number[] = [];
  const kept: (() => Promise<void>)[] = [];
  const agent = anAgent({ goOn: async (budgetMs) => void ran.push(budgetMs), ...changes });
  const http: Http & { logged: unknown[] } = { ...anHttp(agent), later: (work) => void kept.push(work) };
  return { http, ran, answered: async () => Promise.all(kept.splice(0).map((work) => work())) };
}

const order = (body: object, token = secrets.apiToken) =>
  aRequest("/x", {
    method: "POST",
    token,
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });

describe("after its answer, a function", () => {
  it.each([
    ["an order", (http: Http) => issueCommand(http).POST(order({}), aRoute({ id: issueId, command: "approve" }))],
    ["a resumption", (http: Http) => resume(http).POST(order({}), aRoute())],
    [
      "a report",
      (http: Http) => ingestEvents(http).POST(order({ message: "x is undefined" }, secrets.ingestKey), aRoute()),
    ],
  ])("goes on with what %s brought about, within what is left of its life", async (_, ask) => {
    const { http, ran, answered } = aFunction();
    expect((await ask(http)).status).toBe(200);
    expect(ran).toEqual([]);
    await answered();
    expect(ran).toEqual([80_000]);
  });

  it.each([
    ["nobody", () => order({}, "wrong")],
    ["somebody who says nonsense", () => order({ nonsense: true })],
  ])("does nothing for %s", async (_, ask) => {
    const { http, ran, answered } = aFunction();
    expect((await resume(http).POST(ask(), aRoute())).ok).toBe(false);
    await answered();
    expect(ran).toEqual([]);
  });

  it("logs what goes wrong then, and has answered all the same", async () => {
    const goOn = async () => {
      throw new Failure("unavailable", "The database is away.");
    };
    const { http, answered } = aFunction({ goOn });
    expect((await resume(http).POST(order({}), aRoute())).status).toBe(200);
    await answered();
    expect(http.logged).toHaveLength(1);
  });

  it("leaves it to the workers where there are some", async () => {
    const { http, answered } = aFunction({ goOn: null });
    expect((await resume(http).POST(order({}), aRoute())).status).toBe(200);
    await answered();
    expect(http.logged).toEqual([]);
  });
});
