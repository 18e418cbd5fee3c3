import type { ServerResponse } from "node:http";
import type { Answer, Block, Usage } from "./answers.ts";

type Message = Extract<Answer, { kind: "message" }>;

/** Writes an answer as the service would, or breaks as it was told to. */
export function write(
  response: ServerResponse,
  answer: Answer,
  request: { id: string; model: string; stream: boolean; usage: Usage },
): void {
  switch (answer.kind) {
    case "hang":
      return;
    case "reset":
      response.socket?.resetAndDestroy();
      return;
    case "nonsense":
      response.writeHead(200, { "content-type": answer.contentType, "request-id": request.id }).end(answer.body);
      return;
    case "error":
      response.writeHead(answer.status, {
        "content-type": "application/json",
        "request-id": request.id,
        ...answer.headers,
      });
      response.end(
        JSON.stringify({
          type: "error",
          error: { type: answer.type, message: answer.message },
          request_id: request.id,
        }),
      );
      return;
    case "message":
      if (request.stream) writeStream(response, answer, request);
      else writeWhole(response, answer, request);
  }
}

function envelope(answer: Message, { id, model, usage }: { id: string; model: string; usage: Usage }) {
  return {
    id: `msg_${id}`,
    type: "message",
    role: "assistant",
    model,
    content: answer.content,
    stop_reason: answer.stopReason,
    stop_sequence: null,
    usage: answer.usage === null ? null : { ...usage, ...answer.usage },
  };
}

function writeWhole(
  response: ServerResponse,
  answer: Message,
  request: { id: string; model: string; usage: Usage },
): void {
  const body = JSON.stringify(envelope(answer, request));
  response.writeHead(200, { "content-type": "application/json", "request-id": request.id });
  if (answer.breaks === undefined) return void response.end(body);
  response.write(body.slice(0, body.length / 2), () => answer.breaks !== "hang" && response.socket?.destroy());
}

function writeStream(
  response: ServerResponse,
  answer: Message,
  request: { id: string; model: string; usage: Usage },
): void {
  response.writeHead(200, {
    "content-type": "text/event-stream",
    "cache-control": "no-cache",
    "request-id": request.id,
  });
  const events = eventsOf(answer, request);
  const middle = Math.ceil(events.length / 2);
  const send = (some: [string, unknown][], done?: () => void) =>
    response.write(some.map(([event, data]) => `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`).join(""), done);
  switch (answer.breaks) {
    case undefined:
      send(events);
      return void response.end();
    case "reset":
      return void send(events.slice(0, middle), () => response.socket?.destroy());
    case "hang":
      return void send(events.slice(0, middle));
    case "no_stop":
      send(events.slice(0, -1));
      return void response.end();
    case "overloaded": {
      const error = {
        type: "error",
        error: { type: "overloaded_error", message: "Overloaded" },
        request_id: request.id,
      };
      send([...events.slice(0, middle), ["error", error]]);
      return void response.end();
    }
  }
}

function eventsOf(answer: Message, request: { id: string; model: string; usage: Usage }): [string, unknown][] {
  const whole = envelope(answer, request);
  const begun = {
    ...whole,
    content: [],
    stop_reason: null,
    usage: whole.usage === null ? null : { ...whole.usage, output_tokens: 1 },
  };
  return [
    ["message_start", { type: "message_start", message: begun }],
    ["ping", { type: "ping" }],
    ...answer.content.flatMap(blockEvents),
    [
      "message_delta",
      {
        type: "message_delta",
        delta: { stop_reason: answer.stopReason, stop_sequence: null },
        usage: whole.usage === null ? null : { output_tokens: whole.usage.output_tokens },
      },
    ],
    ["message_stop", { type: "message_stop" }],
  ];
}

function blockEvents(block: Block, index: number): [string, unknown][] {
  const [empty, deltas] = partsOf(block);
  return [
    ["content_block_start", { type: "content_block_start", index, content_block: empty }],
    ...deltas.map((delta): [string, unknown] => ["content_block_delta", { type: "content_block_delta", index, delta }]),
    ["content_block_stop", { type: "content_block_stop", index }],
  ];
}

function partsOf(block: Block): [unknown, unknown[]] {
  switch (block.type) {
    case "text":
      return [{ ...block, text: "" }, chunks(block.text).map((text) => ({ type: "text_delta", text }))];
    case "thinking":
      return [
        { ...block, thinking: "", signature: "" },
        [
          ...chunks(block.thinking).map((thinking) => ({ type: "thinking_delta", thinking })),
          { type: "signature_delta", signature: block.signature },
        ],
      ];
    case "tool_use": {
      // A text stands for arguments that are no JSON object: it is sent as it is.
      const json = typeof block.input === "string" ? block.input : JSON.stringify(block.input);
      return [
        { ...block, input: {} },
        chunks(json).map((partial_json) => ({ type: "input_json_delta", partial_json })),
      ];
    }
  }
}

/** At least one piece, at most eight: enough to be a stream, few enough for answers of megabytes. */
function chunks(text: string): string[] {
  const size = Math.max(20, Math.ceil(text.length / 8));
  return Array.from({ length: Math.max(1, Math.ceil(text.length / size)) }, (_, index) =>
    text.slice(index * size, (index + 1) * size),
  );
}
