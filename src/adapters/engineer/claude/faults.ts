import { APIConnectionError, APIError } from "@anthropic-ai/sdk";
import { Failure } from "#domain/failure.ts";
import { cleanLine, cut } from "#domain/text.ts";
import { retryAfterMsMax } from "./limits.ts";
import { BrokenStream } from "./stream.ts";

/** What an error of a call means: another try after a while, or the end. */
export type Fault =
  /** `waitMs`: as long as the service asked for; `null`: it did not say. */
  { kind: "passing"; because: string; waitMs: number | null; error: unknown } | { kind: "final"; failure: Failure };

/** The variable that chose a step's model. */
export const modelVariables = {
  triage: "AGENT_MODEL_TRIAGE",
  diagnose: "AGENT_MODEL_DIAGNOSE",
  fix: "AGENT_MODEL_FIX",
  escalate: "AGENT_MODEL_ESCALATE",
} as const;
export type ModelRole = keyof typeof modelVariables;

const passingStatuses = [408, 409, 425, 429];

/** Foreign errors become ours here; nothing of the SDK leaves this folder. `redact` takes secrets out of the service's own words. */
export function faultOf(
  error: unknown,
  asked: { model: string; role: ModelRole },
  redact: (text: string) => string,
): Fault {
  if (error instanceof BrokenStream) {
    const cause = error.cause instanceof APIError ? error.cause.type : null;
    return passing(cause === null || cause === undefined ? error.message : `Claude broke off: ${cause}.`, error);
  }
  if (error instanceof APIConnectionError) return passing("Claude could not be reached.", error);
  if (!(error instanceof APIError)) return passing("Claude's answer could not be read.", error);
  const status: number | undefined = error.status;
  if (status === undefined) return passing("Claude broke off.", error);
  const asksToStop = error.headers?.get("x-should-retry") === "false";
  if (!asksToStop && (status >= 500 || passingStatuses.includes(status))) {
    return { ...passing(`Claude answered ${status}${nameOf(status)}.`, error), waitMs: retryAfterOf(error) };
  }
  return { kind: "final", failure: refusalOf(error, status, asked, redact) };
}

function passing(because: string, error: unknown): Extract<Fault, { kind: "passing" }> {
  return { kind: "passing", because, waitMs: null, error };
}

function nameOf(status: number): string {
  return status === 429 ? " (too many requests)" : status === 529 ? " (overloaded)" : "";
}

function refusalOf(
  error: APIError,
  status: number,
  { model, role }: { model: string; role: ModelRole },
  redact: (text: string) => string,
): Failure {
  const variable = modelVariables[role];
  const words = cut(cleanLine(redact(messageOf(error))), 300);
  switch (status) {
    case 401:
      return new Failure("misconfigured", "Claude refused ANTHROPIC_API_KEY (401).", {
        hint: "Make a new key in the Claude console, set it, and retry the issue.",
        cause: error,
      });
    case 402:
      return new Failure("misconfigured", "The account of ANTHROPIC_API_KEY cannot pay for the call (402).", {
        hint: "Look at the account's billing, then retry the issue.",
        cause: error,
      });
    case 403:
      return new Failure("misconfigured", `ANTHROPIC_API_KEY may not use the model ${model} (403).`, {
        hint: `Use a key that may, or another model in ${variable}.`,
        cause: error,
      });
    case 404:
      return error.type === "not_found_error"
        ? new Failure("misconfigured", `Claude has no model ${model} (404).`, {
            hint: `Set ${variable} to a model that exists, or leave it empty.`,
            cause: error,
          })
        : new Failure("misconfigured", "ANTHROPIC_BASE_URL does not speak the Messages API (404).", {
            hint: "Give the address without /v1, or leave it empty.",
            cause: error,
          });
    default:
      return new Failure("invalid", `Claude refused the request (${status}): ${words}`, {
        hint: `The model was ${model} (${variable}).`,
        cause: error,
      });
  }
}

function messageOf(error: APIError): string {
  const body: unknown = error.error;
  if (typeof body === "object" && body !== null && "error" in body) {
    const inner: unknown = body.error;
    if (typeof inner === "object" && inner !== null && "message" in inner) return String(inner.message);
  }
  return "no reason given";
}

/** `retry-after-ms`, or `retry-after` in seconds or as a date. */
function retryAfterOf({ headers }: APIError): number | null {
  const ms = Number.parseFloat(headers?.get("retry-after-ms") ?? "");
  if (Number.isFinite(ms)) return Math.max(0, ms);
  const given = headers?.get("retry-after") ?? "";
  const seconds = Number.parseFloat(given);
  if (Number.isFinite(seconds)) return Math.max(0, seconds * 1_000);
  return given === "" ? null : retryAfterMsMax;
}

/** All tries are used up, or the service asked for more patience than a step has. */
export function unavailable(fault: Extract<Fault, { kind: "passing" }>, tries: number): Failure {
  return new Failure("unavailable", `${fault.because} Gave up after ${tries === 1 ? "one try" : `${tries} tries`}.`, {
    hint: "It is tried again later; what was answered so far is not paid again.",
    cause: fault.error,
  });
}
