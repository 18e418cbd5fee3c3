import { createHash } from "node:crypto";
import type { Block, Usage } from "./answers.ts";
import { blocksOf, type RequestBody } from "./request.ts";

/** Below this a prefix is not cached; the real figure depends on the model (512 to 4,096). */
const cachedTokensMin = 1_024;
/** How many blocks before a mark are compared with what was cached before. */
const lookBackMax = 20;

/** Counts tokens as the service would, roughly: four characters are one. Remembers marked prefixes like its cache. */
export function createMeter(): (body: RequestBody, content: Block[]) => Usage {
  const cached = new Set<string>();
  return (body, content) => {
    const blocks = prefixesOf(body);
    const total = blocks.at(-1)?.tokens ?? 0;
    const marks = blocks.flatMap(({ marked }, index) => (marked ? [index] : []));
    const read = Math.max(0, ...marks.map((mark) => hitBefore(blocks, mark, cached)));
    const lastMark = blocks[marks.at(-1) ?? -1]?.tokens ?? 0;
    const written = lastMark >= cachedTokensMin ? Math.max(0, lastMark - read) : 0;
    for (const mark of marks) {
      const prefix = blocks[mark];
      if (prefix !== undefined && prefix.tokens >= cachedTokensMin) cached.add(prefix.hash);
    }
    return {
      input_tokens: total - read - written,
      cache_creation_input_tokens: written,
      cache_read_input_tokens: read,
      output_tokens: Math.max(1, tokensOf(JSON.stringify(content))),
    };
  };
}

function hitBefore(blocks: Prefix[], mark: number, cached: Set<string>): number {
  for (let index = mark; index >= Math.max(0, mark - lookBackMax); index--) {
    const prefix = blocks[index];
    if (prefix !== undefined && cached.has(prefix.hash)) return prefix.tokens;
  }
  return 0;
}

interface Prefix {
  /** Over everything up to and with this block. */
  hash: string;
  tokens: number;
  marked: boolean;
}

/** Tools, then system, then messages: one prefix per block. */
function prefixesOf({ model, tools = [], system, messages }: RequestBody): Prefix[] {
  const systemBlocks = typeof system === "string" ? [{ type: "text", text: system }] : (system ?? []);
  const parts = [
    ...tools,
    ...systemBlocks,
    ...messages.flatMap((message) => blocksOf(message).map((block) => ({ role: message.role, ...block }))),
  ];
  let hash = model;
  let tokens = 0;
  return parts.map(({ cache_control, ...part }: Record<string, unknown>) => {
    const text = JSON.stringify(part);
    hash = createHash("sha256").update(hash).update(text).digest("hex");
    tokens += tokensOf(text);
    return { hash, tokens, marked: cache_control != null };
  });
}

export function tokensOf(text: string): number {
  return Math.ceil(text.length / 4);
}
