import type { Problem } from "#ports/engineer.ts";

/** What the engine said about a read from nothing. Everything in it is hostile text: it is compared, never run. */
export interface NullishError {
  /** `nullish`: the engine did not say which of the two. */
  value: "undefined" | "null" | "nullish";
  form: "read" | "set" | "destructure" | "iterate" | "convert" | "call";
  /** The name that was read, where the engine says it. */
  property: string | null;
  /** The expression as the engine wrote it. */
  expression: string | null;
}

const textCharactersMax = 1_000;
const name = "([^'\"\\n]{1,200})";
const nothing = "(undefined|null)";

type Reading = { pattern: RegExp; of: (groups: (string | undefined)[]) => NullishError };

/** The wordings of V8 (new, old), Firefox and Safari. The first that fits counts. */
const wordings: Reading[] = [
  {
    pattern: new RegExp(`Cannot (read|set) propert(?:y|ies) of ${nothing} \\((?:reading|setting) '${name}'\\)`),
    of: ([form, value, property]) => error(value, form === "set" ? "set" : "read", { property }),
  },
  {
    pattern: new RegExp(`Cannot (read|set) property '${name}' of ${nothing}`),
    of: ([form, property, value]) => error(value, form === "set" ? "set" : "read", { property }),
  },
  {
    pattern: new RegExp(`Cannot destructure property '${name}' of '([^\\n]{1,300}?)' as it is ${nothing}`),
    of: ([property, expression, value]) => error(value, "destructure", { property, expression }),
  },
  {
    pattern: new RegExp(`Cannot destructure '([^\\n]{1,300}?)' as it is ${nothing}`),
    of: ([expression, value]) => error(value, "destructure", { expression }),
  },
  {
    pattern: new RegExp(`can't access property (?:"${name}"|(\\d{1,10})), ([^\\n]{1,300}?) is ${nothing}`),
    of: ([quoted, index, expression, value]) => error(value, "read", { property: quoted ?? index, expression }),
  },
  {
    pattern: new RegExp(`${nothing} is not an object \\(evaluating '([^\\n]{1,300}?)'\\)`),
    of: ([value, expression]) => error(value, "read", { property: lastName(expression ?? ""), expression }),
  },
  {
    pattern: new RegExp(`(?:${nothing}|object null) is not iterable`),
    of: ([value]) => error(value ?? "null", "iterate", {}),
  },
  { pattern: /Cannot convert undefined or null to object/, of: () => error("nullish", "convert", {}) },
  {
    pattern: /^(?:\w{0,40}Error: )?([\w$.[\]'"()?]{1,200}) is not a function/m,
    of: ([expression]) => error("nullish", "call", { expression }),
  },
  {
    pattern: new RegExp(`^(?:\\w{0,40}Error: )?([\\w$.[\\]'"()]{1,200}) is ${nothing}$`, "m"),
    of: ([expression, value]) => error(value, "read", { expression }),
  },
];

/** The read from nothing that a problem tells of, or `undefined` when it is about something else. */
export function nullishErrorOf(problem: Problem): NullishError | undefined {
  if (problem.errorType !== null && !/^(TypeError|Error|.{0,40}[ :]TypeError)$/.test(problem.errorType))
    return undefined;
  for (const text of [problem.message, problem.title, problem.stack ?? ""]) {
    const start = text.slice(0, textCharactersMax).replaceAll("\u2018", "'").replaceAll("\u2019", "'");
    for (const { pattern, of } of wordings) {
      const found = pattern.exec(start);
      if (found !== null) return of([...found].slice(1));
    }
  }
  return undefined;
}

function error(
  value: string | undefined,
  form: NullishError["form"],
  {
    property = null,
    expression = null,
  }: { property?: string | null | undefined; expression?: string | null | undefined },
): NullishError {
  return { value: value === "undefined" || value === "null" ? value : "nullish", form, property, expression };
}

/** `a.b.c` and `a.b.c(x)` read `c`. */
function lastName(expression: string): string | null {
  return /[.?]([\w$]{1,200})(?:\([^\n]{0,200}\)?)?$/.exec(expression)?.[1] ?? null;
}
