import { z } from "zod";
import { Block, noUsage, type Reply, Usage } from "./messages.ts";

/** An endless answer must not fill the memory; 24,000 tokens are about 100 kB. */
export const charactersMax = 4_000_000;
/** No tool's arguments are nested deeper. */
const depthMax = 20;

/** The line broke, or what came over it was no whole message. `usage` is what will be charged all the same; `null`: nothing began. */
export class BrokenStream extends Error {
  readonly usage: Usage | null;
  constructor(because: string, usage: Usage | null, cause?: unknown) {
    super(because, { cause });
    this.usage = usage;
  }
}

const Event = z.discriminatedUnion("type", [
  z.looseObject({ type: z.literal("message_start"), message: z.looseObject({ usage: Usage.nullish() }) }),
  z.looseObject({ type: z.literal("content_block_start"), index: z.int(), content_block: z.looseObject({}) }),
  z.looseObject({
    type: z.literal("content_block_delta"),
    index: z.int(),
    delta: z.looseObject({ type: z.string() }),
  }),
  z.looseObject({ type: z.literal("content_block_stop"), index: z.int() }),
  z.looseObject({
    type: z.literal("message_delta"),
    delta: z.looseObject({ stop_reason: z.string().nullish() }),
    usage: z.looseObject({ output_tokens: z.number().nullish() }).nullish(),
  }),
  z.looseObject({ type: z.literal("message_stop") }),
]);
type Event = z.infer<typeof Event>;

/** Puts a streamed answer together. Throws `BrokenStream` unless it came whole. */
export async function replyOf(events: AsyncIterable<unknown>): Promise<Reply> {
  const draft: Draft = { blocks: new Map(), usage: null, stopReason: null, characters: 0, isWhole: false };
  try {
    for await (const raw of events) {
      const event = Event.safeParse(raw);
      // Kinds of events that are added later are none of ours.
      if (event.success) take(draft, event.data);
      // Leaving the loop ends the connection as well.
      if (draft.characters > charactersMax) return farTooLong(draft);
    }
  } catch (error) {
    throw new BrokenStream("The answer broke off.", chargedFor(draft), error);
  }
  const content = z.array(Block).safeParse([...draft.blocks.values()].map((block) => storable(finished(block))));
  if (!draft.isWhole || !content.success) throw new BrokenStream("The answer came without its end.", chargedFor(draft));
  return { kind: "reply", content: content.data, stopReason: draft.stopReason, usage: draft.usage ?? noUsage };
}

/** Not tried again: it would come as long a second time, and be charged again. */
export const tooLong = "too_long";

function farTooLong(draft: Draft): Reply {
  return { kind: "reply", content: [], stopReason: tooLong, usage: chargedFor(draft) ?? noUsage };
}

interface Draft {
  blocks: Map<number, { start: Record<string, unknown>; json: string }>;
  usage: Usage | null;
  stopReason: string | null;
  characters: number;
  isWhole: boolean;
}

function take(draft: Draft, event: Event): void {
  switch (event.type) {
    case "message_start":
      draft.usage = event.message.usage ?? noUsage;
      return;
    case "content_block_start":
      draft.blocks.set(event.index, { start: { ...event.content_block }, json: "" });
      return;
    case "content_block_delta":
      extend(draft, event.index, event.delta);
      return;
    case "message_delta":
      draft.stopReason = event.delta.stop_reason ?? draft.stopReason;
      draft.usage = {
        ...(draft.usage ?? noUsage),
        output_tokens: event.usage?.output_tokens ?? draft.usage?.output_tokens ?? 0,
      };
      return;
    case "message_stop":
      draft.isWhole = true;
      return;
    case "content_block_stop":
      return;
  }
}

/** Texts of deltas are added to the block's field of the same name; a tool's arguments come as pieces of JSON. */
function extend(draft: Draft, index: number, delta: Record<string, unknown>): void {
  const block = draft.blocks.get(index);
  if (block === undefined) return;
  for (const field of ["text", "thinking", "signature"]) {
    const more = delta[field];
    if (typeof more !== "string") continue;
    const before = block.start[field];
    block.start[field] = (typeof before === "string" ? before : "") + more;
    draft.characters += more.length;
  }
  if (typeof delta.partial_json !== "string") return;
  block.json += delta.partial_json;
  draft.characters += delta.partial_json.length;
}

/** Arguments that are no JSON stay a text: the tool's own check then says what is wrong with them. */
function finished({ start, json }: { start: Record<string, unknown>; json: string }): Record<string, unknown> {
  if (start.type !== "tool_use" || json === "") return start;
  try {
    const input: unknown = JSON.parse(json);
    return { ...start, input: isShallow(input) ? input : json };
  } catch {
    return { ...start, input: json };
  }
}

/** Zeros and half characters would make an answer that was paid for impossible to keep: no database takes them as JSON. */
export function storable(value: unknown): unknown {
  if (typeof value === "string") return value.toWellFormed().replaceAll("\u0000", "\uFFFD");
  if (Array.isArray(value)) return value.map(storable);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [storable(name), storable(inner)]));
}

/** Whoever walks through it later may use the stack for it. */
export function isShallow(value: unknown): boolean {
  let level: unknown[] = [value];
  for (let depth = 0; depth <= depthMax; depth++) {
    level = level.flatMap((each) => (typeof each === "object" && each !== null ? Object.values(each) : []));
    if (level.length === 0) return true;
  }
  return false;
}

/** Answers are charged as far as they came, whether they arrived or not; what had come is counted at three characters a token. */
function chargedFor({ usage, blocks }: Draft): Usage | null {
  if (usage === null) return null;
  const characters = [...blocks.values()].reduce(
    (sum, { start, json }) => sum + JSON.stringify(start).length + json.length,
    0,
  );
  return { ...usage, output_tokens: Math.max(usage.output_tokens, Math.ceil(characters / 3)) };
}
