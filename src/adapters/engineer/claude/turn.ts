import type { TextBlockParam, ToolResultBlockParam } from "@anthropic-ai/sdk/resources/messages";
import { cleanLine, cut } from "#domain/text.ts";
import { GivingUp } from "./answers.ts";
import { heldSecret } from "./calls.ts";
import type { Ended, Progress, Room, Step } from "./conversation.ts";
import { resultOf } from "./history.ts";
import { blocked, leaks, saysSecret } from "./leaks.ts";
import { isToolUse, type Reply, type ToolUse } from "./messages.ts";
import * as prompts from "./prompts.ts";
import { tooLong } from "./stream.ts";
import { complaintsOf, schemaOf } from "./tools/tool.ts";

/** Ends a step without an answer. */
export const giveUp = {
  name: "give_up",
  description: "Ends the work without an answer: say what is missing, or why nothing should be done.",
  schema: schemaOf(GivingUp),
};

const toolsAtOnceMax = 8;
/** An answer longer than this does not go back into the next request; the limit of tokens makes it impossible for the real service. */
const answerCharactersMax = 400_000;

interface Turn<Value> {
  step: Step<Value>;
  room: Room;
  progress: Progress;
}

/** Takes one answer in: runs its tools, or ends the step. `undefined`: the model is to be asked again. */
export async function heard<Value>(
  reply: Reply,
  tokensMax: number,
  turn: Turn<Value>,
): Promise<Ended<Value> | undefined> {
  const { progress, step } = turn;
  const calls = reply.content.filter(isToolUse);
  const said = reply.content.some(
    ({ type, text }) => type === "text" && typeof text === "string" && text.trim() !== "",
  );
  if (reply.stopReason === "refusal") return unanswered("Claude refused to work on this problem (refusal)");
  if (reply.stopReason === "model_context_window_exceeded") return unanswered("the problem is too large for the model");
  const isTooLong = reply.stopReason === tooLong || JSON.stringify(reply.content).length > answerCharactersMax;
  if (isTooLong) return unanswered("the answer was far too long");
  // What a model should not know ends the work at once: it is neither used nor said back to it.
  if (reply.stopReason === heldSecret || saysSecret(reply, turn.room.redact)) return unanswered(blocked);
  if (reply.stopReason === "max_tokens") {
    return again(turn, `the answer was longer than ${tokensMax} tokens`, () =>
      progress.history.say(prompts.wasCut(tokensMax)),
    );
  }
  if (calls.length === 0 && !said)
    return again(turn, "the answer was empty", () => progress.history.say(prompts.wasEmpty));
  const spoken = calls.length === 0 ? objectIn(reply) : undefined;
  if (spoken !== undefined) return spokenAnswer(spoken, reply, turn);
  if (calls.length === 0) {
    return again(turn, "the answer was plain text", () =>
      progress.history.add(reply, [{ type: "text", text: prompts.answerThroughTool(step.final.name) }]),
    );
  }
  return answered(reply, calls, turn);
}

/** A text that is one JSON object and nothing else: some models answer so, whatever tools they have. */
function objectIn({ content }: Reply): unknown | undefined {
  const whole = content
    .map(({ text }) => (typeof text === "string" ? text : ""))
    .join("")
    .trim();
  const bare = /^```(?:json)?\n([\s\S]{0,400000})\n```$/.exec(whole)?.[1]?.trim() ?? whole;
  if (!bare.startsWith("{")) return undefined;
  try {
    return JSON.parse(bare);
  } catch {
    return undefined;
  }
}

async function spokenAnswer<Value>(input: unknown, reply: Reply, turn: Turn<Value>): Promise<Ended<Value> | undefined> {
  const judged = await judge({ name: turn.step.final.name, input }, turn);
  if (judged.kind !== "invalid") return judged;
  const because = `no usable answer: ${cut(cleanLine(turn.room.redact(judged.because)), 400)}`;
  const text = `${judged.because}\n${prompts.answerThroughTool(turn.step.final.name)}`;
  return again(turn, because, () => turn.progress.history.add(reply, [{ type: "text", text }]));
}

function unanswered(because: string): { kind: "unanswered"; because: string } {
  return { kind: "unanswered", because };
}

/** An answer that cannot be used is asked for again, as often as the step allows. */
function again<Value>({ step, progress }: Turn<Value>, because: string, prepare: () => void): Ended<Value> | undefined {
  if (progress.corrections >= step.correctionsMax) return unanswered(because);
  progress.corrections += 1;
  prepare();
  return undefined;
}

async function answered<Value>(reply: Reply, calls: ToolUse[], turn: Turn<Value>): Promise<Ended<Value> | undefined> {
  const { step, room, progress } = turn;
  const finals = calls.filter(({ name }) => name === step.final.name || name === giveUp.name);
  const results: (TextBlockParam | ToolResultBlockParam)[] = [];
  const did: string[] = [];
  let complaint: string | undefined;
  for (const [index, call] of calls.entries()) {
    if (!finals.includes(call)) {
      const result = await used(call, index, turn);
      if (result.did !== undefined) did.push(result.did);
      results.push(resultOf(call, result.text, result.isError));
      continue;
    }
    const judged = finals.length > 1 ? { kind: "invalid" as const, because: prompts.onlyOne } : await judge(call, turn);
    if (judged.kind !== "invalid") return judged;
    complaint ??= judged.because;
    results.push(resultOf(call, judged.because, true));
  }
  if (did.length > 0) tell(did.join(", "), turn);
  if (complaint === undefined) {
    progress.history.add(reply, results);
    return undefined;
  }
  tell(`answers: ${complaint}`, turn);
  const because = `no usable answer: ${cut(cleanLine(room.redact(complaint)), 400)}`;
  return again(turn, because, () => progress.history.add(reply, results));
}

/** What a final answer comes to. */
async function judge<Value>(
  call: Pick<ToolUse, "name" | "input">,
  { step, room }: Turn<Value>,
): Promise<Ended<Value> | { kind: "invalid"; because: string }> {
  if (call.name === giveUp.name) {
    const given = GivingUp.safeParse(call.input);
    if (!given.success) return { kind: "invalid", because: complaintsOf(given.error) };
    return unanswered(leaks(given.data.because, room.redact) ? blocked : cut(cleanLine(given.data.because), 1_000));
  }
  const judged = await step.final.accept(call.input);
  switch (judged.kind) {
    case "accepted":
      return { kind: "answered", value: judged.value };
    case "blocked":
      return unanswered(judged.because);
    case "invalid":
      return judged;
  }
}

async function used<Value>(
  call: ToolUse,
  index: number,
  { step, room, progress }: Turn<Value>,
): Promise<{ text: string; isError: boolean; did?: string }> {
  if (progress.isClosing) return { text: prompts.readingEnded(step.final.name), isError: true };
  if (index >= toolsAtOnceMax) return { text: prompts.tooMany(toolsAtOnceMax), isError: true };
  const tool = step.tools.find(({ name }) => name === call.name);
  if (tool === undefined) {
    const names = [...step.tools, step.final, giveUp].map(({ name }) => name);
    return { text: prompts.unknownTool(names), isError: true };
  }
  const answer = await tool.call(call.input, room.desk);
  return answer.kind === "shown"
    ? { text: answer.text, isError: false, did: answer.did }
    : { text: answer.because, isError: true };
}

/** For people who watch: at most 200 characters (src/ports/engineer.ts). */
function tell<Value>(what: string, { room, progress }: Turn<Value>): void {
  room.session.tell(cut(cleanLine(room.redact(`turn ${progress.turns}: ${what}`)), 200));
}
