import { setTimeout as pause } from "node:timers/promises";
import type Anthropic from "@anthropic-ai/sdk";
import canonicalize from "canonicalize";
import type { EngineerSession } from "#ports/engineer.ts";
import { type Fault, faultOf, type ModelRole, unavailable } from "./faults.ts";
import { saysSecret } from "./leaks.ts";
import { type Limits, retryAfterMsMax } from "./limits.ts";
import { Reply, type Usage } from "./messages.ts";
import { costOf, mostOf, tokensAtMost } from "./prices.ts";
import { BrokenStream, replyOf } from "./stream.ts";
import { isWhole, wholeReplyOf } from "./whole-answer.ts";

export interface Request {
  stage: "triage" | "diagnose" | "fix";
  role: ModelRole;
  body: Omit<Anthropic.MessageCreateParamsStreaming, "stream">;
  /** Parts of its texts that change while a step runs: a request that differs in them alone is the same, and is paid for once. */
  passing: string[];
}

export type Called =
  | { kind: "replied"; reply: Reply; costUsd: number; wasPaidBefore: boolean }
  | { kind: "over_budget"; because: string }
  | { kind: "interrupted"; because: string };

export interface Caller {
  /** One answer to one request. Failures: `misconfigured`, `invalid`, `unavailable`, and those of the session. */
  call(request: Request, session: EngineerSession): Promise<Called>;
}

export interface CallerOptions {
  client: Anthropic;
  limits: Limits;
  digest: (text: string) => string;
  redact: (text: string) => string;
  monotonicMs: () => number;
}

/** Numbers of tries that are looked up in the past: broken answers that were charged stand in the way of no later run. */
const pastTriesMax = 50;

/** The reason to stop of an answer that held a secret: nothing else of it is kept. */
export const heldSecret = "held_secret";

/** Kept for a call that was charged and gave no whole answer. */
const brokenOff = { kind: "broken_off" };

/**
 * Pays for answers: what was paid for before is not asked again, money is set aside before a call, what it really cost
 * is booked after it. A broken line is tried again here, after a while.
 */
export function createCaller(options: CallerOptions): Caller {
  const { limits } = options;
  return {
    async call(request, session) {
      const text = textOf(request);
      const past = await recalled(text, options, session);
      if (past.reply !== undefined) {
        const costUsd = costOf(request.body.model, tokensOf(past.reply.usage));
        return { kind: "replied", reply: past.reply, costUsd, wasPaidBefore: true };
      }
      for (let tries = 1; ; tries++) {
        if (session.signal.aborted) return interrupted;
        const attempt = await attemptOf({ request, text, number: past.tries + tries }, options, session);
        if (attempt.kind !== "failed") return attempt;
        if (session.signal.aborted) return interrupted;
        if (attempt.fault.kind === "final") throw attempt.fault.failure;
        const waitMs = attempt.fault.waitMs ?? limits.pauseMs * 2 ** (tries - 1);
        if (tries >= limits.triesMax || waitMs > retryAfterMsMax) throw unavailable(attempt.fault, tries);
        session.tell(`${attempt.fault.because} Tries again in ${Math.ceil(waitMs / 1_000)} s.`);
        await pause(waitMs, undefined, { signal: session.signal }).catch(() => {});
      }
    },
  };
}

const interrupted: Called = { kind: "interrupted", because: "the time of this step is over" };

/** What makes a request the same. An answer that was kept comes back with its fields in another order. */
function textOf({ body, passing }: Request): string {
  const inJson = passing.filter((part) => part !== "").map((part) => JSON.stringify(part).slice(1, -1));
  return inJson.reduce((text, part) => text.replaceAll(part, ""), canonicalize(body) ?? "");
}

/** Each try has an id of its own, so that one that was charged for nothing is told apart from the one that succeeded. */
function idOf(text: string, number: number, digest: (text: string) => string): string {
  return digest(`${number}\n${text}`);
}

async function recalled(
  text: string,
  { digest }: CallerOptions,
  session: EngineerSession,
): Promise<{ reply?: Reply; tries: number }> {
  for (let number = 1; number <= pastTriesMax; number++) {
    const answer = await session.recall(idOf(text, number, digest));
    if (answer === undefined) return { tries: number - 1 };
    const reply = Reply.safeParse(answer);
    if (reply.success) return { reply: reply.data, tries: number };
  }
  return { tries: pastTriesMax };
}

type Attempt = Called | { kind: "failed"; fault: Fault };

async function attemptOf(
  { request, text, number }: { request: Request; text: string; number: number },
  options: CallerOptions,
  session: EngineerSession,
): Promise<Attempt> {
  const { model, max_tokens } = request.body;
  const reserved = await session.reserve({
    request: idOf(text, number, options.digest),
    model,
    stage: request.stage,
    usdMax: mostOf(model, tokensAtMost(JSON.stringify(request.body)), max_tokens),
  });
  if (reserved.kind === "refused") return { kind: "over_budget", because: reserved.because };
  const startedMs = options.monotonicMs();
  const callOf = (usage: Usage) => {
    const tokens = tokensOf(usage);
    return {
      model,
      stage: request.stage,
      inputTokens: tokens.input,
      outputTokens: tokens.output,
      cacheReadTokens: tokens.cacheRead,
      cacheWriteTokens: tokens.cacheWrite,
      costUsd: costOf(model, tokens),
      latencyMs: Math.round(options.monotonicMs() - startedMs),
    };
  };
  let reply: Reply;
  try {
    reply = await streamed(request, options, session.signal);
  } catch (error) {
    const charged = error instanceof BrokenStream ? error.usage : null;
    if (charged === null) await session.release(reserved.id);
    else await session.book(reserved.id, callOf(charged), brokenOff);
    return { kind: "failed", fault: faultOf(error, { model, role: request.role }, options.redact) };
  }
  const call = callOf(reply.usage);
  // What is kept is found again, by whoever looks into the database as well.
  if (saysSecret(reply, options.redact)) reply = { ...reply, content: [], stopReason: heldSecret };
  await session.book(reserved.id, call, reply);
  return { kind: "replied", reply, costUsd: call.costUsd, wasPaidBefore: false };
}

/** The SDK's own limit ends with the first byte, so the whole call has one more. Its retries are off: they would not be booked. */
async function streamed(request: Request, { client, limits }: CallerOptions, signal: AbortSignal): Promise<Reply> {
  const timeout = limits.callSecondsMax * 1_000;
  const late = AbortSignal.timeout(timeout);
  const sending = { signal: AbortSignal.any([signal, late]), timeout, maxRetries: 0 };
  try {
    const { data, response } = await client.messages.create({ ...request.body, stream: true }, sending).withResponse();
    return await (isWhole(response) ? wholeReplyOf(response) : replyOf(data));
  } catch (error) {
    if (!late.aborted) throw error;
    const usage = error instanceof BrokenStream ? error.usage : null;
    throw new BrokenStream(`Claude did not finish within ${limits.callSecondsMax} s.`, usage, error);
  }
}

function tokensOf(usage: Usage) {
  return {
    input: usage.input_tokens,
    output: usage.output_tokens,
    cacheRead: usage.cache_read_input_tokens,
    cacheWrite: usage.cache_creation_input_tokens,
  };
}
