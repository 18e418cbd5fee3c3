import type { IncomingHttpHeaders } from "node:http";
import { z } from "zod";

const Cache = z.looseObject({ type: z.literal("ephemeral") }).nullish();
const Content = z.looseObject({ type: z.string(), cache_control: Cache });
const RequestBody = z.looseObject({
  model: z.string().min(1),
  max_tokens: z.int().min(1).optional(),
  stream: z.boolean().optional(),
  system: z.union([z.string(), z.array(Content)]).optional(),
  messages: z
    .array(z.looseObject({ role: z.enum(["user", "assistant"]), content: z.union([z.string(), z.array(Content)]) }))
    .min(1),
  tools: z
    .array(
      z.looseObject({
        name: z.string().regex(/^[a-zA-Z0-9_-]{1,128}$/),
        input_schema: z.looseObject({}),
        cache_control: Cache,
      }),
    )
    .optional(),
  tool_choice: z.looseObject({ type: z.string() }).optional(),
});
export type RequestBody = z.infer<typeof RequestBody>;

/** One request as it came, with what a rule usually asks of it. */
export interface MessagesRequest {
  /** From 0, over all requests for messages to this server. */
  index: number;
  headers: IncomingHttpHeaders;
  body: RequestBody;
  /** The bytes as they came: to look for secrets in. */
  raw: string;
  model: string;
  /** How many answers this conversation has had. */
  turn: number;
  tools: string[];
  /** Every text in it but the tools' schemas: system, messages, tool results. */
  text: string;
  /** What the tools of the last answer brought, in their order. */
  results: { tool: string; text: string; isError: boolean }[];
}

export function requestOf(
  index: number,
  headers: IncomingHttpHeaders,
  raw: string,
  body: RequestBody,
): MessagesRequest {
  const calls = new Map<string, string>();
  for (const block of body.messages.flatMap(blocksOf)) {
    if (block.type === "tool_use") calls.set(String(block.id), String(block.name));
  }
  const last = body.messages.at(-1);
  const results = last === undefined ? [] : blocksOf(last).filter(({ type }) => type === "tool_result");
  return {
    index,
    headers,
    body,
    raw,
    model: body.model,
    turn: body.messages.filter(({ role }) => role === "assistant").length,
    tools: (body.tools ?? []).map(({ name }) => name),
    text: [
      typeof body.system === "string" ? body.system : (body.system ?? []).map(textOf).join("\n"),
      ...body.messages.flatMap(blocksOf).map(textOf),
    ].join("\n"),
    results: results.map((block) => ({
      tool: calls.get(String(block.tool_use_id)) ?? "",
      text: textOf(block),
      isError: block.is_error === true,
    })),
  };
}

type ContentBlock = z.infer<typeof Content>;

export function blocksOf({ content }: { content: string | ContentBlock[] }): ContentBlock[] {
  return typeof content === "string" ? [{ type: "text", text: content }] : content;
}

function textOf(block: ContentBlock): string {
  if (typeof block.text === "string") return block.text;
  if (block.type === "tool_use") return JSON.stringify(block.input);
  if (typeof block.content === "string") return block.content;
  return Array.isArray(block.content) ? block.content.map((part) => String(part?.text ?? "")).join("\n") : "";
}

/** Models that answer 400 when a tool is forced upon them. */
const neverForced = /^claude-(?:opus|sonnet|haiku)-5-5|^claude-(?:fable|mythos)/;
const breakpointsMax = 4;

/** The body where the real service would take it; else what that would say against it. */
export function taken(body: unknown): { kind: "taken"; body: RequestBody } | { kind: "refused"; because: string } {
  const parsed = RequestBody.safeParse(body);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    return { kind: "refused", because: `${issue?.path.join(".")}: ${issue?.message}` };
  }
  const because = objectionTo(parsed.data) ?? unansweredTool(parsed.data);
  return because === undefined ? { kind: "taken", body: parsed.data } : { kind: "refused", because };
}

function objectionTo({ messages, tools = [], tool_choice, system, model }: RequestBody): string | undefined {
  if (messages[0]?.role !== "user") return "messages: first message must use the user role";
  const systemBlocks = typeof system === "string" || system === undefined ? [] : system;
  const all = [...systemBlocks, ...messages.flatMap(blocksOf)];
  const marked = [...all, ...tools].filter(({ cache_control }) => cache_control != null).length;
  if (marked > breakpointsMax) {
    return `A maximum of ${breakpointsMax} blocks with cache_control may be provided. Found ${marked}.`;
  }
  if (all.some((block) => block.type === "text" && String(block.text).trim() === "")) {
    return "messages: text content blocks must contain non-whitespace text";
  }
  if (new Set(tools.map(({ name }) => name)).size !== tools.length) return "tools: Tool names must be unique.";
  if (neverForced.test(model) && ["any", "tool"].includes(tool_choice?.type ?? "auto")) {
    return "tool_choice: forced tool use is not supported by this model";
  }
  return undefined;
}

/** Every call must be answered in the message right after it, and nothing else may be answered. */
function unansweredTool({ messages }: RequestBody): string | undefined {
  let open = new Set<string>();
  for (const [index, message] of messages.entries()) {
    const blocks = blocksOf(message);
    const ids = (kind: string, name: string) =>
      blocks.filter(({ type }) => type === kind).map((block) => String(block[name]));
    if (message.role === "assistant") {
      if (blocks.length === 0) return `messages.${index}: assistant content must not be empty`;
      open = new Set(ids("tool_use", "id"));
      continue;
    }
    const answered = ids("tool_result", "tool_use_id");
    const stray = answered.find((id) => !open.has(id));
    if (stray !== undefined) return `messages.${index}: unexpected tool_use_id in tool_result blocks: ${stray}`;
    const missing = [...open].find((id) => !answered.includes(id));
    if (missing !== undefined) return `messages.${index}: tool_use ids without tool_result blocks: ${missing}`;
    open = new Set();
  }
  return undefined;
}
