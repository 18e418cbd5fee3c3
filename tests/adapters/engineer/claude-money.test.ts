import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { costOf, mostOf, priceOf, tokensAtMost } from "#adapters/engineer/claude/prices.ts";
import { aDiagnosis } from "#tests/support/builders.ts";
import { aSession } from "#tests/support/engineer-session.ts";
import {
  aModelThatKnows,
  broken,
  type MessagesApi,
  type MessagesRequest,
  startMessagesApi,
  text,
  tool,
} from "#tests/support/messages-api.ts";
import { aCommit, aProblem, claudeAt, finding, guard, shop } from "./claude-bench.ts";

let api: MessagesApi;
beforeAll(async () => {
  api = await startMessagesApi();
});
afterAll(() => api.close());

const reads: [string, unknown][] = [
  ["list_files", {}],
  ["read_file", { path: "src/orders.ts" }],
  ["search", { text: "findOrder" }],
  ["file_history", { path: "src/total.ts" }],
];

describe("every call", () => {
  it("sets aside more than it costs, and books what the service charged", async () => {
    api.play(aModelThatKnows({ reads, finding }));
    const session = aSession();
    await claudeAt(api).diagnose(aProblem(), aCommit(shop), session);
    expect(session.booked).toHaveLength(5);
    expect(session.open()).toEqual([]);
    for (const [index, { request, call }] of session.booked.entries()) {
      const plan = session.planned[index];
      expect(plan).toMatchObject({ request, stage: "diagnose", model: call.model });
      expect(request).toMatch(/^[0-9a-f]{64}$/);
      expect(call.costUsd).toBeGreaterThan(0);
      expect(plan?.usdMax).toBeGreaterThan(call.costUsd);
    }
  });

  it("is refused beforehand when the budget is used up: nothing is asked", async () => {
    api.play(aModelThatKnows({ finding }));
    const session = aSession({ usdMax: 0.01 });
    const claude = claudeAt(api);
    const work = { diagnosis: aDiagnosis(), feedback: [] };
    const because = "the budget of 0.01 USD is used up";
    expect(await claude.diagnose(aProblem(), aCommit(shop), session)).toEqual({ kind: "over_budget", because });
    expect(await claude.repair(aProblem(), work, aCommit(shop), session)).toEqual({ kind: "over_budget", because });
    expect(await claude.triage(aProblem(), aSession({ usdMax: 0 }))).toMatchObject({ kind: "over_budget" });
    expect(api.requests).toEqual([]);
  });

  it("is never paid twice: a step that was cut off finds all its answers, and goes on", async () => {
    const stop = new AbortController();
    api.play(aModelThatKnows({ reads, finding }));
    const first = aSession({ signal: stop.signal, onTell: (told) => told.startsWith("turn 3") && stop.abort() });
    const cut = await claudeAt(api).diagnose(aProblem(), aCommit(shop), first);
    expect(cut).toMatchObject({ kind: "interrupted" });
    expect(first.booked).toHaveLength(3);
    const second = aSession({ earlier: first.booked });
    // More events came meanwhile: that must not make the request another one.
    const result = await claudeAt(api).diagnose(aProblem({ eventCount: 9 }), aCommit(shop), second);
    expect(result.kind).toBe("diagnosed");
    expect(second.booked).toHaveLength(2);
    expect(api.requests).toHaveLength(5);
    const third = aSession({ earlier: [...first.booked, ...second.booked] });
    expect(await claudeAt(api).diagnose(aProblem(), aCommit(shop), third)).toEqual(result);
    expect(third.planned).toEqual([]);
  });

  it("that broke off is booked as far as it was charged, and not taken for an answer later", async () => {
    const right = aModelThatKnows({ finding });
    api.play((request) => (request.index === 0 ? broken(right(request), "reset") : right(request)));
    const session = aSession();
    const result = await claudeAt(api).diagnose(aProblem(), aCommit(shop), session);
    expect(result.kind).toBe("diagnosed");
    expect(session.booked.map(({ call }) => call.costUsd > 0)).toEqual([true, true]);
    expect(new Set(session.booked.map(({ request }) => request)).size).toBe(2);
    const again = aSession({ earlier: session.booked });
    expect(await claudeAt(api).diagnose(aProblem(), aCommit(shop), again)).toEqual(result);
    expect(api.requests).toHaveLength(2);
  });
});

describe("a step's own limits", () => {
  const forever = (request: MessagesRequest) => tool("search", { text: `word ${request.turn}` });

  it("of turns: the model is told to answer, reading ends, then the step", async () => {
    api.play(forever);
    const claude = claudeAt(api, { limits: { diagnose: { turnsMax: 6 } } });
    const result = await claude.diagnose(aProblem(), aCommit(shop), aSession());
    expect(result).toEqual({ kind: "unknown", because: "no answer within 6 turns" });
    expect(api.requests).toHaveLength(6);
    expect(api.requests[4]?.text).toContain("This step is nearly at its limit.");
    expect(api.requests[5]?.results).toEqual([
      { tool: "search", isError: true, text: "Reading has ended. Call submit_diagnosis or give_up now." },
    ]);
  });

  it("leave room for the answer of a model that listens", async () => {
    const right = aModelThatKnows({ finding });
    api.play((request) =>
      request.text.includes("nearly at its limit") ? right({ ...request, turn: 99 }) : forever(request),
    );
    for (const limits of [{ turnsMax: 5 }, { tokensMax: 25_000 }, { usdMax: 0.12 }]) {
      const claude = claudeAt(api, { limits: { diagnose: limits } });
      const session = aSession();
      expect(await claude.diagnose(aProblem(), aCommit(shop), session)).toMatchObject({ kind: "diagnosed" });
      expect(session.booked.length).toBeGreaterThan(2);
    }
  });

  it("of dollars are kept, whatever is asked", async () => {
    api.play(forever);
    const usdMax = 0.06;
    const session = aSession();
    const limits = { usdMax, turnsMax: 200, tokensMax: 10_000_000 };
    await claudeAt(api, { limits: { diagnose: limits } }).diagnose(aProblem(), aCommit(shop), session);
    expect(session.spentUsd()).toBeLessThanOrEqual(usdMax);
  });

  it("of seconds end a step by its own clock", async () => {
    let nowMs = 0;
    api.play((request) => {
      nowMs += 40_000;
      return forever(request);
    });
    const claude = claudeAt(api, { monotonicMs: () => nowMs, limits: { diagnose: { secondsMax: 200 } } });
    const result = await claude.diagnose(aProblem(), aCommit(shop), aSession());
    expect(result).toEqual({ kind: "unknown", because: "no answer within 200 s" });
  });

  it("cost a diagnosis and a fix no more than the specification allows", async () => {
    const knowing = aModelThatKnows({ reads, finding, repairs: [{ replacements: [guard] }] });
    api.play(knowing);
    const session = aSession();
    const claude = claudeAt(api);
    await claude.diagnose(aProblem(), aCommit(shop), session);
    expect(Math.max(...session.planned.map(({ usdMax }) => usdMax))).toBeLessThan(0.5);
    const work = { diagnosis: aDiagnosis({ files: ["src/total.ts"] }), feedback: [] };
    await claude.repair(aProblem(), work, aCommit(shop), session);
    expect(Math.max(...session.planned.map(({ usdMax }) => usdMax))).toBeLessThan(0.75);
    await claude.triage(aProblem(), session);
    expect(session.planned.at(-1)?.usdMax).toBeLessThan(0.01);
  });
});

describe("the prompt's cache", () => {
  type Marked = { cache_control?: unknown };
  const withoutMarks = (value: unknown): string =>
    JSON.stringify(value, (key, inner) => (key === "cache_control" ? undefined : inner));

  it("is read anew from turn to turn: marks stand at the system, the first message and the last two", async () => {
    api.play(aModelThatKnows({ reads, finding }));
    const session = aSession();
    await claudeAt(api).diagnose(aProblem(), aCommit(shop), session);
    const bodies = api.requests.map(({ body }) => body);
    for (const [turn, body] of bodies.entries()) {
      const marked = body.messages.flatMap(({ content }, index) =>
        Array.isArray(content) && content.some((block: Marked) => block.cache_control !== undefined) ? [index] : [],
      );
      expect(marked).toEqual(
        [...new Set([0, 2 * turn - 2, 2 * turn])].filter((index) => index >= 0).toSorted((a, b) => a - b),
      );
      expect(body.system).toEqual([expect.objectContaining({ cache_control: { type: "ephemeral" } })]);
      const next = bodies[turn + 1];
      if (next === undefined) continue;
      expect(withoutMarks(next.tools)).toBe(withoutMarks(body.tools));
      expect(withoutMarks(next.system)).toBe(withoutMarks(body.system));
      expect(withoutMarks(next.messages.slice(0, body.messages.length))).toBe(withoutMarks(body.messages));
    }
    const calls = session.booked.map(({ call }) => call);
    expect(calls.map(({ inputTokens }) => inputTokens)).toEqual([0, 0, 0, 0, 0]);
    expect(
      calls.slice(1).every(({ cacheReadTokens, cacheWriteTokens }) => cacheReadTokens > 5 * cacheWriteTokens),
    ).toBe(true);
  });

  it("has tools and system in common for every problem", async () => {
    api.play(aModelThatKnows({ finding }));
    const claude = claudeAt(api);
    await claude.diagnose(aProblem(), aCommit(shop), aSession());
    await claude.diagnose(
      aProblem({ title: "Another", message: "boom", stack: null }),
      aCommit({ "a.ts": "a\n" }),
      aSession(),
    );
    const [one, other] = api.requests;
    expect(withoutMarks([other?.body.tools, other?.body.system])).toBe(
      withoutMarks([one?.body.tools, one?.body.system]),
    );
  });
});

describe("what is sent", () => {
  it("grows with the problem, not with the repository", async () => {
    const many = Object.fromEntries(
      Array.from({ length: 20_000 }, (_, index) => [
        `packages/p${index % 300}/src/module-${index}.ts`,
        `export const v${index} = ${index};\n`,
      ]),
    );
    const prompts: number[] = [];
    for (const files of [shop, { ...many, ...shop }]) {
      api.play(aModelThatKnows({ reads: [...reads, ["list_files", { pattern: "**/*.ts" }]], finding }));
      const session = aSession();
      await claudeAt(api).diagnose(aProblem(), aCommit(files), session);
      const { call } = session.booked[0] ?? {};
      prompts.push((call?.inputTokens ?? 0) + (call?.cacheReadTokens ?? 0) + (call?.cacheWriteTokens ?? 0));
      expect(Math.max(...api.requests.map(({ raw }) => raw.length))).toBeLessThan(60_000);
    }
    expect(prompts[1]).toBeLessThan((prompts[0] ?? 0) * 1.25);
  });

  it("is bounded for a problem of any size", async () => {
    const huge = "x".repeat(300_000);
    const frames = Array.from({ length: 200 }, (_, line) => `    at f${line} (/app/src/big.ts:${line + 1}:1)`).join(
      "\n",
    );
    const wide = aCommit({ "src/big.ts": `${"y".repeat(5_000)}\n`.repeat(150), "package.json": huge });
    const past = Array.from({ length: 50 }, () => ({
      title: huge,
      likeness: "same_kind" as const,
      status: "failed",
      because: huge,
      rootCause: huge,
      commit: null,
      endedAt: new Date(0),
    }));
    api.play(() => tool("give_up", { because: "too much" }));
    const problem = aProblem({
      title: huge,
      message: huge,
      stack: frames + huge,
      operation: huge,
      issueType: huge,
      errorType: huge,
      release: huge,
      past,
    });
    const claude = claudeAt(api);
    await claude.diagnose(problem, wide, aSession());
    const output = { attempt: 1, because: huge, output: huge, diff: huge };
    const diagnosis = aDiagnosis({ files: ["src/big.ts"], rootCause: huge, fixStrategy: huge });
    await claude.repair(problem, { diagnosis, feedback: Array(5).fill(output).slice(0, 4) }, wide, aSession());
    for (const { raw } of api.requests) expect(raw.length).toBeLessThan(130_000);
    expect(api.requests).toHaveLength(2);
  });
});

describe("prices", () => {
  it("are exact to the token", () => {
    const tokens = { input: 1_000_000, output: 100_000, cacheRead: 2_000_000, cacheWrite: 400_000 };
    expect(costOf("claude-sonnet-5-5", tokens)).toBeCloseTo(2 + 1 + 0.2 + 1, 10);
    expect(costOf("claude-opus-5-5", tokens)).toBeCloseTo(4 + 2 + 0.4 + 2, 10);
    expect(costOf("claude-haiku-5-5", { ...tokens, input: 50_000, cacheRead: 0, cacheWrite: 0 })).toBeCloseTo(
      0.055,
      10,
    );
    expect(costOf("claude-haiku-5-5", { ...tokens, input: 100_001, cacheRead: 0, cacheWrite: 0 })).toBeCloseTo(
      0.3000005,
      10,
    );
  });

  it.each([
    ["claude-sonnet-5-5", 10],
    ["claude-haiku-4-5-20251001", 5],
    ["eu.anthropic.claude-opus-4-8-v1:0", 25],
    ["claude-opus-4-20250514", 75],
    ["claude-fable-5-2", 50],
  ])("of %s are known", (model, output) => {
    expect(priceOf(model)).toMatchObject({ isKnown: true, price: { output } });
  });

  it("of a model that nobody knows are the dearest", () => {
    expect(priceOf("llama-99")).toEqual({ isKnown: false, price: priceOf("claude-opus-4-1").price });
    for (const known of ["claude-fable-5-1", "claude-opus-5-5", "claude-haiku-5-5"]) {
      expect(mostOf("llama-99", 1_000, 1_000)).toBeGreaterThan(mostOf(known, 1_000, 1_000));
    }
  });

  it("are reckoned beforehand with more tokens than text has", () => {
    for (const sample of [
      "a plain English sentence of some length",
      "const a = b?.c ?? {};",
      "日本語のテキスト",
      "🙂🙂",
    ]) {
      expect(tokensAtMost(sample)).toBeGreaterThanOrEqual(Math.ceil(sample.length / 2.5));
    }
  });
});

it("an answer in plain text is asked for again, once", async () => {
  api.play([text("I think it is the customer."), text("As I said.")]);
  const result = await claudeAt(api).diagnose(aProblem(), aCommit(shop), aSession());
  expect(result).toEqual({ kind: "unknown", because: "the answer was plain text" });
  expect(api.requests).toHaveLength(2);
});
