import { createServer, type Server } from "node:http";
import { afterAll, beforeAll, expect, it } from "vitest";
import { Failure } from "#domain/failure.ts";
import { aSession } from "#tests/support/engineer-session.ts";
import { aCommit, aProblem, claudeAt, finding, shop } from "./claude-bench.ts";

/** Services that speak the Messages API without streams: every request is answered with one JSON document. */

let server: Server;
let url = "";
let body = "";
let contentType = "application/json";
beforeAll(async () => {
  server = createServer((request, response) => {
    request.resume().on("end", () => response.writeHead(200, { "content-type": contentType }).end(body));
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const address = server.address();
  if (typeof address === "object" && address !== null) url = `http://127.0.0.1:${address.port}`;
});
afterAll(() => new Promise((closed) => server.close(closed)));

const answer = {
  ...finding,
  ...{ causeClass: "code_fault", fixStrategy: "Read it with a default.", confidence: 90 },
  ...{ requiresPerson: false, estimatedMinutes: 5 },
};
const call = { type: "tool_use", id: "call_1", name: "submit_diagnosis", input: answer };
const usage = { input_tokens: 1_000, output_tokens: 100 };

async function diagnosed(answer: string, type = "application/json") {
  body = answer;
  contentType = type;
  const session = aSession();
  const claude = claudeAt({ url, apiKey: "k" }, { limits: { pauseMs: 1, triesMax: 2 } });
  const result = await claude.diagnose(aProblem(), aCommit(shop), session).catch((error: unknown) => {
    if (error instanceof Failure) return error;
    throw error;
  });
  expect(session.open()).toEqual([]);
  return { result, session };
}

it.each([
  ["a message", { type: "message", role: "assistant", content: [call], stop_reason: "tool_use", usage }],
  [
    "an answer as text that is JSON and nothing else",
    { type: "message", content: [{ type: "text", text: JSON.stringify(answer) }] },
  ],
  [
    "the same in a fence",
    { type: "message", content: [{ type: "text", text: `\`\`\`json\n${JSON.stringify(answer)}\n\`\`\`` }] },
  ],
  [
    "an answer with fields that nobody asked for",
    { type: "message", content: [{ ...call, input: { ...answer, approvedBy: "me" } }] },
  ],
  ["a message with as little as possible", { type: "message", content: [call] }],
])("understands %s that comes whole", async (_, message) => {
  for (const type of ["application/json", "application/json; charset=utf-8"]) {
    const { result } = await diagnosed(JSON.stringify(message), type);
    expect(result).toMatchObject({ kind: "diagnosed" });
  }
});

it("books what such an answer says that it cost", async () => {
  const { session } = await diagnosed(JSON.stringify({ type: "message", content: [call], usage }));
  expect(session.booked.map(({ call }) => call)).toMatchObject([{ inputTokens: 1_000, outputTokens: 100 }]);
});

it.each([
  ["half of a message", JSON.stringify({ type: "message", content: [call] }).slice(0, -20)],
  ["something else", '{"ok":true}'],
  ["content that is no list", '{"type":"message","content":"hello"}'],
  ["nothing", ""],
  ["depth without end", `{"type":"message","content":[${"[".repeat(5_000)}${"]".repeat(5_000)}]}`],
])("gives up after its tries on %s", async (_, answer) => {
  const { result } = await diagnosed(answer);
  expect(result).toMatchObject({ code: "unavailable" });
});

it("does not ask again for an answer without end", async () => {
  const { result } = await diagnosed(JSON.stringify({ type: "message", content: [], more: "x".repeat(4_100_000) }));
  expect(result).toEqual({ kind: "unknown", because: "the answer was far too long" });
});
