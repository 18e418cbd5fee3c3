import type { ScrubKind } from "#domain/privacy.ts";
import { withoutPrivateKeys, withoutTokens } from "./vendor-tokens.ts";

/**
 * What opens a door, whoever issued it: in headers, addresses, assignments. Every expression is bounded, and starts only
 * where a secret can start: a long hostile text costs one pass (reliability D13). The words around it stay readable.
 */

const scheme = "(?<![a-z0-9+.-])[a-z][a-z0-9+.-]{1,20}:\\/\\/";
/** A database password may hold anything; in other addresses a slash ends the part that can name a user. */
const databaseUser =
  /(?<![a-z0-9+.-])((?:postgres(?:ql)?|mysql|mariadb|mongodb(?:\+srv)?|rediss?|amqps?|mssql):\/\/)(?:(?!:\/\/)[^\s"'<>]){1,400}@/gi;
const urlUser = new RegExp(`(${scheme})[^\\s/@"'<>]{1,400}(?:@[^\\s/@"'<>]{1,100})?@`, "gi");
const credential = /(?<![\w-])(bearer|basic|digest)([ \t]{1,5})([A-Za-z0-9._~+/=-]{8,4000})/gi;
/** As a header line, as JSON and as a pair in a list. */
const sign = `(\\\\?["']?[ \\t]{0,5}[=:,][ \\t]{0,5})`;
const authorizationLine = new RegExp(`(?<![\\w-])((?:proxy-)?authorization)${sign}([^\\n]{1,4000})`, "gi");
const cookieLine = new RegExp(`(?<![\\w-])((?:set-)?cookie)${sign}([^\\n]{1,4000})`, "gi");
const sessionCookie =
  /(?<![\w.-])((?:connect\.sid|phpsessid|jsessionid|asp\.net_sessionid|_vercel_jwt|__session|(?:__secure-|__host-)?[\w-]{0,40}(?:session-token|auth-token|csrftoken)(?:\.\d)?)=)[^;,\s"']{1,2000}/gi;
const sensitiveKey =
  "password|passwd|passphrase|pwd|secret|api[_-]?key|access[_-]?key|account[_-]?key|private[_-]?key|encryption[_-]?key|signing[_-]?key|client[_-]?secret|(?:auth|access|refresh|session|csrf|xsrf|id|bot)[_-]?token|session[_-]?id|credentials?|otp|cvv|cvc";
const value = `\\\\?"[^"\\n]{1,500}"|\\\\?'[^'\\n]{1,500}'|\\{[^{}\\n]{1,1000}\\}|\\[[^[\\]\\n]{1,1000}\\]|[^\\s"',;)}&]{1,500}`;
const assignment = new RegExp(`(${sensitiveKey})(\\\\?["']?[ \\t]{0,5}(?:=>?|:)[ \\t]{0,5})(${value})`, "gi");
const tokenAssignment = /(?<![A-Za-z])(token)(\\?["']?[ \t]{0,5}[=:][ \t]{0,5}\\?["']?)([\w.~+/=-]{8,500})/gi;
const querySecret =
  /([?&](?:token|key|sig|signature|code|auth|state|access_token|refresh_token|id_token|api_?key|password|secret|x-amz-signature|x-amz-credential|x-amz-security-token)=)[^&\s#"'<>]{1,2000}/gi;
/** Words that follow "password:" in a sentence about passwords. */
const ordinaryWord =
  /^(?:must|is|are|was|has|can|may|required|optional|invalid|incorrect|wrong|missing|cannot|should|too|not|no|none|expected|undefined|null|true|false|string|number|boolean|the|a|an|for|of|in|on|\[Filtered\].{0,20}|\[?(?:email|ip)\]?)$/i;

/** In this order: what is longer and surer comes first. */
export const secretRules: { kind: ScrubKind; apply(text: string, mark: string): string }[] = [
  { kind: "private_keys", apply: (text, mark) => withoutPrivateKeys(text, mark) },
  { kind: "tokens", apply: withoutTokens },
  {
    kind: "url_credentials",
    apply: (text, mark) =>
      text.includes("://") ? text.replace(databaseUser, `$1${mark}@`).replace(urlUser, `$1${mark}@`) : text,
  },
  { kind: "authorization", apply: withoutAuthorization },
  {
    kind: "cookies",
    apply: (text, mark) => withoutLine(text, cookieLine, mark).replace(sessionCookie, `$1${mark}`),
  },
  { kind: "assignments", apply: withoutAssigned },
  { kind: "query_secrets", apply: (text, mark) => text.replace(querySecret, `$1${mark}`) },
];

function withoutAuthorization(text: string, mark: string): string {
  return withoutLine(text, authorizationLine, mark).replace(
    credential,
    (all, word: string, gap: string, issued: string) => (looksIssued(issued) ? word + gap + mark : all),
  );
}

/** What follows the name up to the end of the line; where the value stands in quotes, up to the closing one. */
function withoutLine(text: string, line: RegExp, mark: string): string {
  return text.replace(line, (_, name: string, between: string, rest: string) => {
    const quoted = /^\\?(["'])(?:(?!\\?\1)[^\n]){0,4000}\\?\1/.exec(rest)?.[0];
    if (quoted === undefined) return name + between + mark;
    return name + between + quoteOf(quoted) + mark + quoteOf(quoted) + rest.slice(quoted.length);
  });
}

function withoutAssigned(text: string, mark: string): string {
  return text
    .replace(assignment, (all, key: string, between: string, given: string) =>
      ordinaryWord.test(given) ? all : key + between + quoteOf(given) + mark + quoteOf(given),
    )
    .replace(tokenAssignment, (all, key: string, between: string, given: string) =>
      /\d/.test(given) ? key + between + mark : all,
    );
}

/** "Bearer authentication" is prose; a credential has digits, mixed letters or a good length. */
function looksIssued(given: string): boolean {
  return /\d|=|[a-z][A-Z]/.test(given) || given.length >= 20;
}

function quoteOf(given: string): string {
  const first = given.replace(/^\\/, "").charAt(0);
  return first === '"' || first === "'" ? given.slice(0, given.indexOf(first) + 1) : "";
}

/** A name, a type or a test's "secret123" is no secret: only a literal as long as an issued one, with letters and digits, is. */
const literal = new RegExp(
  `((?:${sensitiveKey}|token)["']?[ \\t]{0,5}(?:=>?|:|\\?\\?|\\|\\|)[ \\t]{0,5})(["'\`])([^"'\`\\s\${}<>]{16,500})\\2`,
  "gi",
);

/** For source code and diffs: literals that are assigned to a sensitive name. */
export function withoutLiterals(code: string, mark: string): string {
  return code.replace(literal, (all, before: string, quote: string, given: string) =>
    /\d/.test(given) && /[a-z]/i.test(given) ? before + quote + mark + quote : all,
  );
}
