import { isIPv6 } from "node:net";

/**
 * The rules of the scrubber. Every expression is bounded, and starts only where a token can start: a long hostile
 * text costs one pass (reliability D13).
 */

/** How a secret may look inside a text. */
export function escapedForms(secret: string): string[] {
  const bytes = Buffer.from(secret);
  const base64 = bytes.toString("base64").replace(/={1,2}$/, "");
  const hex = bytes.toString("hex");
  const json = JSON.stringify(secret).slice(1, -1);
  return [
    secret,
    base64,
    bytes.toString("base64url"),
    hex,
    hex.toUpperCase(),
    encodeURIComponent(secret.toWellFormed()),
    json,
  ];
}

const jwt = /(?<![\w-])eyJ[\w-]{5,4000}\.[\w-]{2,8000}(?:\.[\w-]{0,4000})?/g;
const scheme = "(?<![a-z0-9+.-])[a-z][a-z0-9+.-]{1,20}:\\/\\/";
/** A database password may hold anything; in other addresses a slash ends the part that can name a user. */
const databaseUser =
  /(?<![a-z0-9+.-])((?:postgres(?:ql)?|mysql|mariadb|mongodb(?:\+srv)?|rediss?|amqps?|mssql):\/\/)[^\s"'<>]{1,400}@/gi;
const urlUser = new RegExp(`(${scheme})[^\\s/@"'<>]{1,400}(?:@[^\\s/@"'<>]{1,100})?@`, "gi");
const slackHook = /(?<![\w.-])(hooks\.slack\.com\/(?:services|workflows|triggers)\/)[\w/-]{1,200}/g;
const vendorToken = new RegExp(
  `(?<![\\w-])(?:${[
    "sk-ant-[\\w-]{8,300}",
    "sk-[A-Za-z0-9][\\w-]{18,300}",
    "[sprw](?:k|hsec)_(?:live_|test_)?[A-Za-z0-9]{12,300}",
    "gh[pousr]_\\w{16,300}",
    "github_pat_\\w{20,300}",
    "glpat-[\\w-]{16,100}",
    "xox[a-z]-[\\w-]{8,300}",
    "xapp-[\\w-]{8,300}",
    "A(?:KIA|SIA)[0-9A-Z]{16}",
    "AIza[\\w-]{30,60}",
    "npm_[A-Za-z0-9]{30,60}",
    "SG\\.[\\w-]{16,100}\\.[\\w-]{16,100}",
    "sbp_[a-f0-9]{30,60}",
    "dop_v1_[a-f0-9]{40,80}",
    "AGE-SECRET-KEY-[0-9A-Z]{20,80}",
  ].join("|")})(?![\\w-])`,
  "g",
);
const credential = /(?<![\w-])(bearer|basic|digest)([ \t]{1,5})([A-Za-z0-9._~+/=-]{8,4000})/gi;
const headerLine =
  /(?<![\w-])((?:proxy-)?authorization|(?:set-)?cookie)(\\?["']?[ \t]{0,5}[=:][ \t]{0,5})[^\n]{1,4000}/gi;
const sensitiveKey =
  "password|passwd|passphrase|pwd|secret|api[_-]?key|access[_-]?key|private[_-]?key|encryption[_-]?key|signing[_-]?key|client[_-]?secret|(?:auth|access|refresh|session|csrf|id)[_-]?token|session[_-]?id|credentials?|otp";
const assignment = new RegExp(
  `(${sensitiveKey})(\\\\?["']?[ \\t]{0,5}(?:=>?|:)[ \\t]{0,5})(\\\\?"[^"\\n]{1,500}"|\\\\?'[^'\\n]{1,500}'|[^\\s"',;)}&]{1,500})`,
  "gi",
);
const tokenAssignment = /(?<![A-Za-z])(token)(\\?["']?[ \t]{0,5}[=:][ \t]{0,5}\\?["']?)([\w.~+/=-]{8,500})/gi;
const querySecret =
  /([?&](?:token|key|sig|signature|code|auth|state|access_token|refresh_token|id_token|api_?key|password|secret|x-amz-signature|x-amz-credential)=)[^&\s#"'<>]{1,2000}/gi;
/** Words that follow "password:" in a sentence about passwords. */
const ordinaryWord =
  /^(?:must|is|are|was|required|invalid|incorrect|wrong|missing|cannot|should|too|not|expected|undefined|null|true|false|the|a|an|\[Filtered\])$/i;

/** Takes out what opens a door, whoever issued it. The words around it stay readable. */
export function typedSecrets(text: string, mark: string): string {
  return withoutPrivateKeys(text, mark)
    .replace(jwt, mark)
    .replace(databaseUser, `$1${mark}@`)
    .replace(urlUser, `$1${mark}@`)
    .replace(slackHook, `$1${mark}`)
    .replace(headerLine, `$1$2${mark}`)
    .replace(credential, (all, word: string, gap: string, value: string) =>
      looksIssued(value) ? word + gap + mark : all,
    )
    .replace(vendorToken, mark)
    .replace(assignment, (all, key: string, sign: string, value: string) =>
      ordinaryWord.test(value) ? all : key + sign + quoteOf(value) + mark + quoteOf(value),
    )
    .replace(tokenAssignment, (all, key: string, sign: string, value: string) =>
      /\d/.test(value) ? key + sign + mark : all,
    )
    .replace(querySecret, `$1${mark}`);
}

/** "Bearer authentication" is prose; a credential has digits, mixed letters or a good length. */
function looksIssued(value: string): boolean {
  return /\d|=|[a-z][A-Z]/.test(value) || value.length >= 20;
}

function quoteOf(value: string): string {
  const first = value.replace(/^\\/, "").charAt(0);
  return first === '"' || first === "'" ? value.slice(0, value.indexOf(first) + 1) : "";
}

/** From the first line of a private key to its last; one without an end is taken out to the end of the text. */
function withoutPrivateKeys(text: string, mark: string): string {
  const begin = /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----/g;
  const end = /-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----/g;
  let kept = "";
  let from = 0;
  for (let match = begin.exec(text); match !== null; match = begin.exec(text)) {
    kept += text.slice(from, match.index) + mark;
    end.lastIndex = begin.lastIndex;
    if (end.exec(text) === null) return kept;
    from = end.lastIndex;
    begin.lastIndex = from;
  }
  return kept + text.slice(from);
}

const email = /(?<![\w.+%-])[\w.+%-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.){1,5}[A-Za-z]{2,24}(?![\w@])/g;
/** 14 to 19 digits with the first digit of a card: a time in milliseconds is shorter and starts with 1. */
const card = /(?<![\w.-])[2-6]\d(?:[ -]?\d){12,17}(?![\w-]|\.\d)/g;
const ipv4 = /(?<![\w.-])(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})(?![\w-]|\.\d)/g;
const ipv6 = /(?<![\w:.])[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,7}(?![\w:.])/gi;
const homeFolder = /(\/(?:home|Users)\/|[A-Z]:\\Users\\)[^/\\\s:"'()<>]{1,100}/g;

/** Takes out who was affected and where from. What cannot be a person's (private networks, this machine) stays. */
export function personalData(text: string): string {
  return text
    .replace(email, "[email]")
    .replace(card, (digits) => (isCard(digits) ? "[card]" : digits))
    .replace(ipv4, (address, ...parts: string[]) => (isPublic(parts.slice(0, 4).map(Number)) ? "[ip]" : address))
    .replace(ipv6, (address) => (isIPv6(address) && !/^(?:::1?$|fe[89ab]|f[cd])/i.test(address) ? "[ip]" : address))
    .replace(homeFolder, "$1[user]");
}

/** Luhn's check digit. */
function isCard(text: string): boolean {
  const digits = [...text.replace(/[ -]/g, "")].map(Number).toReversed();
  const sum = digits.reduce((total, digit, index) => {
    const weighed = index % 2 === 1 ? digit * 2 : digit;
    return total + (weighed > 9 ? weighed - 9 : weighed);
  }, 0);
  return sum % 10 === 0;
}

function isPublic(octets: number[]): boolean {
  const [a = 0, b = 0] = octets;
  if (octets.some((octet) => octet > 255)) return false;
  if (a === 0 || a === 10 || a === 127 || a >= 224) return false;
  if (a === 100 && b >= 64 && b <= 127) return false;
  return !((a === 172 && b >= 16 && b <= 31) || (a === 192 && b === 168) || (a === 169 && b === 254));
}
