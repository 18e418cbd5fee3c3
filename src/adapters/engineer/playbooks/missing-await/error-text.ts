import type { Problem } from "#ports/engineer.ts";
import { type NullishError, nullishErrorOf } from "../null-guard/error-text.ts";

/** What happens to a promise that is taken for its value. Everything in the text is hostile: it is compared, never run. */
export type PromiseError =
  /** A member that was called is none of a promise's. */
  | { kind: "call"; name: string }
  | { kind: "iterate" }
  /** Something was read from a member that a promise does not have. */
  | { kind: "read"; error: NullishError }
  /** It became part of a text, or was handed to something that says what it got. */
  | { kind: "shown" }
  /** The compiler says that a member is none of a promise's. */
  | { kind: "compiler"; file: string; line: number; name: string };

const textCharactersMax = 4_000;
const called = /\.([A-Za-z_$][\w$]{0,80}) is not a function/;
const iterated = /is not iterable|Spread syntax requires|is not async iterable/;
const shown =
  /\[object Promise\]|\[object AsyncFunction\]|Received an instance of Promise\b|received Promise \{|Received Promise\b/;
const compiler =
  /(?:^|[\s([])((?:\.{0,2}\/)?[\w@$.[\]()/\\-]{1,300}\.[cm]?tsx?)[:(](\d{1,7})[:,]\d{1,7}[\s\S]{0,200}?Property '([A-Za-z_$][\w$]{0,80})' does not exist on type 'Promise</;

/** The misuse of a promise that a problem may tell of, or `undefined` when it is about something else. */
export function promiseErrorOf(problem: Problem): PromiseError | undefined {
  const text = [problem.message, problem.title, problem.stack ?? ""]
    .map((one) => one.slice(0, textCharactersMax))
    .join("\n");
  const refused = compiler.exec(text);
  if (refused !== null) {
    const [, file = "", line = "", name = ""] = refused;
    return { kind: "compiler", file, line: Number(line), name };
  }
  if (shown.test(text)) return { kind: "shown" };
  if (problem.errorType !== null && !/TypeError|^Error$/.test(problem.errorType)) return undefined;
  if (iterated.test(text) && !/(?:undefined|null) is not iterable/.test(text)) return { kind: "iterate" };
  const name = called.exec(text)?.[1];
  if (name !== undefined) return { kind: "call", name };
  const error = nullishErrorOf(problem);
  if (error?.form === "read" || error?.form === "destructure") return { kind: "read", error };
  return undefined;
}
