import type { Problem } from "#ports/engineer.ts";
import { type NullishError, nullishErrorOf } from "../null-guard/error-text.ts";

/** What the engine or the compiler said about a name. Everything in it is hostile text: it is compared, never run. */
export type NameError =
  /** No such variable. */
  | { kind: "variable"; name: string }
  /** A member that was called is no function. */
  | { kind: "member"; name: string }
  /** Something was read from a member that is not there. */
  | { kind: "read"; error: NullishError }
  /** The compiler refused a name, and may have said which one it takes for meant. */
  | { kind: "compiler"; file: string; line: number; column: number; name: string; suggestion: string | null };

const textCharactersMax = 4_000;
const name = "[A-Za-z_$][\\w$]{0,80}";

const undeclared = [
  new RegExp(`(?:^|[^\\w])(${name}) is not defined(?![\\w ]*\\bin\\b)`),
  new RegExp(`Can't find variable: (${name})`),
];
const notCallable = new RegExp(`\\.(${name}) is not a (?:function|constructor)`);
const compilerSays = [
  new RegExp(
    `(?:Property|Cannot find name|member(?: named)?) '(${name})'[^\\n]{0,400}?\\.(?: Did you mean (?:the (?:static|instance) member )?'(?:[\\w$]{1,80}\\.)?(${name})'\\?)?`,
  ),
  new RegExp(`but '(${name})' does not exist in type [^\\n]{0,300}?\\.(?: Did you mean to write '(${name})'\\?)?`),
];
const compilerCodes = /\bTS(?:2304|2339|2551|2552|2561|2568|2570|2576|2353)\b|Type error: /;
const place = /(?:^|[\s([])((?:\.{0,2}\/)?[\w@$.[\]()/\\-]{1,300}\.[cm]?tsx?)[:(](\d{1,7})[:,](\d{1,7})/;

/** The trouble with a name that a problem tells of, or `undefined` when it is about something else. */
export function nameErrorOf(problem: Problem): NameError | undefined {
  const texts = [problem.message, problem.title, problem.stack ?? ""].map((text) => text.slice(0, textCharactersMax));
  const compiler = compilerErrorIn(texts.join("\n"));
  if (compiler !== undefined) return compiler;
  const type = problem.errorType ?? "";
  for (const text of texts) {
    if (/ReferenceError/.test(type) || /\bReferenceError\b/.test(text) || type === "") {
      const found = undeclared.map((pattern) => pattern.exec(text)?.[1]).find((one) => one !== undefined);
      if (found !== undefined) return { kind: "variable", name: found };
    }
    if (type !== "" && !/TypeError|^Error$/.test(type)) continue;
    const called = notCallable.exec(text)?.[1];
    if (called !== undefined) return { kind: "member", name: called };
  }
  const error = nullishErrorOf(problem);
  return error === undefined || error.form === "call" ? undefined : { kind: "read", error };
}

function compilerErrorIn(text: string): NameError | undefined {
  if (!compilerCodes.test(text)) return undefined;
  const at = place.exec(text);
  if (at === null) return undefined;
  for (const pattern of compilerSays) {
    const found = pattern.exec(text);
    const [, wrong, suggestion] = found ?? [];
    if (wrong === undefined) continue;
    const [, file = "", line = "", column = ""] = at;
    return {
      kind: "compiler",
      file,
      line: Number(line),
      column: Number(column),
      name: wrong,
      suggestion: suggestion ?? null,
    };
  }
  return undefined;
}
