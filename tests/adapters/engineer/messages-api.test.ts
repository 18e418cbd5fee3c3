import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import Anthropic from "@anthropic-ai/sdk";
import { afterAll, beforeAll, expect, it } from "vitest";
import { fault, type MessagesApi, startMessagesApi, text, tool } from "#tests/support/messages-api.ts";

/** The test server itself, through the real client: what tests rely on when they say "the service would refuse that". */

let api: MessagesApi;
let client: Anthropic;
beforeAll(async () => {
  api = await startMessagesApi();
  client = new Anthropic({ baseURL: api.url, apiKey: api.apiKey, maxRetries: 1 });
});
afterAll(() => api.close());

const hello = { role: "user" as const, content: "hello" };
const request = { model: "claude-sonnet-5-5", max_tokens: 100, messages: [hello] };
const call = { type: "tool_use" as const, id: "toolu_1", name: "look", input: {} };
const look = { name: "look", input_schema: { type: "object" as const } };

it("answers alike with a stream and without", async () => {
  api.play([tool("look", { at: "a.ts" }), tool("look", { at: "a.ts" })]);
  const whole = await client.messages.create(request);
  const streamed = await client.messages.stream(request).finalMessage();
  expect(whole.content).toMatchObject([{ type: "tool_use", name: "look", input: { at: "a.ts" } }]);
  expect(streamed.content).toMatchObject([{ type: "tool_use", name: "look", input: { at: "a.ts" } }]);
  expect([whole.stop_reason, streamed.stop_reason]).toEqual(["tool_use", "tool_use"]);
});

it("lists models, counts tokens, and takes no other key", async () => {
  expect((await client.models.list()).data.map(({ id }) => id)).toContain("claude-sonnet-5-5");
  expect((await client.messages.countTokens({ model: request.model, messages: [hello] })).input_tokens).toBeGreaterThan(
    5,
  );
  const stranger = new Anthropic({ baseURL: api.url, apiKey: "sk-ant-other" });
  await expect(stranger.messages.create(request)).rejects.toMatchObject({ status: 401 });
});

it("makes the client wait and try again", async () => {
  api.play([fault(529), text("there")]);
  expect((await client.messages.create(request)).content).toMatchObject([{ text: "there" }]);
  expect(api.requests).toHaveLength(2);
});

it.each([
  [
    "a call without its result",
    { messages: [hello, { role: "assistant", content: [call] }, hello] },
    /without tool_result/,
  ],
  [
    "a result without its call",
    { messages: [{ role: "user", content: [{ type: "tool_result", tool_use_id: "toolu_9" }] }] },
    /unexpected tool_use_id/,
  ],
  ["a text without a word", { messages: [{ role: "user", content: [{ type: "text", text: " " }] }] }, /non-whitespace/],
  ["an answer that comes first", { messages: [{ role: "assistant", content: "hi" }] }, /first message/],
  ["a tool that is forced", { tools: [look], tool_choice: { type: "any" } }, /forced tool use/],
  ["two tools of one name", { tools: [look, look] }, /unique/],
  ["a request beyond the script", {}, /no answer/],
])("refuses %s, and remembers that it did", async (_, change, because) => {
  api.play([]);
  const body = { ...request, ...change } as Anthropic.MessageCreateParamsNonStreaming;
  await expect(client.messages.create(body)).rejects.toMatchObject({
    status: 400,
    message: expect.stringMatching(because),
  });
  expect(api.refused).toEqual([expect.stringMatching(because)]);
});

it("runs as a process of its own", async () => {
  const folder = await mkdtemp(join(tmpdir(), "vigil-api-"));
  const script = join(folder, "script.mjs");
  await writeFile(
    script,
    'export default [{ kind: "message", content: [{ type: "text", text: "hi" }], stopReason: "end_turn" }];\n',
  );
  const child = spawn(process.execPath, ["tests/support/messages-api.ts", "--script", script]);
  try {
    const [line] = await once(createInterface(child.stdout), "line");
    const { url, apiKey } = JSON.parse(String(line));
    const answer = await new Anthropic({ baseURL: url, apiKey }).messages.create(request);
    expect(answer.content).toMatchObject([{ text: "hi" }]);
  } finally {
    child.kill();
    await once(child, "exit");
    await rm(folder, { recursive: true });
  }
});
