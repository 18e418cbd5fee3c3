import type { ErrorEvent, Frame } from "#domain/event.ts";
import { Failure } from "#domain/failure.ts";
import { cleanText, cut } from "#domain/text.ts";
import { anyEventOf } from "#ingest/any-event.ts";
import type { Scrubber } from "#ingest/scrub.ts";
import { eventScrubber } from "#ingest/scrub-event.ts";
import { printedErrors } from "./error-text.ts";
import { framesInRepository } from "./frame-files.ts";

/** One error as it was handed over: a stack, a log, an event. */
export interface ReportedError {
  errorType: string | null;
  message: string;
  /** Everything that was said, for whoever reads more than frames. */
  stack: string | null;
  /** Innermost first. */
  frames: Frame[];
  operation: string | null;
  release: string | null;
  environment: ErrorEvent["environment"];
}

export interface Reading {
  scrubber: Scrubber;
  now: Date;
  newId: () => string;
}

export const inputBytesMax = 5 * 1024 * 1024;
const wholeTextCharactersMax = 6_000;
const messageCharactersMax = 8_192;
const stackCharactersMax = 32_768;
const stackHint = "Give a stack trace, a log that holds one, or a JSON event with message and stack.";

/** The errors that `bytes` hold, in order; at least one. Failures: `invalid` for what is empty or binary, `too_large`. */
export function reportedErrors(bytes: Uint8Array, reading: Reading): ReportedError[] {
  if (bytes.byteLength > inputBytesMax) {
    throw new Failure("too_large", `The error is larger than ${inputBytesMax / 1024 ** 2} MB.`, {
      hint: "Cut it down to the part around the stack trace.",
    });
  }
  const text = new TextDecoder().decode(bytes).replace(/^\uFEFF/, "");
  if (text.trim() === "") throw new Failure("invalid", "The error is empty.", { hint: stackHint });
  if (isBinary(text)) throw new Failure("invalid", "The error is not a text.", { hint: stackHint });
  const values = jsonIn(text);
  if (values === undefined) return fromText(text, reading);
  const errors = values.flatMap((value) => fromJson(value, reading));
  if (errors.length > 0) return errors;
  throw new Failure("invalid", "The JSON holds no error.", { hint: stackHint });
}

/** The error to work on: the first one that has a place in the application's own code. Its frames name files of the repository. */
export function chosenError(
  errors: ReportedError[],
  repository: { files: string[]; prefix: string; isTest(path: string): boolean },
): ReportedError {
  const mapped = errors.map((error) => ({
    ...error,
    frames: framesInRepository(error.frames, repository.files, repository.prefix),
  }));
  const inCode = mapped.find(({ frames }) => frames.some(({ inApp, file }) => inApp && !repository.isTest(file)));
  const chosen = inCode ?? mapped.find(({ frames }) => frames.some(({ inApp }) => inApp)) ?? mapped[0];
  if (chosen === undefined) throw new Failure("invalid", "There is no error.", { hint: stackHint });
  return chosen;
}

function isBinary(text: string): boolean {
  const sample = text.slice(0, 64 * 1024);
  const odd = [...sample].filter((sign) => sign === "\u0000" || sign === "\uFFFD").length;
  return odd > sample.length / 100;
}

/** The JSON values of one document or of one a line; `undefined` for any other text. */
function jsonIn(text: string): unknown[] | undefined {
  const whole = parsed(text);
  if (typeof whole === "object" && whole !== null) return Array.isArray(whole) ? whole : [whole];
  const lines = text.split("\n", 10_000).filter((line) => line.trimStart().startsWith("{"));
  const values = lines.map(parsed).filter((value) => typeof value === "object" && value !== null);
  return values.length > 0 ? values : undefined;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Then it is read as a text.
    return undefined;
  }
}

function fromText(given: string, { scrubber }: Reading): ReportedError[] {
  const clean = cleanText(given);
  return printedErrors(clean).map(({ type, message, frames, text }) => ({
    errorType: type,
    message: block(message, messageCharactersMax, scrubber) || "(no message)",
    // Of a long log only the part around the error is worth its reader's time.
    stack: block(clean.length <= wholeTextCharactersMax ? clean : text, stackCharactersMax, scrubber),
    frames,
    operation: null,
    release: null,
    environment: "production",
  }));
}

function fromJson(value: unknown, reading: Reading): ReportedError[] {
  if (typeof value !== "object" || value === null) return [];
  const event = eventOf(Object.fromEntries(Object.entries(value)), reading);
  if (event === undefined) return [];
  const { errorType, message, stack, operation, release, environment } = event;
  // Stacks of test runners, and classes that only the message names, are read as printed text.
  const printed = printedErrors(`${message}\n${stack ?? ""}`);
  const [first] = printed;
  const frames =
    event.frames.length > 0 ? event.frames : (printed.find((error) => error.frames.length > 0)?.frames ?? []);
  const said =
    stack ?? (event.chain.length > 0 ? event.chain.map((link) => `${link.type}: ${link.message}`).join("\n") : null);
  return [
    {
      errorType: errorType ?? first?.type ?? null,
      message: block(message, messageCharactersMax, reading.scrubber),
      stack: said === null ? null : block(said, stackCharactersMax, reading.scrubber),
      frames,
      operation,
      release,
      environment,
    },
  ];
}

type Json = Record<string, unknown>;

function eventOf(value: Json, { scrubber, now, newId }: Reading): ErrorEvent | undefined {
  // Where and when it happened, and what a logger calls its gravity, does not matter here.
  const { environment: _, timestamp: __, level: ___, ...rest } = value;
  const line = JSON.stringify("exception" in value ? rest : plainOf(rest));
  const read = anyEventOf(line, { receivedAt: now, hashUser: () => "", newId });
  return read.kind === "event" ? eventScrubber(scrubber).whole(read.event) : undefined;
}

/** What loggers and test reports name otherwise than our own protocol does. */
function plainOf(value: Json): Json {
  const { err, msg, error_message, prod_stack, error } = value;
  const thrown = [err, error].find((each) => typeof each === "object" && each !== null);
  const stack = [value.stack, prod_stack].map(textIn).find((each) => each !== undefined);
  const message = [value.message, msg, error_message, error, err].map(textIn).find((each) => each !== undefined);
  const shown = message ?? stack?.split("\n", 1)[0];
  return { ...value, error: thrown, ...(stack && { stack }), ...(shown && { message: shown }) };
}

function textIn(value: unknown): string | undefined {
  if (typeof value === "string" && value.trim() !== "") return value;
  return Array.isArray(value) && value.every((line) => typeof line === "string") ? value.join("\n") : undefined;
}

function block(text: string, charactersMax: number, scrubber: Scrubber): string {
  return cut(scrubber.text(cleanText(text).slice(0, charactersMax * 2)), charactersMax);
}
