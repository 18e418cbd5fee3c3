import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Diagnosis } from "#domain/diagnosis.ts";
import type { Feedback } from "#domain/fix.ts";
import { engineerContract } from "#tests/ports/engineer.contract.ts";
import { aDiagnosis } from "#tests/support/builders.ts";
import { aSession } from "#tests/support/engineer-session.ts";
import { aModelThatKnows, type MessagesApi, startMessagesApi, tool } from "#tests/support/messages-api.ts";
import { aCommit, aProblem, claudeAt, finding, guard, models, shop, total } from "./claude-bench.ts";

let api: MessagesApi;
beforeAll(async () => {
  api = await startMessagesApi();
});
afterAll(() => api.close());

engineerContract("claude", async () => {
  const other = { ...guard, replace: "  const discount = order?.customer?.discount || 0;\n" };
  const foreign = { path: "src/launch.ts", search: "one", replace: "two" };
  api.play((request) => {
    if (request.text.includes("hopeless")) return tool("give_up", { because: "nothing explains it" });
    const isForeign = request.text.includes("src/launch.ts");
    const repairs = [isForeign ? foreign : guard, other].map((each) => ({ replacements: [each] }));
    return aModelThatKnows({ finding, repairs: [...repairs, null] })(request);
  });
  return {
    engineer: claudeAt(api),
    repairable: { problem: aProblem(), snapshot: aCommit({ ...shop, "src/launch.ts": "one\n" }) },
    hopeless: { problem: aProblem({ message: "hopeless", stack: null }), snapshot: aCommit({}) },
    takesOver: true,
  };
});

describe("a diagnosis", () => {
  const reads: [string, unknown][] = [
    ["read_file", { path: "src/orders.ts" }],
    ["find_definition", { symbol: "findOrder" }],
  ];

  it("is an investigation that ends with an answer of the agreed shape, signed by the model", async () => {
    const severity = { value: "P1", because: "every unknown order fails" };
    api.play(aModelThatKnows({ reads, finding: { ...finding, severity } }));
    const session = aSession();
    const result = await claudeAt(api).diagnose(aProblem(), aCommit(shop), session);
    if (result.kind !== "diagnosed") throw new Error(JSON.stringify(result));
    expect(Diagnosis.parse(result.diagnosis)).toEqual(result.diagnosis);
    expect(result.severity).toEqual(severity);
    expect(result.diagnosis).toMatchObject({
      ...finding,
      engineer: `claude:${models.diagnose}`,
      claim: { kind: "error_stops", fingerprint: "f1", operation: "GET /api/orders/[id]", statement: finding.claim },
    });
    expect(session.told).toEqual(["turn 1: reads src/orders.ts", "turn 2: looks up findOrder"]);
    expect(api.requests[1]?.results[0]?.text).toContain("1| const known = new Map");
    expect(api.requests[2]?.results[0]?.text).toContain("3| export async function findOrder(id: string)");
    expect(api.refused).toEqual([]);
  });

  it("begins with the error, the code around the stack, who changed it, and how similar problems ended", async () => {
    const past = {
      title: "TypeError in GET /api/carts",
      likeness: "same_kind" as const,
      status: "resolved",
      because: "guarded",
      rootCause: "no cart",
      commit: null,
      endedAt: new Date("2026-11-01"),
    };
    api.play(aModelThatKnows({ finding }));
    await claudeAt(api).diagnose(aProblem({ past: [past] }), aCommit(shop), aSession());
    const text = api.requests[0]?.text ?? "";
    for (const part of [
      "Cannot read properties of undefined (reading 'customer')",
      "src/total.ts:5 in total",
      "5|   const discount = order.customer.discount;",
      "src/total.ts:3,4,5,6,7 aaaaaaaaaa 2026-11-20 Add discounts",
      "same kind: TypeError in GET /api/carts → resolved on 2026-11-01 (guarded); cause: no cart",
    ]) {
      expect(text).toContain(part);
    }
  });

  it("points at the code that words the message, where there is no stack", async () => {
    api.play(aModelThatKnows({ finding }));
    const commit = aCommit({
      ...shop,
      "src/dates.ts": 'throw new Error("This booking ends before it begins: " + id);\n',
    });
    await claudeAt(api).diagnose(
      aProblem({ stack: null, message: "This booking ends before it begins: 4711" }),
      commit,
      aSession(),
    );
    expect(api.requests[0]?.text).toContain("src/dates.ts:1");
  });

  it("names what is tested, where the stack knows nothing but a test", async () => {
    api.play(aModelThatKnows({ finding }));
    const problem = aProblem({ message: "expected 1 to equal 2", stack: "❯ tests/total.test.ts:5:1" });
    await claudeAt(api).diagnose(problem, aCommit(shop), aSession());
    expect(api.requests[0]?.text).toMatch(/files that these tests are named after">\nsrc\/total\.ts\n/);
  });

  it("promises nothing measurable for a problem that was never recorded", async () => {
    api.play(aModelThatKnows({ finding }));
    const result = await claudeAt(api).diagnose(aProblem({ fingerprint: null }), aCommit(shop), aSession());
    expect(result).toMatchObject({ diagnosis: { claim: { kind: "nothing_to_stop", statement: finding.claim } } });
  });

  it("of files that do not exist goes back once, then counts as not knowing", async () => {
    const wrong = { ...finding, files: ["src/totals.ts"] };
    api.play(aModelThatKnows({ finding: wrong }));
    const result = await claudeAt(api).diagnose(aProblem(), aCommit(shop), aSession());
    expect(result).toEqual({
      kind: "unknown",
      because: 'no usable answer: "src/totals.ts" is no file of this version.',
    });
    expect(api.requests).toHaveLength(2);
    expect(api.requests[1]?.results[0]).toMatchObject({
      isError: true,
      text: expect.stringContaining("src/totals.ts"),
    });
  });

  it("with errors of shape is mended by the model when it hears of them", async () => {
    const right = aModelThatKnows({ finding });
    api.play((request) =>
      request.turn === 0 ? tool("submit_diagnosis", { ...finding, confidence: 140, files: 7 }) : right(request),
    );
    const result = await claudeAt(api).diagnose(aProblem(), aCommit(shop), aSession());
    expect(result.kind).toBe("diagnosed");
    expect(api.requests[1]?.results[0]?.text).toMatch(/confidence: [\s\S]*files: |files: [\s\S]*confidence: /);
  });

  it("is not made up: a model that does not know says why", async () => {
    api.play([tool("give_up", { because: "the stack is empty" })]);
    const result = await claudeAt(api).diagnose(aProblem(), aCommit(shop), aSession());
    expect(result).toEqual({ kind: "unknown", because: "the stack is empty" });
  });
});

describe("a repair", () => {
  const diagnosis = aDiagnosis({ files: ["src/total.ts"], evidence: [], engineer: "playbook:null-guard" });
  const failed = (attempt: number): Feedback => ({
    attempt,
    because: "1 of 3 tests fail",
    diff: "+  if (order === undefined) return 0;",
    output: `${"noise\n".repeat(3_000)}not ok 2 - counts`,
  });

  it("turns exact replacements and new files into whole files, whoever made the diagnosis", async () => {
    const newFiles = [{ path: "tests/unknown-order.test.ts", content: "// a test" }];
    api.play(aModelThatKnows({ repairs: [{ replacements: [guard], newFiles, subject: `Guard ${"x".repeat(100)}` }] }));
    const result = await claudeAt(api).repair(aProblem(), { diagnosis, feedback: [] }, aCommit(shop), aSession());
    if (result.kind !== "edits") throw new Error(JSON.stringify(result));
    expect(result.edits).toEqual([
      { path: "src/total.ts", content: total.replace(guard.search, guard.replace) },
      { path: "tests/unknown-order.test.ts", content: "// a test\n" },
    ]);
    expect(result.subject).toHaveLength(72);
    expect(result.explanation).not.toBe("");
  });

  it("shows the code concerned and how the project tests", async () => {
    api.play(aModelThatKnows({ repairs: [{ replacements: [guard] }] }));
    await claudeAt(api).repair(aProblem(), { diagnosis, feedback: [] }, aCommit(shop), aSession());
    const text = api.requests[0]?.text;
    for (const part of [
      diagnosis.rootCause,
      "6|   return order.sum - discount;",
      "node --test",
      "tests/total.test.ts",
    ]) {
      expect(text).toContain(part);
    }
  });

  it("that does not apply goes back to the model, three times at the most", async () => {
    const repairs = [{ replacements: [{ ...guard, search: "order.client.discount" }] }];
    api.play(aModelThatKnows({ repairs }));
    const result = await claudeAt(api).repair(aProblem(), { diagnosis, feedback: [] }, aCommit(shop), aSession());
    expect(result).toMatchObject({ kind: "cannot_fix", because: expect.stringContaining("not in the file") });
    expect(api.requests).toHaveLength(4);
    expect(api.requests[3]?.results[0]).toMatchObject({ isError: true });
  });

  it("hears why earlier attempts failed, with their diff and the end of their output", async () => {
    api.play(aModelThatKnows({ repairs: [{ replacements: [guard] }] }));
    await claudeAt(api).repair(aProblem(), { diagnosis, feedback: [failed(1)] }, aCommit(shop), aSession());
    const request = api.requests[0];
    for (const part of ["1 of 3 tests fail", "not ok 2 - counts", "+  if (order === undefined)", "This is attempt 2"]) {
      expect(request?.text).toContain(part);
    }
    expect(request?.raw.length).toBeLessThan(40_000);
  });

  it("is handed to the stronger model after the second failed attempt, where there is one", async () => {
    api.play(aModelThatKnows({ repairs: [{ replacements: [guard] }] }));
    const feedback = [failed(1), failed(2)];
    await claudeAt(api).repair(aProblem(), { diagnosis, feedback: [failed(1)] }, aCommit(shop), aSession());
    await claudeAt(api).repair(aProblem(), { diagnosis, feedback }, aCommit(shop), aSession());
    const plain = claudeAt(api, { models: { ...models, escalate: null } });
    await plain.repair(aProblem(), { diagnosis, feedback }, aCommit(shop), aSession());
    expect(api.requests.map(({ model }) => model)).toEqual([models.fix, models.escalate, models.fix]);
  });

  it("is not tried for what is no fault of the code, and costs nothing then", async () => {
    api.play([]);
    const denial = { diagnosis: aDiagnosis({ causeClass: "expected_denial" }), feedback: [] };
    const result = await claudeAt(api).repair(aProblem(), denial, aCommit(shop), aSession());
    expect(result).toMatchObject({ kind: "cannot_fix" });
    expect(api.requests).toEqual([]);
  });
});

describe("a first look", () => {
  it("betters title and severity with the cheap model, without the code", async () => {
    const triage = { title: "Unknown orders\ncrash the total", severity: "P1", because: "checkout is stopped" };
    api.play(aModelThatKnows({ triage }));
    const session = aSession();
    const result = await claudeAt(api).triage(aProblem(), session);
    expect(result).toEqual({ kind: "triaged", ...triage, title: "Unknown orders crash the total" });
    expect(api.requests[0]).toMatchObject({ model: models.triage, tools: ["submit_triage", "give_up"] });
    expect(session.spentUsd()).toBeLessThan(0.001);
  });

  it.each([
    ["a model with nothing to add", [tool("give_up", { because: "fine as it is" })]],
    ["an answer of a wrong shape, twice", [tool("submit_triage", { severity: "P9" }), tool("submit_triage", {})]],
  ])("changes nothing after %s", async (_, script) => {
    api.play(script);
    expect(await claudeAt(api).triage(aProblem(), aSession())).toEqual({ kind: "unchanged" });
  });
});
