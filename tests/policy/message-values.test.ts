import { describe, expect, it } from "vitest";
import { isRaisedByEngine } from "#policy/engine-wordings.ts";
import { messagePattern } from "#policy/message-pattern.ts";
import { seeded } from "./builders.ts";

/** What applications write into messages. Each line is written anew with other values, and has to stay one problem. */
const random = seeded(40);
const upTo = (max: number) => Math.floor(random() * max);
const from = (letters: string, length: number) =>
  Array.from({ length }, () => letters.charAt(upTo(letters.length))).join("");
const hex = (length: number) => from("0123456789abcdef", length);
/** Never without a digit: an id of letters alone is a word. */
const code = (length: number) =>
  `7${from("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", length - 1)}`;
const uuid = () => [8, 4, 4, 4, 12].map(hex).join("-");
const number = () => String(1 + upTo(10 ** (1 + upTo(6))));
const decimal = () => (upTo(1e6) / 100).toFixed(2);
const date = () => new Date(1.6e12 + random() * 2e11);
const word = () => ["ada", "grace", "alan", "barbara"][upTo(4)] ?? "";
const many = (make: () => string, between: string) => Array.from({ length: 1 + upTo(5) }, make).join(between);

const messages: [string, () => string][] = [
  ["money", () => `Amount ${decimal()} EUR exceeds balance of $${decimal()}`],
  ["thousands", () => `Balance ${(upTo(9e6) + 1_000).toLocaleString("en-US")} is too low`],
  ["percentages", () => `CPU at ${number()}% for ${number()} minutes`],
  ["negative numbers", () => `Stock is -${number()} for item #${number()}`],
  ["article numbers", () => `SKU ${from("ABCDEFGH", 3)}-${1_000 + upTo(9_000)} unknown`],
  ["document numbers", () => `Invoice INV-2026-${10_000 + upTo(90_000)} is void`],
  ["ISO dates", () => `Token expired at ${date().toISOString()}`],
  ["JavaScript's dates", () => `Slot ${date().toString()} taken`],
  ["American dates", () => `Due ${date().toLocaleDateString("en-US")} has passed`],
  ["German dates", () => `Due ${date().toLocaleDateString("de-DE")} has passed`],
  ["Unix times", () => `Timestamp ${date().getTime()} is in the future`],
  ["server statuses", () => `Request failed with status code ${500 + upTo(5)}`],
  ["URLs", () => `GET https://api.x.co/v1/users/${number()}?q=${word()} failed`],
  ["paths", () => `GET /api/users/${number()}/orders/${uuid()} failed`],
  ["files", () => `ENOENT: no such file or directory, open '/tmp/${uuid()}.json'`],
  ["short random ids", () => `Session ${code(21)} not found`],
  ["database ids", () => `Document 6${hex(23)} is locked`],
  ["commits", () => `Commit 6f${hex(38)} unknown`],
  ["tokens", () => `Bad token eyJ${code(20)}.${code(30)}.${code(25)}`],
  ["base64", () => `Cannot decode ${code(40)}==`],
  ["JSON", () => `Upstream said {"error":"${word()}","id":${number()}}`],
  ["lists", () => `Ids [${many(number, ", ")}] missing`],
  ["lists without blanks", () => `Ids ${many(number, ",")} missing`],
  ["quoted names", () => `User '${word()}' not found in "${word()} ${word()}"`],
  ["names behind an apostrophe", () => `can't find user '${word()}'`],
  ["e-mail addresses", () => `No account for ${word()}.${word()}@mail${number()}.example.com`],
  [
    "IPv4 addresses",
    () => `connect ETIMEDOUT ${upTo(255)}.${upTo(255)}.${upTo(255)}.${upTo(255)}:${1_000 + upTo(9_000)}`,
  ],
  ["IPv6 addresses", () => `connect ECONNREFUSED fe80::${hex(4)}:${hex(4)}:${hex(4)}:${hex(4)}`],
  ["host numbers", () => `getaddrinfo ENOTFOUND db-${number()}.internal`],
  ["ids with a prefix", () => `No such customer: cus_${code(14)} (req_${code(16)})`],
  ["numbered names", () => `tenant${10 + upTo(90)} is suspended`],
  ["sizes and durations", () => `Payload of ${decimal()} MB exceeds ${number()}kb after ${decimal()}s`],
  ["versions", () => `Client version ${upTo(9)}.${upTo(20)}.1${upTo(30)} is too old`],
  ["coordinates", () => `Point (${decimal()}, -${decimal()}) outside`],
  ["memory addresses", () => `Segfault at 0x${hex(12)}`],
  ["pairs", () => `Job failed id=${number()} attempt=${upTo(9)} tenant_id: ${uuid()}`],
  ["queries", () => `Failed query: select * from "users" where "id" = $1\nparams: ${number()},${word()}`],
  ["query lists", () => `Failed query: select * from t where id in (${many(() => "$7", ", ")})\nparams: 1`],
  [
    "Prisma's report",
    () =>
      `\nInvalid \`prisma.user.create()\` invocation in\n/a/b.ts:${number()}:1\n\n${number()} x\nUnique constraint failed`,
  ],
  ["processes", () => `deadlock: Process ${number()} waits for ShareLock on transaction ${number()}`],
  ["function logs", () => `${date().toISOString()} ${uuid()} Task timed out after ${decimal()} seconds`],
  ["object names", () => `NoSuchKey: uploads/${uuid()}/${number()}.png`],
  ["hardware addresses", () => `Device ${Array.from({ length: 6 }, () => hex(2)).join(":")} offline`],
  ["ports", () => `listen EADDRINUSE: address already in use :::${1_000 + upTo(9_000)}`],
  ["places in files", () => `SyntaxError in /app/src/x.ts:${number()}:${number()}`],
  ["times of day", () => `Slot ${upTo(12)}:${10 + upTo(50)} PM is taken`],
  ["ordinals", () => `${4 + upTo(7)}th attempt failed`],
  ["fractions", () => `${number()}/${number()} rows imported`],
  ["ranges", () => `Pages ${number()}-${number()} missing`],
  ["dimensions", () => `Image ${number()}x${number()} too large`],
  ["book numbers", () => `ISBN 978-3-${10_000 + upTo(9e4)}-${100 + upTo(900)}-${upTo(10)} unknown`],
  ["duplicates in MySQL", () => `Duplicate entry '${word()}@x.co' for key 'users.email'`],
  ["duplicates in MongoDB", () => `E11000 duplicate key error index: email_1 dup key: { email: "${word()}@b.co" }`],
  ["bad expressions", () => `Invalid regular expression: /(${word()}/: Unterminated group`],
  ["bad addresses", () => `Failed to parse URL from /${word()}/${number()}`],
  ["bad currencies", () => `Invalid currency code : ${word()}`],
  [
    "wrong arguments",
    () => `The "path" argument must be of type string. Received ${["undefined", "null", "type number (7)"][upTo(3)]}`,
  ],
  ["scrubbed values", () => `No account for ${["[email]", "ada@example.org"][upTo(2)]}`],
];

describe("a message that differs in values only stays one problem:", () => {
  it.each(messages)("%s", (_, make) => {
    expect(new Set(Array.from({ length: 25 }, () => messagePattern(make()))).size).toBe(1);
  });
});

describe("what makes a difference stays:", () => {
  it.each([
    ["utf-8 is not supported", "utf-16 is not supported"],
    ["returned 404", "returned 409"],
    ["sha256 mismatch", "sha512 mismatch"],
    ["P2002: failed", "P2025: failed"],
    ["error code 23505", "error code 23503"],
    ["exit code 1", "exit code 137"],
    ["S3 failed", "EC2 failed"],
    ['column "a1" is missing', 'column "b2" is missing'],
    ["Duplicate entry 'a' for key 'users.email'", "Duplicate entry 'a' for key 'users.handle'"],
    ["UNIQUE constraint failed: users.email", "UNIQUE constraint failed: users.handle"],
    ["permission denied for table users", "permission denied for table orders"],
    ["Invoice 5 not found", "Credit note 5 not found"],
    ["Minified React error #418;", "Minified React error #423;"],
    ["DATABASE_URL is missing", "REDIS_URL is missing"],
    ['The "path" argument must be of type string.', 'The "url" argument must be of type string.'],
    ["Failed to execute 'removeChild' on 'Node': x", "Failed to execute 'insertBefore' on 'Node': x"],
    ["Cannot use 'in' operator to search for 'a' in x", "Cannot use 'in' operator to search for 'b' in x"],
    ["schema v1 is invalid", "schema v2 is invalid"],
  ])("%s / %s", (one, other) => {
    expect(messagePattern(one)).not.toBe(messagePattern(other));
  });
});

describe("engines say the same in other words:", () => {
  it.each([
    [
      "nullish read of undef",
      "Cannot read properties of null (reading 'undef')",
      "Cannot read property 'undef' of null",
      `can't access property "undef", x is null`,
      "null is not an object (evaluating 'x.undef')",
      "'null' is not an object (evaluating 'x.undef')",
      "Unable to get property 'undef' of undefined or null reference",
    ],
    ["not defined: props", "props is not defined", "Can't find variable: props", "'props' is undefined"],
    ["not a function: run", "a.run is not a function", "a.run is not a function. (In 'a.run()', 'a.run' is undefined)"],
    ["stack overflow", "Maximum call stack size exceeded", "Maximum call stack size exceeded.", "too much recursion"],
    ["circular structure to JSON", "Converting circular structure to JSON\n --> x", "cyclic object value"],
    [
      "network request failed",
      "Failed to fetch",
      "NetworkError when attempting to fetch resource.",
      "Load failed",
      "fetch failed",
    ],
  ])("%s", (pattern, ...wordings) => {
    expect(wordings.map(messagePattern)).toEqual(wordings.map(() => pattern));
    expect(wordings.every((wording) => isRaisedByEngine("TypeError", wording))).toBe(true);
  });

  it("but an application's own words are its own, also with an engine's type", () => {
    expect(isRaisedByEngine("TypeError", "Variant 7 has no size")).toBe(false);
    expect(isRaisedByEngine("HttpError", "Invalid URL of the shop")).toBe(false);
    expect(isRaisedByEngine("HttpError", "Invalid time value")).toBe(false);
  });
});
