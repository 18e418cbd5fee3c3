import { type EngineFault, engineFault } from "./engine-wordings.ts";

/** Longer messages are cut before any pattern sees them; every quantifier below is bounded (detection.md §2.3.8). */
const examinedMax = 8_192;
/** What is compared of the first lines: enough for a pattern of `patternMax`, and 5 ms at most for a hostile text. */
const comparedMax = 1_500;
const patternMax = 500;
const linesExamined = 2;

const serverStatus = /\b(status(?: code)?|HTTP|returning|returned|code|responded(?: with)?)([ :=]{1,3})5\d\d\b/gi;
/** One pass, longest and most special first: what is replaced is not looked at again. Words with digits come after it. */
const values = new RegExp(
  [
    /(?<email>(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4})/,
    /(?<url>\b[a-z][a-z0-9+.-]{1,20}:\/\/[^\s"'<>()]{1,500})/,
    /(?<json>\{"[^\n]{0,2000}\})/,
    /(?<id>\beyJ[\w-]{4,500}(?:\.[\w-]{1,1000}){1,2}|\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b|(?<![\w+/-])[\w+/-]{16,200}={1,2}(?!\w))/,
    /(?<date>\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)?)?\b|\b\d{1,2}\.\d{1,2}\.\d{4}\b(?!\.\d)|\b\d{1,2}\/\d{1,2}\/(?:\d{4}|\d\d)\b|\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),? .{0,4}\w{3} .{0,4}\d{4} \d\d:\d\d:\d\d(?: GMT[+-]\d{4}(?: \([^)\n]{1,60}\))?)?)/,
    /(?<ip>\b\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}(?::\d{1,5})?\b|(?<![\w:])(?:[0-9a-f]{2}:){5}[0-9a-f]{2}\b|(?<![\w:])(?:[0-9a-f]{1,4}:){4,7}[0-9a-f]{1,4}\b|(?<![\w:])(?:[0-9a-f]{1,4}:){1,6}(?::[0-9a-f]{1,4}){1,6}(?!\w)|(?<![\w:])::(?:1\b)?(?::\d{1,5}\b)?|\blocalhost:\d{1,5}\b)/,
    /(?<time>\b\d{1,2}:\d\d(?::\d\d(?:\.\d{1,9})?)?(?: ?[AP]M)?\b)/,
    // A place in a source file moves with every line that is added above it.
    /(?<file>(?<![\w@.()[\]\\/-])(?:[a-z]:)?[\w@.()[\]\\/-]{0,200}[\\/][\w@.()[\]-]{1,100}\.[cm]?[jt]sx?:\d{1,7}(?::\d{1,7})?\b)/,
    /(?<hex>\b0x[0-9a-f]{1,40}\b)/,
    /(?<duration>\b\d{1,12}(?:\.\d{1,9})? ?(?:ms|µs|ns|s|sec|seconds?|minutes?|min|hours?|h|days?)\b)/,
    /(?<size>\b\d{1,12}(?:\.\d{1,9})? ?(?:bytes?|[kmg]i?b)\b|\b\d{1,9}x\d{1,9}\b)/,
    // Not inside a word or a name such as utf-8; a 4xx after "status" keeps its number by the look behind.
    /(?<number>(?<![\w-]|(?:status|code|HTTP|returning|returned)[ :=]{1,3}|\d\.)[-+#$€£]?\d(?:[\d_]|,(?=\d{3}\b)){0,40}(?:\.\d{1,15}){0,6}(?:e[+-]?\d{1,3})?(?:%|st\b|nd\b|rd\b|th\b)?(?![\w-])|\bNaN\b)/,
  ]
    .map(({ source }) => source)
    .join("|"),
  "gi",
);
/** Words after which a quoted text is a name of the program and not a value of its user. */
const namesNext =
  /(?:propert(?:y|ies)|columns?|constraint|relation|table|module|fields?|key|function|method|variable|argument|parameter|type|class|reading|setting|export(?:ed)?|import(?:ed)?|attribute|index|schema|role|operator|package|hook|environment|env|option|header)[ (:]{1,3}$/i;
/** Words that have their number for good, and those that are errors' own codes. */
const technical =
  /^(?:utf-?(?:8|16|32)\w{0,4}|utf8mb\d|iso-?\d{4,5}(?:-\d{1,2})?|sha-?\d{1,3}|md[45]|base-?\d\d|https?2?|http[123]|h26[45]|ipv?[46]|oauth[12]|s3|ec2|es\d{1,4}|x509|x86(?:_64)?|v\d{1,3}|p\d\d{1,2}|mp[34]|aes-?\d{3}\w{0,8}|rsa-?\d{0,4}|ed25519|[rhep]s\d{3}|tlsv?\d?|web[23]|i18n|l10n|a11y|k8s|log4j|auth0|route53|neo4j|mysql\d?|postgres\d?|python[23]|node\d\d|win32|win64|arm64|u?int(?:8|16|32|64)|float(?:32|64)|latin-?1|windows-?125\d|4xx|5xx|2fa|3ds?2?|oauth2|h2|r2|d1|c\+\+\d\d)$/i;
/** Browsers quote the method and the interface first: Failed to execute 'removeChild' on 'Node'. */
const domCall = /^Failed to (?:execute|construct|set the|read the)(?: '\w{1,80}'(?: property from)?)? ?(?:on )?$/;
const word = /[A-Za-z0-9]{1,200}(?:[-_][A-Za-z0-9]{1,200}){0,30}/g;
const opensCode = /(?:^|\b(?:code|error|errno|sqlstate|status|HTTP|returning|returned)[ :=([]{1,3})$/i;

/** What the scrubber took out is grouped like what it stands for: staging and production may scrub differently. */
const marks: Record<string, string | undefined> = {
  ...{
    email: "<email>",
    ip: "<ip>",
    iban: "<id>",
    card: "<number>",
    ssn: "<number>",
    phone: "<number>",
    Filtered: "<id>",
  },
};

/** The message without what changes from one occurrence to the next, and with one wording for all engines. */
export function messagePattern(message: string): string {
  return readMessage(message).pattern;
}

/** The pattern of a message, and the engine's fault where it tells one. */
export function readMessage(message: string): { pattern: string; line: string; fault: EngineFault | undefined } {
  const text = firstLines(message).slice(0, comparedMax);
  const bare = text.replace(
    /^(?:Uncaught )?(?:\(in promise\)[: ]{0,2})?(?:[A-Z]\w{0,60}(?:Error|Exception)(?: \[\w{1,60}\])?: )?/,
    "",
  );
  const line = bare.split("\n", 1)[0] ?? "";
  const fault = engineFault(line);
  if (fault !== undefined) return { pattern: fault.pattern.slice(0, patternMax), line, fault };
  const unmarked = bare.replace(
    /\[(email|ip|iban|card|ssn|phone|Filtered)\]/g,
    (_mark, kind: string) => marks[kind] ?? "<value>",
  );
  const plain = wordsWithDigits(quotedValues(unmarked.replace(serverStatus, "$1$25xx").replace(values, placeholder)));
  return { pattern: listsShortened(plain).slice(0, patternMax), line, fault };
}

/** The lines that say what happened, within the bound: the first ones; of a query builder's report the first and the last. */
export function firstLines(message: string): string {
  const lines = message
    .slice(0, examinedMax)
    .split("\n", 80)
    .map((line) => line.trim())
    .filter((line) => line !== "");
  const [first = ""] = lines;
  // Prisma prints the code around the call between the two; it says what happened at the very end.
  if (/^Invalid `.{1,200}` invocation/.test(first)) return [first, lines.at(-1)].join("\n");
  return lines.slice(0, linesExamined).join("\n");
}

function placeholder(...match: unknown[]): string {
  const groups = match.at(-1);
  if (typeof groups !== "object" || groups === null) return "<value>";
  const kind = Object.entries(groups).find(([, value]) => value !== undefined)?.[0] ?? "value";
  return `<${kind}>`;
}

/**
 * Words with digits: `tenant42` and `SKU-9002` are one of many, `sha256` is itself, `E11000` at the head of a message says
 * what happened. A name of the program (see `namesNext`) is left alone.
 */
function wordsWithDigits(text: string): string {
  return text.replace(word, (found: string, at: number) => {
    if (!/\d/.test(found)) return isRandom(found) ? "<id>" : found;
    const before = text.slice(Math.max(0, at - 41), at);
    const isName = technical.test(found) || /["'`]$/.test(before) || namesNext.test(before);
    const isCode = found.length <= 12 && opensCode.test(before) && /^[A-Z]{0,8}-?\d{1,6}[A-Z]?\d{0,3}$/.test(found);
    return isName || isCode ? found : withoutDigits(found);
  });
}

function withoutDigits(found: string): string {
  // An abbreviation and a number are one id: its letters are as much a value as its digits.
  if (/^[A-Z0-9]{1,10}(?:[-_][A-Z0-9]{1,20}){1,6}$/.test(found)) return "<id>";
  if (/^[a-z]{1,12}_[A-Za-z0-9]{6,200}$/.test(found)) return "<id>";
  const parts = found.split(/[-_]/).map(partWithoutDigits);
  return parts.length > 1 && parts.filter((part) => part.endsWith(">")).length > 1 ? "<id>" : parts.join("-");
}

function partWithoutDigits(part: string): string {
  if (!/\d/.test(part) || technical.test(part)) return part;
  const ending = /^([A-Za-z]{2,30})\d{1,12}$/.exec(part);
  if (ending?.[1] !== undefined && !/^[a-f]{1,30}$/.test(ending[1])) return `${ending[1]}<number>`;
  // `http2Server` is a name; an id has its digits anywhere.
  return /^[A-Za-z]{3,40}\d{1,2}[A-Za-z]{3,40}$/.test(part) && part.length < 16 ? part : "<id>";
}

/** Letters alone can be an id, too: behind a short prefix no name changes its case so often. */
function isRandom(found: string): boolean {
  const letters = /^[a-z]{2,4}_([A-Za-z]{12,64})$/.exec(found)?.[1] ?? "";
  const changes = letters.match(/[a-z](?=[A-Z])|[A-Z](?=[a-z])/g)?.length ?? 0;
  return changes > letters.length / 4;
}

/** An apostrophe inside a word opens nothing, and closes nothing. */
const quotedText = /(?<!\w)"[^"\n]{1,300}"|(?<!\w)'[^'\n]{1,300}'(?!\w)|`[^`\n]{1,300}`/g;

function quotedValues(text: string): string {
  const quoted = text.replace(quotedText, (whole: string, at: number) => {
    const isName = namesNext.test(text.slice(Math.max(0, at - 40), at)) || domCall.test(text.slice(0, at));
    const quote = whole.charAt(0);
    return isName ? whole : `${quote}<str>${quote}`;
  });
  return (
    quoted
      // Sentry's SDK cuts the path off an operating system's error.
      .replace(/^(E[A-Z0-9]{2,20}: .{1,100}, [a-z]{2,20}) '<str>'(?: -> '<str>')?$/m, "$1")
      // What is invalid or unknown is a value; what kind of thing it should be stands before it.
      .replace(
        /^((?:Invalid|Unknown|Unsupported|Unrecognized|No such) [\w -]{2,50}?) ?: ?[^\s<]{1,200}$/m,
        invalidValue,
      )
      // Postgres: Key (email)=(a value) already exists. Drizzle: params: 1,ada
      .replace(/\)=\([^)\n]{0,300}\)/g, ")=(<str>)")
      .replace(/^params: .{0,2000}$/m, "params: <values>")
  );
}

function invalidValue(whole: string, kind: string): string {
  return namesNext.test(`${kind}: `) ? whole : `${kind}: <str>`;
}

/** However many values a list has, it is one list. */
function listsShortened(text: string): string {
  return text.replace(/(["'`]?<[a-z]{2,8}>["'`]?)(?:[,;] ?\1){1,200}/g, "$1");
}
