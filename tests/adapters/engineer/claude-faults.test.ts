import { createServer } from "node:http";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Failure } from "#domain/failure.ts";
import type { DiagnoseResult } from "#ports/engineer.ts";
import { aDiagnosis } from "#tests/support/builders.ts";
import { aSession, type WatchedSession } from "#tests/support/engineer-session.ts";
import {
  type Answer,
  aModelThatKnows,
  broken,
  fault,
  hang,
  type MessagesApi,
  message,
  nonsense,
  refusal,
  reset,
  type Script,
  startMessagesApi,
  text,
  tool,
  tools,
  toolUse,
  truncated,
} from "#tests/support/messages-api.ts";
import { aCommit, aProblem, claudeAt, finding, guard, models, secret, shop } from "./claude-bench.ts";

let api: MessagesApi;
beforeAll(async () => {
  api = await startMessagesApi();
});
afterAll(() => api.close());

const patient = { limits: { pauseMs: 1, triesMax: 3, callSecondsMax: 0.3 } };
const right = aModelThatKnows({ finding, repairs: [{ replacements: [guard] }] });
/** `answers` first, then a model that knows. */
const then =
  (...answers: Answer[]): Script =>
  (request) =>
    answers[request.index] ?? right(request);

async function diagnosed(script: Script): Promise<{ result: DiagnoseResult | Failure; session: WatchedSession }> {
  api.play(script);
  const session = aSession();
  const result = await claudeAt(api, patient)
    .diagnose(aProblem(), aCommit(shop), session)
    .catch((error: unknown) => {
      if (error instanceof Failure) return error;
      throw error;
    });
  // Whatever happens, no money stays set aside.
  expect(session.open()).toEqual([]);
  return { result, session };
}

const whole = message([toolUse("submit_diagnosis", { ...finding, rootCause: "x".repeat(300) })]);

describe("a fault that passes is tried again, and the work goes on", () => {
  it.each<[string, Answer]>([
    ["429 with retry-after-ms", fault(429, { headers: { "retry-after-ms": "2" } })],
    ["429 with retry-after", fault(429, { headers: { "retry-after-ms": "", "retry-after": "0" } })],
    ["500", fault(500)],
    ["529 overloaded", fault(529)],
    ["a hanging call", hang],
    ["a reset before the answer", reset],
    ["a reset in mid stream", broken(whole, "reset")],
    ["a stream without its end", broken(whole, "no_stop")],
    ["an error in mid stream", broken(whole, "overloaded")],
    ["a stream that stops", broken(whole, "hang")],
    ["a page of a proxy", nonsense("<html>Bad gateway</html>", "text/html")],
    ["an empty body", nonsense("")],
  ])("%s", async (_, answer) => {
    const { result, session } = await diagnosed(then(answer));
    expect(result).toMatchObject({ kind: "diagnosed" });
    expect(api.requests).toHaveLength(2);
    expect(session.told[0]).toMatch(/Tries again in \d s\.$/);
  });

  it("is charged only as far as an answer had come", async () => {
    expect((await diagnosed(then(fault(529), reset))).session.booked).toHaveLength(1);
    const { session } = await diagnosed(then(broken(whole, "no_stop")));
    expect(session.booked).toHaveLength(2);
    expect(session.released).toEqual([]);
  });

  it("ends as unavailable when it does not pass", async () => {
    const { result, session } = await diagnosed(() => fault(529));
    expect(result).toMatchObject({
      code: "unavailable",
      retry: true,
      message: "Claude answered 529 (overloaded). Gave up after 3 tries.",
    });
    expect(session.booked).toEqual([]);
    expect(session.released).toHaveLength(3);
  });

  it("is not waited for longer than a step has", async () => {
    const { result } = await diagnosed(() => fault(429, { headers: { "retry-after-ms": "", "retry-after": "3600" } }));
    expect(result).toMatchObject({ code: "unavailable", message: expect.stringContaining("after one try") });
  });

  it("is not tried again once the step has to end", async () => {
    const stop = new AbortController();
    api.play((request) => {
      if (request.index === 0) stop.abort();
      return fault(529, { headers: { "retry-after-ms": "50000" } });
    });
    const session = aSession({ signal: stop.signal });
    const result = await claudeAt(api).diagnose(aProblem(), aCommit(shop), session);
    expect(result).toEqual({ kind: "interrupted", because: "the time of this step is over" });
    expect(session.open()).toEqual([]);
  });

  it("that hangs is left at once when the step has to end", async () => {
    const stop = new AbortController();
    api.play(() => {
      setImmediate(() => stop.abort());
      return hang;
    });
    const session = aSession({ signal: stop.signal });
    expect(await claudeAt(api).diagnose(aProblem(), aCommit(shop), session)).toMatchObject({ kind: "interrupted" });
    expect(session.open()).toEqual([]);
  });

  it("changes nothing for a first look", async () => {
    api.play(() => fault(500));
    expect(await claudeAt(api, patient).triage(aProblem(), aSession())).toEqual({ kind: "unchanged" });
  });
});

describe("a fault that stays ends the step and names what to do", () => {
  it.each<[string, Answer, { code: string; message: RegExp; hint?: RegExp }]>([
    [
      "401",
      fault(401),
      { code: "misconfigured", message: /^Claude refused ANTHROPIC_API_KEY \(401\)\.$/, hint: /key/ },
    ],
    [
      "403",
      fault(403),
      { code: "misconfigured", message: /may not use the model claude-sonnet-5-5/, hint: /AGENT_MODEL_DIAGNOSE/ },
    ],
    [
      "404 of a model",
      fault(404),
      { code: "misconfigured", message: /no model claude-sonnet-5-5/, hint: /AGENT_MODEL_DIAGNOSE/ },
    ],
    [
      "404 of an address",
      { kind: "error", status: 404, type: "", message: "", headers: {} },
      { code: "misconfigured", message: /ANTHROPIC_BASE_URL does not speak/ },
    ],
    ["400", fault(400), { code: "invalid", message: /refused the request \(400\): messages\.0: something is wrong/ }],
    [
      "400 that quotes a secret",
      fault(400, { message: `bad: ${secret}` }),
      { code: "invalid", message: /bad: \[Filtered\]/ },
    ],
    ["413", fault(413), { code: "invalid", message: /\(413\)/ }],
    [
      "500 with x-should-retry: false",
      fault(500, { headers: { "x-should-retry": "false" } }),
      { code: "invalid", message: /\(500\)/ },
    ],
  ])("%s", async (_, answer, expected) => {
    const { result, session } = await diagnosed(() => answer);
    if (!(result instanceof Failure)) throw new Error(JSON.stringify(result));
    expect(result.code).toBe(expected.code);
    expect(result.message).toMatch(expected.message);
    if (expected.hint !== undefined) expect(result.hint).toMatch(expected.hint);
    expect(api.requests).toHaveLength(1);
    expect(session.booked).toEqual([]);
    expect(session.released).toHaveLength(1);
  });

  it("names the variable of the model that was asked", async () => {
    api.play(() => fault(404));
    const feedback = [1, 2].map((attempt) => ({ attempt, because: "red", output: null, diff: null }));
    const claude = claudeAt(api);
    const work = { diagnosis: aDiagnosis({ files: ["src/total.ts"] }), feedback };
    const repairing = claude.repair(aProblem(), work, aCommit(shop), aSession());
    await expect(repairing).rejects.toMatchObject({ hint: expect.stringContaining("AGENT_MODEL_ESCALATE") });
    await expect(claude.triage(aProblem(), aSession())).rejects.toMatchObject({
      hint: expect.stringContaining("AGENT_MODEL_TRIAGE"),
    });
  });

  it("is told to whoever watches the key, until a call succeeds", async () => {
    const heard: (string | null)[] = [];
    const claude = claudeAt(api, { onRefusal: (failure) => heard.push(failure?.code ?? null) });
    api.play(then(fault(401)));
    await expect(claude.diagnose(aProblem(), aCommit(shop), aSession())).rejects.toThrow("ANTHROPIC_API_KEY");
    await claude.diagnose(aProblem(), aCommit(shop), aSession());
    expect(heard).toEqual(["misconfigured", null]);
  });

  it("also comes with a key that the service does not know", async () => {
    api.play(right);
    const claude = claudeAt({ url: api.url, apiKey: "sk-ant-another-key-000000000000" });
    await expect(claude.diagnose(aProblem(), aCommit(shop), aSession())).rejects.toThrow("ANTHROPIC_API_KEY (401)");
  });

  it("is unavailable where nobody listens", async () => {
    const server = createServer();
    const port = await new Promise<number>((done) =>
      server.listen(0, "127.0.0.1", () => done((server.address() as { port: number }).port)),
    );
    await new Promise((done) => server.close(done));
    const claude = claudeAt({ url: `http://127.0.0.1:${port}`, apiKey: api.apiKey }, patient);
    await expect(claude.diagnose(aProblem(), aCommit(shop), aSession())).rejects.toMatchObject({ code: "unavailable" });
  });
});

/** D24: each ends in a state with a reason, after two answers at the most. */
const diagnoses: [name: string, answer: Answer, because: RegExp][] = [
  ["a refusal", refusal(), /refused to work on this problem/],
  ["an answer cut off at max_tokens", truncated(whole), /longer than \d+ tokens/],
  ["a text cut off at max_tokens", truncated(text("The root cause is")), /longer than \d+ tokens/],
  ["a full context window", message([], { stopReason: "model_context_window_exceeded" }), /too large for the model/],
  ["no content", message([]), /empty/],
  ["a text of spaces", text("  \n "), /empty/],
  ["thoughts without an answer", message([{ type: "thinking", thinking: "hm", signature: "c2ln" }]), /empty/],
  ["a plain text", text("It is the customer."), /plain text/],
  [
    "prose around JSON",
    text(`Here you are:\n\`\`\`json\n${JSON.stringify(finding)}\n\`\`\`\nGood luck!`),
    /plain text/,
  ],
  ["JSON cut off", tool("submit_diagnosis", JSON.stringify(finding).slice(0, 80)), /no usable answer/],
  [
    "two JSON objects",
    tool("submit_diagnosis", `${JSON.stringify(finding)}${JSON.stringify(finding)}`),
    /no usable answer/,
  ],
  [
    "two answers at once",
    tools(["submit_diagnosis", finding], ["submit_diagnosis", finding]),
    /exactly one final answer/,
  ],
  [
    "an answer and giving up",
    tools(["submit_diagnosis", finding], ["give_up", { because: "no" }]),
    /exactly one final answer/,
  ],
  ["a list in place of an object", tool("submit_diagnosis", [finding]), /no usable answer/],
  [
    "arguments nested 50,000 deep",
    tool("submit_diagnosis", `{"files":${"[".repeat(50_000)}${"]".repeat(50_000)}}`),
    /no usable answer/,
  ],
  [
    "a field named __proto__",
    tool("submit_diagnosis", `{"__proto__":{"causeClass":"code_fault"}}`),
    /no usable answer/,
  ],
  ["no arguments", tool("submit_diagnosis", {}), /causeClass/],
  ["an unknown class of cause", tool("submit_diagnosis", { ...finding, causeClass: "resolved" }), /causeClass/],
  [
    "a negative line",
    tool("submit_diagnosis", { ...finding, evidence: [{ file: "src/total.ts", line: -1, note: "" }] }),
    /evidence\.0\.line/,
  ],
  ["21 files", tool("submit_diagnosis", { ...finding, files: Array(21).fill("src/total.ts") }), /files/],
  ["a megabyte of reasons", tool("submit_diagnosis", { ...finding, rootCause: "x".repeat(1_000_000) }), /far too long/],
  ["an answer of 5 MB", text("x".repeat(5_000_000)), /far too long/],
  ["giving up without a reason", tool("give_up", {}), /because/],
];

describe("an answer that is none", () => {
  const complete = aModelThatKnows({ finding });
  const filled = (answer: Answer): Answer => {
    // Fields that a case does not name are right, so that only the named one is wrong.
    if (answer.kind !== "message") return answer;
    const content = answer.content.map((block) => {
      if (block.type !== "tool_use" || block.name !== "submit_diagnosis" || Array.isArray(block.input)) return block;
      if (typeof block.input !== "object" || block.input === null || Object.keys(block.input).length === 0)
        return block;
      return { ...block, input: { ...fullFinding, ...block.input } };
    });
    return { ...answer, content };
  };
  const known = complete({ tools: ["submit_diagnosis"], turn: 0 } as Parameters<typeof complete>[0]);
  const fullFinding =
    known.kind === "message" && known.content[0]?.type === "tool_use" ? (known.content[0].input as object) : {};

  it.each(diagnoses)("%s: asked once more, then not known", async (_, answer, because) => {
    const bad = filled(answer);
    const { result } = await diagnosed(() =>
      bad.kind === "message" ? { ...bad, content: bad.content.map(fresh) } : bad,
    );
    expect(result).toMatchObject({ kind: "unknown", because: expect.stringMatching(because) });
    expect(api.requests.length).toBeLessThanOrEqual(3);
    expect(api.refused).toEqual([]);
  });

  it.each(diagnoses.filter(([name]) => !/refusal|window|megabyte|5 MB/.test(name)))(
    "%s: mended by the model when it hears of it",
    async (_, answer) => {
      const { result } = await diagnosed(then(filled(answer)));
      expect(result).toMatchObject({ kind: "diagnosed" });
      expect(api.refused).toEqual([]);
    },
  );

  /** The service gives each call an id of its own. */
  const fresh = (block: { type: string }) =>
    block.type === "tool_use" && "name" in block && "input" in block
      ? toolUse(String(block.name), block.input)
      : (block as never);
});

describe("a fix that is none", () => {
  const fix = { subject: "Guard", explanation: "It may be missing.", replacements: [guard], newFiles: [] };
  it.each<[string, unknown, RegExp]>([
    ["an unknown file", { ...fix, replacements: [{ ...guard, path: "src/nope.ts" }] }, /no such text file/],
    ["a text that is not there", { ...fix, replacements: [{ ...guard, search: "nope" }] }, /not in the file/],
    ["no change", { ...fix, replacements: [] }, /Nothing is changed/],
    [
      "a diff in place of replacements",
      { ...fix, replacements: "--- a/src/total.ts\n+++ b/src/total.ts" },
      /replacements/,
    ],
    ["a file outside", { ...fix, newFiles: [{ path: "../x", content: "x" }] }, /inside the repository/],
    ["an empty subject", { ...fix, subject: " " }, /subject/],
    ["51 replacements", { ...fix, replacements: Array(51).fill(guard) }, /replacements/],
    [
      "11 new files",
      { ...fix, newFiles: Array.from({ length: 11 }, (_, n) => ({ path: `n${n}.ts`, content: "x" })) },
      /newFiles/,
    ],
  ])("%s: asked three times more, then given up with the reason", async (_, input, because) => {
    api.play(() => tool("submit_fix", input));
    const work = { diagnosis: aDiagnosis({ files: ["src/total.ts"] }), feedback: [] };
    const result = await claudeAt(api).repair(aProblem(), work, aCommit(shop), aSession());
    expect(result).toMatchObject({ kind: "cannot_fix", because: expect.stringMatching(because) });
    expect(api.requests).toHaveLength(4);
    expect(api.refused).toEqual([]);
  });
});

describe("tools that are used wrongly", () => {
  it("go back as errors, and the conversation goes on", async () => {
    const { result } = await diagnosed(
      then(
        tools(["run_shell", { command: "cat /etc/passwd" }], ["read_file", { path: 3 }], ["read_file", "{oops"]),
        tools(...Array.from({ length: 30 }, (): [string, unknown] => ["read_file", { path: "src/total.ts" }])),
      ),
    );
    expect(result).toMatchObject({ kind: "diagnosed" });
    expect(api.refused).toEqual([]);
    expect(api.requests[1]?.results.map(({ isError }) => isError)).toEqual([true, true, true]);
    expect(api.requests[1]?.results[0]?.text).toMatch(/^There is no such tool\. There are: list_files/);
    expect(api.requests[2]?.results.filter(({ isError }) => isError)).toHaveLength(22);
  });
});

it("an answer that no database could keep is kept all the same", async () => {
  const rootCause = "a zero \u0000 and half a character \ud83d";
  const { result, session } = await diagnosed(aModelThatKnows({ finding: { ...finding, rootCause } }));
  expect(result).toMatchObject({ kind: "diagnosed" });
  expect(JSON.stringify(session.booked)).not.toMatch(/\\u0000|\\ud83d/);
});

describe("usage that is odd", () => {
  it.each([
    ["missing", null],
    ["without fields", { input_tokens: undefined, output_tokens: undefined }],
    ["negative", { input_tokens: -5 }],
  ])("%s crashes nothing", async (_, usage) => {
    const answer = right({ tools: ["submit_diagnosis"], turn: 0 } as Parameters<typeof right>[0]);
    const { result, session } = await diagnosed([answer.kind === "message" ? { ...answer, usage } : answer]);
    expect(result).toMatchObject({ kind: "diagnosed" });
    expect(session.booked[0]?.call.costUsd).toBeGreaterThanOrEqual(0);
  });
});

it("uses the models that were chosen, and nothing of the environment", async () => {
  api.play(right);
  await claudeAt(api).diagnose(aProblem(), aCommit(shop), aSession());
  expect(api.requests[0]).toMatchObject({ model: models.diagnose, headers: { authorization: `Bearer ${api.apiKey}` } });
});
