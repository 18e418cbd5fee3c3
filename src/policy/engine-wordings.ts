/**
 * What JavaScript engines say about a fault of the code itself. All engines get one wording and one type, and the property
 * or name stays, because another name is another fault (detection.md §2.3.8). Every quantifier is bounded.
 */
export interface EngineFault {
  /** The type that V8 gives this fault. */
  type: string;
  pattern: string;
  /** The place that raised it only passed on what its caller gave it: text that is no JSON. */
  fromOutside: boolean;
}

interface Wording {
  said: RegExp;
  type: string;
  means: (name: string) => string;
  fromOutside?: true;
}

const wordings: Wording[] = [
  {
    said: /^Cannot (?:read|set) propert(?:y|ies) of (?:undefined|null) \((?:reading|setting) '([^']{1,200})'\)/,
    type: "TypeError",
    means: nullish,
  },
  { said: /^Cannot (?:read|set) property '([^']{1,200})' of (?:undefined|null)/, type: "TypeError", means: nullish },
  { said: /^can't (?:access|set) property "?([^",]{1,200})"?(?: of|, )/, type: "TypeError", means: nullish },
  {
    said: /^'?(?:undefined|null)'? is not an object \(evaluating '([^']{1,300})'\)/,
    type: "TypeError",
    means: (expression) => nullish(lastName(expression)),
  },
  {
    said: /^Unable to (?:get|set) (?:property '([^']{1,200})' of undefined or null reference|value of the property '([^']{1,200})')/,
    type: "TypeError",
    means: nullish,
  },
  { said: /^Cannot destructure property '([^']{1,200})' of /, type: "TypeError", means: nullish },
  {
    // "… is undefined" is Firefox's for a read whose property it does not tell.
    said: /^([\w$.]{1,200}) is (?:undefined|null)$/,
    type: "TypeError",
    means: (expression) => `nullish value ${lastName(expression)}`,
  },
  {
    said: /^(?:\(.{1,200}\)|(.{1,200}?)) is not a function(?:\.? \(In .{0,300})?$/,
    type: "TypeError",
    means: (expression) => `not a function: ${lastName(expression)}`,
  },
  {
    said: /^(.{1,200}?) is not a constructor(?: \(evaluating .{0,300})?$/,
    type: "TypeError",
    means: (expression) => `not a constructor: ${lastName(expression)}`,
  },
  {
    said: /^(?:(.{1,200}?) is not iterable|undefined is not iterable|(?:object )?null is not iterable)/,
    type: "TypeError",
    means: (expression) => (expression === "" ? "not iterable" : `not iterable: ${lastName(expression)}`),
  },
  { said: /^Can't find variable: ([\w$]{1,200})$/, type: "ReferenceError", means: (name) => `not defined: ${name}` },
  { said: /^'([\w$]{1,200})' is undefined$/, type: "ReferenceError", means: (name) => `not defined: ${name}` },
  { said: /^([\w$]{1,200}) is not defined$/, type: "ReferenceError", means: (name) => `not defined: ${name}` },
  {
    said: /^(?:Cannot access '([\w$]{1,200})' before initialization|can't access lexical declaration '([\w$]{1,200})' before initialization)/,
    type: "ReferenceError",
    means: (name) => `used before its definition: ${name}`,
  },
  {
    said: /^(?:Unexpected (?:token|end of JSON|non-whitespace|number|string)|Expected .{1,80} in JSON|JSON\.parse:|JSON Parse error|Bad control character in string literal|Bad escaped character in JSON|Expected (?:',' or|property name|double-quoted)|Unterminated string in JSON|"undefined" is not valid JSON)/,
    type: "SyntaxError",
    means: () => "invalid JSON",
    fromOutside: true,
  },
  {
    said: /^(?:Failed to fetch|NetworkError when attempting|Load failed$|fetch failed$|Network request failed)/,
    type: "TypeError",
    means: () => "network request failed",
  },
  {
    said: /^Invalid regular expression: \/.{0,500}\/\w{0,8}: (.{1,100})$/,
    type: "SyntaxError",
    means: (reason) => `invalid regular expression: ${reason}`,
  },
  { said: /^Invalid regular expression\b/, type: "SyntaxError", means: () => "invalid regular expression" },
  {
    said: /^(?:Invalid URL\b|Failed to parse URL from |Failed to construct 'URL': |.{1,300} is not a valid URL\.?$)/,
    type: "TypeError",
    means: () => "invalid URL",
  },
  {
    said: /^Cannot use 'in' operator to search for '([^']{1,200})' in /,
    type: "TypeError",
    means: (name) => `no object to look in for ${name}`,
  },
  {
    said: /^(?:Converting circular structure to JSON|cyclic object value|JSON\.stringify cannot serialize cyclic structures)/,
    type: "TypeError",
    means: () => "circular structure to JSON",
  },
  {
    // Node's own checks: what was received instead is a value.
    said: /^The "?([\w.[\] ]{1,80}?)"? (?:argument|property) must be /,
    type: "TypeError",
    means: (name) => `wrong argument: ${name}`,
  },
  { said: /^Objects are not valid as a React child/, type: "Error", means: () => "object as a React child" },
  {
    said: /^(?:Maximum call stack size exceeded|too much recursion)/,
    type: "RangeError",
    means: () => "stack overflow",
  },
  {
    said: /^(?:Loading (?:CSS )?chunk [\w-]{1,100} failed|Failed to fetch dynamically imported module|error loading dynamically imported module|Importing a module script failed)/,
    type: "ChunkLoadError",
    means: () => "chunk load failed",
  },
  {
    said: /^(?:Error: )?Minified React error #(\d{1,6})/,
    type: "Error",
    means: (number) => `React error #${number}`,
  },
];

/** Faults that keep their own words, but were raised by an engine all the same and not by a `throw` of the application. */
const otherFaults =
  /^(?:Assignment to constant variable|Invalid (?:array length|string length|time value|date|typed array length|count value|regular expression|left-hand side)|Cannot (?:convert |mix BigInt|use 'in' operator|redefine property|assign to read only|add property|delete property|freeze|perform|create proxy|spread )|Reduce of empty array|Class (?:constructor|extends value) |Converting circular structure|Right-hand side of|Object prototype may only|Method \S{1,100} called on incompatible|Failed to execute '|Failed to construct '|toString\(\) radix|to(?:Fixed|Precision|Exponential)\(\) |precision \d|The number .{1,80} cannot be converted to a BigInt|URI malformed|Invalid URL|Must call super constructor|Derived constructors may only|Private field|Getter must be|Spread syntax requires|Iterator result |Symbol\.|Generator is already running|Array buffer allocation failed)/;
const engineTypes =
  /^(?:TypeError|RangeError|ReferenceError|SyntaxError|URIError|EvalError|InternalError|DOMException|)$/;

/** The fault that a message's first line tells, where an engine has a wording for it. */
export function engineFault(line: string): EngineFault | undefined {
  for (const { said, type, means, fromOutside } of wordings) {
    const match = said.exec(line);
    if (match !== null) {
      return { type, pattern: means(match[1] ?? match[2] ?? ""), fromOutside: fromOutside ?? false };
    }
  }
  return undefined;
}

/** Whether an engine raised the error: then it stands where it was raised, and no `throw` of the application made it. */
export function isRaisedByEngine(type: string, line: string): boolean {
  // An error of the application's own class is its own, also when it repeats an engine's words.
  if (!engineTypes.test(type)) return /^(?:Error|ChunkLoadError)$/.test(type) && engineFault(line) !== undefined;
  return engineFault(line) !== undefined || otherFaults.test(line);
}

function nullish(property: string): string {
  return `nullish read of ${property}`;
}

function lastName(expression: string): string {
  return /([\w$]{1,200})[^\w$]{0,20}$/.exec(expression.slice(-300))?.[1] ?? expression;
}
