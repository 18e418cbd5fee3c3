/** Longer messages are cut before any pattern sees them; every quantifier below is bounded (detection.md §2.3.8). */
const examinedMax = 8_192;
const patternMax = 500;
const linesExamined = 2;

/** What the engines call the same fault. `$1` keeps the property or name, because another name is another fault. */
const wordings: { pattern: RegExp; means: (name: string) => string }[] = [
  {
    pattern: /^Cannot (?:read|set) propert(?:y|ies) of (?:undefined|null) \((?:reading|setting) '([^']{1,200})'\)/,
    means: nullish,
  },
  { pattern: /^Cannot (?:read|set) property '([^']{1,200})' of (?:undefined|null)/, means: nullish },
  { pattern: /^can't (?:access|set) property "?([^",]{1,200})"?(?: of|, )/, means: nullish },
  {
    pattern: /^(?:undefined|null) is not an object \(evaluating '([^']{1,300})'\)/,
    means: (text) => nullish(lastName(text)),
  },
  { pattern: /^Cannot destructure property '([^']{1,200})' of /, means: nullish },
  {
    pattern: /^(?:\(.{1,200}\)|(.{1,200}?)) is not a function(?:\.? \(In .{0,300})?$/,
    means: (text) => `not a function: ${lastName(text)}`,
  },
  { pattern: /^(?:Can't find variable: )([\w$]{1,200})$/, means: (name) => `not defined: ${name}` },
  { pattern: /^([\w$]{1,200}) is not defined$/, means: (name) => `not defined: ${name}` },
  {
    pattern:
      /^(?:Unexpected (?:token|end of JSON|non-whitespace|number|string)|Expected .{1,80} in JSON|JSON\.parse:|JSON Parse error|Bad control character in string literal|Expected (?:',' or|property name|double-quoted)|Unterminated string in JSON)/,
    means: () => "invalid JSON",
  },
  {
    pattern: /^(?:Failed to fetch|NetworkError when attempting|Load failed$|fetch failed$|Network request failed)/,
    means: () => "network request failed",
  },
  { pattern: /^(?:Maximum call stack size exceeded|too much recursion)/, means: () => "stack overflow" },
  {
    pattern:
      /^(?:Loading (?:CSS )?chunk [\w-]{1,100} failed|Failed to fetch dynamically imported module|error loading dynamically imported module|Importing a module script failed)/,
    means: () => "chunk load failed",
  },
  {
    pattern: /^(?:Uncaught )?(?:Error: )?Minified React error #(\d{1,6})/,
    means: (number) => `React error #${number}`,
  },
];

const serverStatus = /\b(status(?: code)?|HTTP|returning|returned|code|responded(?: with)?)([ :=]{1,3})5\d\d\b/gi;
/** One pass, longest and most special first: what is replaced is not looked at again. */
const values = new RegExp(
  [
    /(?<email>[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4})/,
    /(?<url>\b[a-z][a-z0-9+.-]{1,20}:\/\/[^\s"'<>()]{1,500})/,
    /(?<uuid>\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b)/,
    /(?<date>\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)?)?\b|\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),? .{0,4}\w{3} .{0,4}\d{4} \d\d:\d\d:\d\d)/,
    /(?<time>\b\d{1,2}:\d\d:\d\d(?:\.\d{1,9})?\b)/,
    /(?<ip>\b\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}(?::\d{1,5})?\b|(?<![\w:])(?:[0-9a-f]{1,4}:){4,7}[0-9a-f]{1,4}\b|(?<![\w:])::1(?::\d{1,5})?\b)/,
    /(?<id>\b[a-z]{2,8}_(?=[A-Za-z]{0,40}\d)[A-Za-z0-9]{6,64}\b)/,
    /(?<hex>\b0x[0-9a-f]{1,40}\b|\b(?=[a-f]{0,40}\d)[0-9a-f]{8,64}\b)/,
    /(?<duration>\b\d{1,12}(?:\.\d{1,9})? ?(?:ms|µs|ns|s|sec|seconds?|minutes?|min|hours?|h|days?)\b)/,
    /(?<size>\b\d{1,12}(?:\.\d{1,9})? ?(?:bytes?|[kmg]i?b)\b)/,
    // Not inside a word or a name such as utf-8; a 4xx after "status" keeps its number by the look behind.
    /(?<number>(?<![\w$#-]|(?:status|code|HTTP|returning|returned)[ :=]{1,3}|\d\.)-?\d[\d_,]{0,20}(?:\.\d{1,15})?(?![\w-]))/,
  ]
    .map(({ source }) => source)
    .join("|"),
  "gi",
);
/** Words after which a quoted text is a name of the program and not a value of its user. */
const namesNext =
  /(?:propert(?:y|ies)|column|constraint|relation|table|module|field|key|function|method|variable|argument|parameter|type|class|reading|setting|export(?:ed)?|import(?:ed)?|attribute|index|schema|role|operator|package|hook|environment|env)[ (:]{1,3}$/i;

/** The message without what changes from one occurrence to the next, and with one wording for all engines. */
export function messagePattern(message: string): string {
  const text = firstLines(message);
  const bare = text.replace(/^(?:Uncaught )?(?:\(in promise\) )?(?:[A-Z]\w{0,60}Error: )?/, "");
  for (const { pattern, means } of wordings) {
    const match = pattern.exec(bare.split("\n", 1)[0] ?? "");
    if (match !== null) return means(match[1] ?? "").slice(0, patternMax);
  }
  return quotedValues(bare.replace(serverStatus, "$1$25xx").replace(values, placeholder)).slice(0, patternMax);
}

/** The first lines that say something, within the bound. */
export function firstLines(message: string): string {
  return message
    .slice(0, examinedMax)
    .split("\n", 50)
    .map((line) => line.trim())
    .filter((line) => line !== "")
    .slice(0, linesExamined)
    .join("\n");
}

function placeholder(...match: unknown[]): string {
  const groups = match.at(-1);
  if (typeof groups !== "object" || groups === null) return "<value>";
  const kind = Object.entries(groups).find(([, value]) => value !== undefined)?.[0] ?? "value";
  return `<${kind}>`;
}

function quotedValues(text: string): string {
  const quoted = text.replace(
    /(["'`])([^"'`\n]{1,300})\1/g,
    (whole: string, quote: string, _value: string, at: number) => {
      const isName = namesNext.test(text.slice(Math.max(0, at - 40), at));
      return isName ? whole : `${quote}<str>${quote}`;
    },
  );
  // Postgres: Key (email)=(a value) already exists.
  return quoted.replace(/\)=\([^)\n]{0,300}\)/g, ")=(<str>)");
}

function nullish(property: string): string {
  return `nullish read of ${property}`;
}

function lastName(expression: string): string {
  return /([\w$]{1,200})[^\w$]{0,20}$/.exec(expression.slice(-300))?.[1] ?? expression;
}
