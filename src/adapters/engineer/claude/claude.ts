import Anthropic from "@anthropic-ai/sdk";
import { Failure } from "#domain/failure.ts";
import type { Feedback } from "#domain/fix.ts";
import type { Engineer, EngineerSession } from "#ports/engineer.ts";
import type { Snapshot } from "#ports/repository.ts";
import { type Caller, createCaller } from "./calls.ts";
import type { Room } from "./conversation.ts";
import { diagnose } from "./diagnose.ts";
import { defaultLimits, type Limits, type StepLimits } from "./limits.ts";
import { createQuoting } from "./quoting.ts";
import { createReader, noFiles } from "./reader.ts";
import { repair } from "./repair.ts";
import { triage } from "./triage.ts";

export interface ClaudeOptions {
  apiKey: string;
  /** `null`: the service itself. Anything else that speaks the Messages API does. */
  baseUrl: string | null;
  models: Models;
  /** Whatever is not given is as in `limits.ts`. */
  limits?: Partial<Omit<Limits, Stage>> & Partial<Record<Stage, Partial<StepLimits>>>;
  /** Takes secrets out of code and texts, and leaves everything else as it is, line breaks included. */
  redact: (text: string) => string;
  /** sha256, in hexadecimal. */
  digest: (text: string) => string;
  monotonicMs: () => number;
  /** Hears of each step that the service refused for good, and `null` after each that it answered: for the health page. */
  onRefusal?: (failure: Failure | null) => void;
}

export interface Models {
  triage: string;
  diagnose: string;
  fix: string;
  /** For a repair whose first two attempts failed; `null`: the same as for the others. */
  escalate: string | null;
}

type Stage = "triage" | "diagnose" | "fix";

/** An engineer that is a model: it investigates one commit through read-only tools and answers with text. */
export function createClaudeEngineer(options: ClaudeOptions): Engineer {
  const limits = limitsOf(options.limits ?? {});
  const client = new Anthropic({
    apiKey: options.apiKey,
    authToken: null,
    baseURL: options.baseUrl ?? "https://api.anthropic.com",
    maxRetries: 0,
    logLevel: "off",
  });
  const caller = heardBy(options.onRefusal, createCaller({ ...options, limits, client }));
  // The same for every run, so that a request that was paid for is found again; unknown to whoever has not got the key.
  const mark = options.digest(`marks of ${options.apiKey}`).slice(0, 16);
  const quoting = createQuoting({ redact: options.redact, mark });
  // An answer that holds the mark would tell it to whoever reads the answer.
  const leavesOut = (text: string) => options.redact(text.replaceAll(mark, ""));
  const roomOf = (snapshot: Omit<Snapshot, "commit">, session: EngineerSession): Room => ({
    caller,
    session,
    desk: { reader: createReader(snapshot, options.redact), quoting },
    redact: leavesOut,
    monotonicMs: options.monotonicMs,
  });
  return {
    triage: (problem, session) =>
      triage(problem, { model: options.models.triage, limits: limits.triage }, roomOf(noFiles, session)),
    diagnose: (problem, snapshot, session) =>
      diagnose(problem, { model: options.models.diagnose, limits: limits.diagnose }, roomOf(snapshot, session)),
    repair: (problem, work, snapshot, session) =>
      repair(
        problem,
        work,
        { ...fixerFor(work.feedback, options.models), limits: limits.fix },
        roomOf(snapshot, session),
      ),
  };
}

/** The second attempt that failed brings in the stronger model. */
function fixerFor(feedback: Feedback[], { fix, escalate }: Models): { model: string; role: "fix" | "escalate" } {
  return feedback.length >= 2 && escalate !== null
    ? { model: escalate, role: "escalate" }
    : { model: fix, role: "fix" };
}

function limitsOf({ triage, diagnose, fix, ...rest }: NonNullable<ClaudeOptions["limits"]>): Limits {
  return {
    ...defaultLimits,
    ...rest,
    triage: { ...defaultLimits.triage, ...triage },
    diagnose: { ...defaultLimits.diagnose, ...diagnose },
    fix: { ...defaultLimits.fix, ...fix },
  };
}

function heardBy(listener: ClaudeOptions["onRefusal"], caller: Caller): Caller {
  if (listener === undefined) return caller;
  return {
    async call(request, session) {
      try {
        const called = await caller.call(request, session);
        if (called.kind === "replied" && !called.wasPaidBefore) listener(null);
        return called;
      } catch (error) {
        if (error instanceof Failure && error.code === "misconfigured") listener(error);
        throw error;
      }
    },
  };
}
