import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { createScrubber } from "#ingest/scrub.ts";
import { configured, encodings, typedSecrets } from "./secret-samples.ts";

const { text, code, value } = createScrubber([]);
const known = createScrubber(configured);
const contexts: [name: string, around: (secret: string) => string][] = [
  ["a sentence", (secret) => `the call with ${secret} was refused`],
  ["an address", (secret) => `GET https://api.example.org/v1/x?page=2&q=${secret}&n=3 failed`],
  ["a tag or header", (secret) => `x-something: ${secret}`],
  ["JSON", (secret) => `{"n":1,"value":"${secret}","last":true}`],
];

describe("no configured secret gets through (reliability D13)", () => {
  it.each(encodings)("in %s, whatever stands around it", (_, encode) => {
    const seen = configured.flatMap((secret) =>
      contexts.filter(([, around]) => known.text(around(encode(secret))).includes(encode(secret))),
    );
    expect(seen).toEqual([]);
  });

  it("in base64 together with a user's name, at each of the three places it can have", () => {
    const seen = configured.filter((secret) => {
      const headers = ["u", "us", "use"].map((user) => Buffer.from(`${user}:${secret}`).toString("base64"));
      return headers.some((header) => known.text(`x ${header} y`) === `x ${header} y`);
    });
    expect(seen).toEqual([]);
  });

  it("broken over lines", () => {
    const secret = configured.find(({ length }) => length > 40) ?? "";
    const lines =
      Buffer.from(secret.repeat(1))
        .toString("base64")
        .match(/.{1,20}/g) ?? [];
    const scrubbed = known.text(`begin\n${lines.join("\n")}\nend`);
    expect(lines.filter((line) => line.length === 20 && scrubbed.includes(line))).toEqual([]);
  });

  it("when the text was cut in its middle", () => {
    const seen = configured.filter((secret) => {
      const half = secret.slice(0, Math.ceil(secret.length / 2));
      return known.text(`the call with ${half} … [cut]`).includes(half);
    });
    expect(seen).toEqual([]);
  });
});

describe("a secret that tells who issued it", () => {
  const cases = typedSecrets.flatMap(([kind, secret]) =>
    encodings.flatMap(([encoding, encode]) =>
      contexts.map(([context, around]) => ({
        kind,
        encoding,
        context,
        encoded: encode(secret),
        given: around(encode(secret)),
      })),
    ),
  );

  it("of 40 kinds in 6 encodings and 4 contexts is found in 99 of 100 cases (reliability D13)", () => {
    const missed = cases.filter(({ encoded, given }) => text(given).includes(encoded));
    expect(missed.length / cases.length).toBeLessThanOrEqual(0.01);
  });

  it("is always found as it is", () => {
    const missed = cases.filter(
      ({ encoding, encoded, given }) => encoding === "as it is" && text(given).includes(encoded),
    );
    expect(missed.map(({ kind, context }) => `${kind} in ${context}`)).toEqual([]);
  });

  it("leaves the words around it readable", () => {
    const torn = cases.filter(
      ({ kind, context, given }) =>
        context === "a sentence" &&
        kind !== "private key" &&
        !/^the call with .*\[Filtered\].* was refused$/s.test(text(given)),
    );
    expect(torn.map(({ kind, encoding }) => `${kind} in ${encoding}`)).toEqual([]);
  });

  it("is found in source code as well", () => {
    const missed = typedSecrets.filter(([, secret]) => code(`const client = connect("${secret}");`).includes(secret));
    expect(missed.map(([kind]) => kind)).toEqual([]);
  });
});

describe("vectors 37 to 40 of detection.md", () => {
  it("37: secret parts go, the rest of the text stays", () => {
    const given = `connect postgres://u:p@h/db; password=hunter2 Bearer abcdefghij1234567890 ${typedSecrets[3]?.[1]} end`;
    expect(text(given)).toBe(
      "connect postgres://[Filtered]@h/db; password=[Filtered] Bearer [Filtered] [Filtered] end",
    );
  });
  it("38: a configured secret in base64 inside a text goes", () => {
    expect(known.text(`key ${Buffer.from(configured[3] ?? "").toString("base64")} used`)).toMatch(
      /^key \[Filtered\]={0,2} used$/,
    );
  });
  it.each([
    ['apiKey{"a":1}', "apiKey", "[Filtered]"],
    ["sessionId", "sessionId", "[Filtered]"],
    ["csrfToken", "csrfToken", "[Filtered]"],
    ["max_tokens", "max_tokens", "4096"],
    ["author", "author", "4096"],
    ["tokenizer", "tokenizer", "4096"],
    ["primaryKey", "primaryKey", "4096"],
  ])("39: the name %s", (_, name, expected) => {
    expect(value(name, "4096")).toBe(expected);
  });
  it("39: names inside texts", () => {
    expect(text('{"apiKey":{"a":"b"},"max_tokens":5,"headers":["Cookie","a=b"],"author":"jane"}')).toBe(
      '{"apiKey":[Filtered],"max_tokens":5,"headers":["Cookie","[Filtered]"],"author":"jane"}',
    );
  });
  it("40: personal data goes, what only looks like it stays", () => {
    const given = "4111 1111 1111 1111 | DE89 3704 0044 0532 0130 00 | jane@x.co | 203.0.113.9";
    expect(text(given)).toBe("[card] | [iban] | [email] | [ip]");
    const kept = `4111 1111 1111 1112 | DE89 3704 0044 0532 0130 02 | 127.0.0.1 | 6ba7b810-9dad-11d1-80b4-00c04fd430c8 | Unexpected token <`;
    expect(text(kept)).toBe(kept);
  });
});

describe("personal data", () => {
  it.each([
    ["call +49 30 1234567 now", "call [phone] now"],
    ["call (555) 123-4567 or 555-123-4567", "call [phone] or [phone]"],
    ["ssn 078-05-1120 given", "ssn [ssn] given"],
    ["open C:\\Users\\jane\\app", "open C:\\Users\\[user]\\app"],
    ["iban GB82WEST12345698765432.", "iban [iban]."],
    ["peer [2001:db8:85a3::8a2e:370:7334]:443", "peer [[ip]]:443"],
    ["connect.sid=s%3Aabc.def; theme=dark", "connect.sid=[Filtered]; theme=dark"],
  ])("%j becomes %j", (given, expected) => {
    expect(text(given)).toBe(expected);
  });
  it.each([
    "next 15.3.2.1 and version 1.2.3.4 and Chrome/120.0.0.0",
    "order 2026-11-23-0042, build 20261123.104500.123",
    "at 2026-11-23T10:00:00.000Z took 1234567 ms",
    "000-12-3456 and 123-456-789",
    "sha512-9f3b2c7d1e8a45069f3b2c7d1e8a4506",
    "src/app/[locale]/(shop)/orders/[id]/page.tsx:42:17",
  ])("stays: %s", (given) => {
    expect(text(given)).toBe(given);
  });
});

describe("kinds", () => {
  it("that are switched off stay, and configured secrets never do", () => {
    const some = createScrubber([configured[0] ?? ""], ["cards"]);
    expect(some.text(`jane@x.co 4111 1111 1111 1111 ${configured[0]} password=x`)).toBe(
      "jane@x.co [card] [Filtered] password=x",
    );
    expect(some.value("password", "x")).toBe("x");
  });
  it("leave a text alone that was scrubbed before", () => {
    const once = typedSecrets.map(([, secret]) =>
      text(`password=${secret} a@b.co 203.0.113.9 +49 30 1234567 Cookie: a=b`),
    );
    expect(once.map(text)).toEqual(once);
  });
});

describe("what is no secret", () => {
  const root = join(import.meta.dirname, "..", "..");
  const linesIn = (folder: string, ending: string): string[] =>
    readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name.endsWith(ending))
      .flatMap((entry) => readFileSync(join(entry.parentPath, entry.name), "utf8").split("\n"))
      .filter((line) => line.trim() !== "");

  it("in source code is left as it is: fewer than 1 in 1,000 of 10,000 lines", () => {
    const lines = linesIn("src", ".ts").slice(0, 10_000);
    const marked = lines.filter((line) => code(line) !== line);
    expect(marked.length / lines.length).toBeLessThan(0.001);
  });

  it("in messages and logs is left as it is: at most 1 of 100 in 10,000 lines (reliability D13)", () => {
    const lines = logLines(10_000);
    const marked = lines.filter((line) => text(line) !== line);
    expect(marked).toEqual([]);
  });

  it("in a file of any length is kept to its last line, with a key of several lines taken out", () => {
    const key = typedSecrets.at(-1)?.[1] ?? "";
    const file = `${"const a = 1;\n".repeat(6_000)}${key}\n${"const b = 2;\n".repeat(6_000)}`;
    const scrubbed = code(file);
    expect([
      scrubbed.split("\n").length,
      scrubbed.includes("PRIVATE KEY"),
      scrubbed.endsWith("const b = 2;\n"),
    ]).toEqual([file.split("\n").length, false, true]);
  });

  it.each([
    "password: string;",
    "const token = request.headers.get('authorization');",
    "const secret = process.env.SESSION_SECRET;",
    'const user = { email: "jane@x.co", password: "secret123" };',
    "if (apiKey === undefined) throw new Error('no key');",
  ])("in code: %s", (line) => {
    expect(code(line)).toBe(line);
  });
});

/** Lines as applications write them, with the numbers, ids and names that lines have. */
function logLines(count: number): string[] {
  const templates = [
    (n: number) => `GET /api/orders/${n}?page=${n % 9} 200 in ${n % 900}ms`,
    (n: number) => `TypeError: Cannot read properties of undefined (reading 'field${n % 50}')`,
    (n: number) => `    at async POST (/var/task/src/app/api/campaigns/[id]/route.ts:${n}:${n % 80})`,
    (n: number) => `duplicate key value violates unique constraint "table${n % 30}_slug_key"`,
    (n: number) => `connect ECONNREFUSED 10.${n % 250}.0.1:5432`,
    (n: number) => `job ${n} of queue diagnosing took ${n % 50}.${n % 10}s, retry ${n % 3}`,
    (n: number) => `release 3f2a1b4c5d6e7f8091a2b3c4d5e6f70${(n % 90_000) + 10_000} is serving`,
    (n: number) =>
      `[2026-11-23T10:${String(n % 60).padStart(2, "0")}:00.000Z] worker ${n % 8} max_tokens=${n} cache_key=user:${n}`,
    (n: number) => `webpack compiled src/components/Button${n}.tsx with ${n % 5} warnings (hash 9f3b${n % 10}c7d1e8a)`,
    (n: number) => `The password must be at least ${(n % 20) + 8} characters long`,
    (n: number) => `invoice INV-2026-${n} for 1${n % 10}.99 EUR was sent to customer cus_${n}`,
    (n: number) =>
      `request 6ba7b810-9dad-11d1-80b4-00c04fd4${String(n % 10_000).padStart(4, "0")} timed out after 30000 ms`,
    (n: number) => `prisma:query SELECT "id", "author", "token_count" FROM "Post" WHERE "id" = ${n} LIMIT 1`,
    (n: number) => `memory ${n % 900} MiB, heap 4${n % 10}.${n % 10} %, uptime ${n}s, version 1.${n % 20}.3`,
    (n: number) => `session expired for visitor ${n}; redirect to /sign-in?next=%2Forders%2F${n}`,
  ];
  return Array.from({ length: count }, (_, n) => (templates[n % templates.length] ?? String)(n * 7));
}
