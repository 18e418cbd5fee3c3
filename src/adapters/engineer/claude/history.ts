import type {
  ContentBlockParam,
  MessageParam,
  TextBlockParam,
  ToolResultBlockParam,
} from "@anthropic-ai/sdk/resources/messages";
import { type Block, isToolUse, type Reply, type ToolUse } from "./messages.ts";

/** The conversation as it is sent: every request carries all of it, so each prefix is the one of the request before. */
export interface History {
  messages: { role: "user" | "assistant"; content: ContentBlockParam[] }[];
  /** Characters that the answers and results so far amount to. */
  characters(): number;
  /** The model's answer, and what its tools brought. */
  add(reply: Reply, answers: (TextBlockParam | ToolResultBlockParam)[]): void;
  /** A sentence of ours at the end of what the model reads next. */
  say(sentence: string): void;
  /** With marks where the service shall keep what it read so far. */
  marked(): MessageParam[];
}

export const cached = { type: "ephemeral" } as const;

export function createHistory(first: string): History {
  const messages: History["messages"] = [{ role: "user", content: [{ type: "text", text: first }] }];
  return {
    messages,
    characters: () => JSON.stringify(messages).length,
    add(reply, answers) {
      messages.push({ role: "assistant", content: reply.content.filter(isWorthEchoing).flatMap(echo) });
      messages.push({ role: "user", content: answers });
    },
    say(sentence) {
      messages.at(-1)?.content.push({ type: "text", text: sentence });
    },
    marked() {
      const users = messages.flatMap(({ role }, index) => (role === "user" ? [index] : []));
      // The first message and the last two: the one before last is where the request before this one had its mark.
      const ends = new Set([users[0], users.at(-2), users.at(-1)]);
      return messages.map((message, index) => (ends.has(index) ? withMark(message) : message));
    },
  };
}

function withMark({ role, content }: History["messages"][number]): MessageParam {
  const last = content.at(-1);
  if (last === undefined || !("type" in last) || (last.type !== "text" && last.type !== "tool_result"))
    return { role, content };
  return { role, content: [...content.slice(0, -1), { ...last, cache_control: cached }] };
}

/** The service refuses texts without a word. */
function isWorthEchoing(block: Block): boolean {
  return block.type !== "text" || (typeof block.text === "string" && block.text.trim() !== "");
}

/** Thoughts go back as they came, they are signed. Arguments that were no object would be refused. */
function echo(block: Block): ContentBlockParam[] {
  const echoed: unknown = isToolUse(block)
    ? { type: "tool_use", id: block.id, name: block.name, input: isObject(block.input) ? block.input : {} }
    : block;
  return isParam(echoed) ? [echoed] : [];
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** What came from the service may go back to it. */
function isParam(block: unknown): block is ContentBlockParam {
  return isObject(block) && "type" in block && typeof block.type === "string";
}

export function resultOf({ id }: ToolUse, text: string, isError: boolean): ToolResultBlockParam {
  return {
    type: "tool_result",
    tool_use_id: id,
    content: [{ type: "text", text }],
    ...(isError ? { is_error: true } : {}),
  };
}
