import { z } from "zod";

/** The Messages API as far as it is used here, parsed on arrival. What is not known of a block is kept: it goes back unchanged. */

const Text = z.looseObject({ type: z.literal("text"), text: z.string() });
const ToolUse = z.looseObject({
  type: z.literal("tool_use"),
  id: z.string().min(1).max(200),
  name: z.string().max(200),
  input: z.unknown(),
});
const Other = z.looseObject({ type: z.string().refine((type) => type !== "text" && type !== "tool_use") });
export const Block = z.union([Text, ToolUse, Other]);
export type Block = z.infer<typeof Block>;
export type ToolUse = z.infer<typeof ToolUse>;

const count = z
  .number()
  .nullish()
  .transform((value) => Math.max(0, value ?? 0));
export const Usage = z.looseObject({
  input_tokens: count,
  output_tokens: count,
  cache_creation_input_tokens: count,
  cache_read_input_tokens: count,
});
export type Usage = z.infer<typeof Usage>;
export const noUsage: Usage = {
  input_tokens: 0,
  output_tokens: 0,
  cache_creation_input_tokens: 0,
  cache_read_input_tokens: 0,
};

/** One finished answer; also what is kept of it for `recall`. */
export const Reply = z.object({
  kind: z.literal("reply"),
  content: z.array(Block).max(1_000),
  stopReason: z.string().nullable(),
  usage: Usage,
});
export type Reply = z.infer<typeof Reply>;

export function isToolUse(block: Block): block is ToolUse {
  return block.type === "tool_use";
}
