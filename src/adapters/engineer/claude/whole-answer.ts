import { z } from "zod";
import { Block, noUsage, type Reply, Usage } from "./messages.ts";
import { BrokenStream, charactersMax, isShallow, storable, tooLong } from "./stream.ts";

const Message = z.looseObject({
  type: z.literal("message"),
  content: z.array(z.unknown()),
  stop_reason: z.string().nullish(),
  usage: Usage.nullish(),
});

/** Simple services answer with one JSON document, although a stream was asked for. */
export function isWhole(response: Response): boolean {
  return /^application\/json\b/i.test(response.headers.get("content-type") ?? "");
}

/** The answer of such a service. Throws `BrokenStream` unless it is a whole message. */
export async function wholeReplyOf(response: Response): Promise<Reply> {
  const body = await jsonOf(response);
  if (body === tooLong) return { kind: "reply", content: [], stopReason: tooLong, usage: noUsage };
  const message = Message.safeParse(body);
  const usage = message.data?.usage ?? null;
  const content = z.array(Block).safeParse(isShallow(message.data?.content) ? storable(message.data?.content) : null);
  if (!message.success || !content.success) throw new BrokenStream("The answer is no message.", usage);
  return {
    kind: "reply",
    content: content.data,
    stopReason: message.data.stop_reason ?? null,
    usage: usage ?? noUsage,
  };
}

/** Read piece by piece, so that an endless one does not fill the memory. */
async function jsonOf(response: Response): Promise<unknown> {
  const decoder = new TextDecoder();
  let text = "";
  try {
    for await (const piece of response.body ?? []) {
      text += decoder.decode(piece, { stream: true });
      // Leaving the loop ends the connection as well.
      if (text.length > charactersMax) return tooLong;
    }
    return JSON.parse(text);
  } catch (cause) {
    throw new BrokenStream("The answer broke off.", null, cause);
  }
}
