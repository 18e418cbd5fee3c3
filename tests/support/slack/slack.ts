/**
 * A Slack for tests: a real HTTP server that speaks the part of Slack that Vigil uses, with the faults that `emulate`
 * does not have. Shapes and codes: the public reference of the Web API, incoming webhooks and interactivity.
 *
 *   const slack = await startSlack();
 *   slack.apiUrl, .token, .channel, .webhookUrl, .signingSecret
 *   slack.messages()               // what people see, oldest first; `readable(message)` is the text on their screen
 *   slack.fault({ path: "chat.postMessage", status: 429, headers: { "retry-after": "1" }, times: 1 })
 *   slack.down(); slack.up();      // refuses connections, and takes them again at the same address
 *   slack.click(message, { action: "vigil_approve", user: "U0ALICE" })  // a signed request, ready to be sent to Vigil
 *   await slack.close();
 *
 * As at Slack: an unknown token is `invalid_auth`; a channel that is not `channel` is `channel_not_found`; blocks past the
 * limits are `invalid_blocks`; `include_all_metadata` brings metadata back; a response URL replaces its message or answers
 * one person.
 */
import { createHmac, randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { webApi } from "./api.ts";
import { blocksRefusal } from "./blocks.ts";
import { type Fault, faultOf, post, type SlackMessage, type SlackState } from "./state.ts";

export { liveMarkup, readable } from "./blocks.ts";
export type { SlackMessage } from "./state.ts";

export interface Click {
  action: string;
  user: string;
  /** The time that the signature carries. */
  at?: Date;
}

export interface SignedRequest {
  body: string;
  headers: Record<string, string>;
}

export type TestSlack = Awaited<ReturnType<typeof startSlack>>;

export async function startSlack() {
  const state: SlackState = { messages: [], faults: [], views: [], answers: [], calls: [], clicks: new Map() };
  const token = "xoxb-test-0123456789-0123456789-abcdefghijklmnop";
  const channel = "C0VIGIL001";
  const signingSecret = "8f742231b10e8888abcd99yyyzzz85a5";
  const sockets = new Set<Socket>();
  let server = await listening(0);
  const { port } = server.address() as AddressInfo;
  const origin = `http://127.0.0.1:${port}`;
  const webhookPath = "/services/T0TEST/B0TEST/abcdefghijklmnopqrstuvwx";

  async function listening(at: number): Promise<Server> {
    const made = createServer((request, response) => void handle(request, response));
    made.on("connection", (socket) => {
      sockets.add(socket);
      socket.on("close", () => sockets.delete(socket));
    });
    await new Promise<void>((resolve, reject) => made.once("error", reject).listen(at, "127.0.0.1", resolve));
    return made;
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = new URL(request.url ?? "/", "http://slack").pathname;
    const body = await textOf(request);
    state.calls.push(path);
    const fault = faultOf(state, path);
    if (fault?.hang === true) return;
    if (fault !== undefined && fault.after === undefined) return refuse(response, path, fault);
    const answer = answerTo(path, body, request);
    if (fault?.after === "hang") return;
    if (fault?.after === "cut") return void request.socket.destroy();
    response.writeHead(answer.status, { "content-type": answer.type }).end(answer.body);
  }

  function answerTo(path: string, body: string, request: IncomingMessage) {
    if (path.startsWith("/api/")) {
      const given = (request.headers.authorization ?? "").replace(/^Bearer /, "");
      const result =
        given === token
          ? webApi(state, { method: path.slice("/api/".length), form: formOf(body, request), channel })
          : { ok: false, error: "invalid_auth" };
      return { status: 200, type: "application/json; charset=utf-8", body: JSON.stringify(result) };
    }
    if (path.startsWith("/actions/")) return text(200, respond(state, path, JSON.parse(body)));
    if (path !== webhookPath) return text(404, "no_service");
    const { text: given, blocks } = JSON.parse(body) as { text?: string; blocks?: unknown[] };
    if (given === undefined && blocks === undefined) return text(400, "no_text");
    if (blocksRefusal(blocks) !== undefined) return text(400, "invalid_blocks");
    post(state, { channel, text: given ?? "", ...(blocks === undefined ? {} : { blocks }), via: "webhook" });
    return text(200, "ok");
  }

  const sign = (body: string, at: Date): SignedRequest => {
    const seconds = String(Math.floor(at.getTime() / 1_000));
    const mac = createHmac("sha256", signingSecret).update(`v0:${seconds}:${body}`).digest("hex");
    return {
      body,
      headers: {
        "content-type": "application/x-www-form-urlencoded",
        "x-slack-request-timestamp": seconds,
        "x-slack-signature": `v0=${mac}`,
      },
    };
  };
  const signed = (payload: unknown, at = new Date()) =>
    sign(new URLSearchParams({ payload: JSON.stringify(payload) }).toString(), at);

  return {
    apiUrl: `${origin}/api/`,
    webhookUrl: `${origin}${webhookPath}`,
    token,
    channel,
    signingSecret,
    state,
    messages: () => state.messages,
    /** What single people were told, and how messages were replaced. */
    answers: () => state.answers,
    views: () => state.views,
    fault: (fault: Fault) => void state.faults.push(fault),
    heal: () => void state.faults.splice(0),
    /** As it was at the start. */
    clear: () => {
      for (const list of [state.messages, state.faults, state.views, state.answers, state.calls]) list.length = 0;
      state.clicks.clear();
    },
    sign,
    signed,
    /** What Slack sends to Vigil when somebody presses a button of this message. */
    click: (message: SlackMessage, { action, user, at }: Click) =>
      signed(clickPayload(state, { origin, message, action, user }), at),
    /** What Slack sends when somebody sends off the newest modal. */
    submit: ({ user, reason }: { user: string; reason: string }) => signed(submission(state, { user, reason })),
    down: async () => {
      const closing = new Promise((done) => server.close(done));
      for (const socket of sockets) socket.destroy();
      await closing;
    },
    up: async () => {
      server = await listening(port);
    },
    close: async () => {
      if (!server.listening) return;
      const closing = new Promise((done) => server.close(done));
      for (const socket of sockets) socket.destroy();
      await closing;
    },
  };
}

function text(status: number, body: string) {
  return { status, type: "text/html", body };
}

function refuse(response: ServerResponse, path: string, { status, headers, error }: Fault): void {
  const isApi = path.startsWith("/api/");
  response.writeHead(status ?? 200, { "content-type": isApi ? "application/json" : "text/html", ...headers });
  response.end(isApi ? JSON.stringify({ ok: false, error: error ?? "internal_error" }) : (error ?? "fault"));
}

/** A response URL: replaces the message that was clicked, or tells one person. */
function respond(state: SlackState, path: string, body: Record<string, unknown>): string {
  state.answers.push({ click: path, body });
  const message = state.clicks.get(path);
  if (body.replace_original === true && message !== undefined) {
    message.text = String(body.text ?? "");
    message.blocks = body.blocks as unknown[];
  }
  return "ok";
}

function clickPayload(
  state: SlackState,
  { origin, message, action, user }: { origin: string; message: SlackMessage; action: string; user: string },
) {
  const buttons = (message.blocks ?? []).flatMap(
    (block) => (block as { elements?: Record<string, unknown>[] }).elements ?? [],
  );
  const button = buttons.find(({ action_id }) => action_id === action);
  if (button === undefined) throw new Error(`the message has no button ${action}`);
  const path = `/actions/T0TEST/${randomUUID()}`;
  state.clicks.set(path, message);
  return {
    type: "block_actions",
    user: { id: user, username: user.toLowerCase(), team_id: "T0TEST" },
    team: { id: "T0TEST", domain: "test" },
    channel: { id: message.channel, name: "alerts" },
    container: { type: "message", message_ts: message.ts, channel_id: message.channel, is_ephemeral: false },
    trigger_id: `1.2.${randomUUID()}`,
    response_url: `${origin}${path}`,
    message: { type: "message", ts: message.ts, text: message.text, blocks: message.blocks },
    actions: [
      { type: "button", action_id: action, block_id: "b", value: button.value, action_ts: "1700000000.000001" },
    ],
  };
}

function submission(state: SlackState, { user, reason }: { user: string; reason: string }) {
  const newest = state.views.at(-1);
  if (newest === undefined) throw new Error("no modal was opened");
  const blocks = newest.view.blocks as { type: string; block_id: string; element: { action_id: string } }[];
  const input = blocks.find(({ type }) => type === "input");
  if (input === undefined) throw new Error("the modal asks for nothing");
  const values = { [input.block_id]: { [input.element.action_id]: { type: "plain_text_input", value: reason } } };
  return {
    type: "view_submission",
    user: { id: user, team_id: "T0TEST" },
    team: { id: "T0TEST" },
    view: { ...newest.view, id: "V0TEST", state: { values } },
  };
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}

/** The Web API takes forms, and JSON where the header says so. */
function formOf(body: string, { headers }: IncomingMessage): URLSearchParams {
  if (!/^application\/json/.test(headers["content-type"] ?? "")) return new URLSearchParams(body);
  const fields = Object.entries(JSON.parse(body || "{}") as Record<string, unknown>);
  return new URLSearchParams(
    fields.map(([name, value]) => [name, typeof value === "string" ? value : JSON.stringify(value)]),
  );
}
