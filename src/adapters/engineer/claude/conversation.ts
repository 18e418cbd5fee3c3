import type { EngineerSession, Unfinished } from "#ports/engineer.ts";
import type { Caller, Request } from "./calls.ts";
import { cached, createHistory, type History } from "./history.ts";
import type { StepLimits } from "./limits.ts";
import type { Reply } from "./messages.ts";
import { answerTokensFor, tokensAtMost } from "./prices.ts";
import { closing } from "./prompts.ts";
import type { Desk, Tool } from "./tools/tool.ts";
import { giveUp, heard } from "./turn.ts";

/** The tool that ends a step, and what becomes of its input. */
export interface Final<Value> {
  name: string;
  description: string;
  schema: { type: "object" };
  accept(input: unknown): Promise<Acceptance<Value>>;
}

export type Acceptance<Value> =
  | { kind: "accepted"; value: Value }
  /** Goes back to the model as long as corrections are left. */
  | { kind: "invalid"; because: string }
  /** Ends the step. */
  | { kind: "blocked"; because: string };

export interface Step<Value> extends Pick<Request, "stage" | "role" | "passing"> {
  model: string;
  system: string;
  first: string;
  tools: Tool[];
  final: Final<Value>;
  limits: StepLimits;
  /** How often an answer that cannot be used may be given again. */
  correctionsMax: number;
}

export type Ended<Value> =
  | { kind: "answered"; value: Value }
  /** It said that it does not know, or it never came to an answer that could be used. */
  | { kind: "unanswered"; because: string }
  | Unfinished;

export interface Room {
  caller: Caller;
  session: EngineerSession;
  desk: Desk;
  redact: (text: string) => string;
  monotonicMs: () => number;
}

export interface Progress {
  history: History;
  turns: number;
  tokens: number;
  usd: number;
  lastUsd: number;
  corrections: number;
  startedMs: number;
  /** The model was told to answer; nothing is read any more. */
  isClosing: boolean;
  lastCalls: number;
}

/** A final answer and one correction of it. */
const lastCallsMax = 2;
/** A shorter answer is not worth paying for. */
const answerTokensMin = 1_500;
/** The part of its time after which a step is told to come to an end. */
const timeToRead = 0.7;

/** Asks, runs the tools that are asked for, and asks again, until there is an answer or a limit. */
export async function converse<Value>(step: Step<Value>, room: Room): Promise<Ended<Value>> {
  const progress: Progress = {
    history: createHistory(step.first),
    turns: 0,
    tokens: 0,
    usd: 0,
    lastUsd: 0,
    corrections: 0,
    startedMs: room.monotonicMs(),
    isClosing: false,
    lastCalls: 0,
  };
  for (;;) {
    const reached = limitReached(progress, step.limits, room);
    if (reached !== undefined) return { kind: "unanswered", because: reached };
    const request = requestOf(step, progress);
    if (request === undefined) return { kind: "unanswered", because: `no answer for ${step.limits.usdMax} US dollars` };
    const called = await room.caller.call(request, room.session);
    if (called.kind !== "replied") return called;
    count(progress, called.reply, called.costUsd);
    const ended = await heard(called.reply, request.body.max_tokens, { step, room, progress });
    if (ended !== undefined) return ended;
    if (!progress.isClosing && isNearLimit(progress, step, room)) {
      progress.isClosing = true;
      progress.history.say(closing(step.final.name));
    }
  }
}

function count(progress: Progress, { usage }: Reply, costUsd: number): void {
  progress.turns += 1;
  progress.tokens +=
    usage.input_tokens + usage.output_tokens + usage.cache_creation_input_tokens + usage.cache_read_input_tokens;
  progress.usd += costUsd;
  progress.lastUsd = costUsd;
  if (progress.isClosing) progress.lastCalls += 1;
}

/** Why no further call may be made, in words; `undefined` while it may. */
function limitReached(progress: Progress, limits: StepLimits, { monotonicMs }: Room): string | undefined {
  if (progress.turns >= limits.turnsMax) return `no answer within ${limits.turnsMax} turns`;
  if (progress.tokens >= limits.tokensMax) return `no answer within ${limits.tokensMax} tokens`;
  if (monotonicMs() - progress.startedMs >= limits.secondsMax * 1_000) return `no answer within ${limits.secondsMax} s`;
  if (progress.lastCalls >= lastCallsMax) return "no answer when it was asked for one";
  return undefined;
}

/** Another round like the last one would leave nothing for the answer. */
function isNearLimit(progress: Progress, { limits, model }: Step<unknown>, { monotonicMs }: Room): boolean {
  const promptTokens = tokensAtMost(JSON.stringify(progress.history.messages));
  const affordable = answerTokensFor(model, promptTokens, limits.usdMax - progress.usd - progress.lastUsd);
  const roundTokens = progress.tokens / progress.turns;
  return (
    progress.turns >= limits.turnsMax - lastCallsMax ||
    progress.tokens + roundTokens * (lastCallsMax + 1) >= limits.tokensMax ||
    monotonicMs() - progress.startedMs >= limits.secondsMax * 1_000 * timeToRead ||
    affordable < answerTokensMin * lastCallsMax
  );
}

/** `undefined` when the step's dollars pay for no further answer. */
function requestOf(step: Step<unknown>, { history, usd }: Progress): Request | undefined {
  const { stage, role, passing, model, limits } = step;
  const tools = [...step.tools, step.final, giveUp].map(({ name, description, schema }) => {
    return { name, description, input_schema: schema };
  });
  const system = [{ type: "text" as const, text: step.system, cache_control: cached }];
  const body = { model, max_tokens: limits.answerTokensMax, system, tools, messages: history.marked() };
  const affordable = answerTokensFor(model, tokensAtMost(JSON.stringify(body)), limits.usdMax - usd);
  if (affordable < answerTokensMin) return undefined;
  return { stage, role, passing, body: { ...body, max_tokens: Math.min(limits.answerTokensMax, affordable) } };
}
