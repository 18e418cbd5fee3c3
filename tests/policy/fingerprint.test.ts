import { describe, expect, it } from "vitest";
import type { ErrorEvent } from "#domain/event.ts";
import { fingerprintOf } from "#policy/fingerprint.ts";
import { messagePattern } from "#policy/message-pattern.ts";
import { aFrame, anEvent, seeded, sha256 } from "./builders.ts";
import { launch, message, noStack, vectors } from "./grouping-vectors.ts";

const of = (changed: Partial<ErrorEvent> = {}) => fingerprintOf(anEvent(changed), sha256);
describe("test vectors of detection.md §3", () => {
  for (const [name, one, other, expected] of vectors) {
    it(`${name}: ${expected}`, () => {
      expect(of(one).fingerprint === of(other).fingerprint ? "same" : "different").toBe(expected);
    });
  }
});

describe("what people read", () => {
  it("gives fingerprint, cause key, title and parts", () => {
    const found = of();
    expect(found.fingerprint).toMatch(/^[0-9a-f]{32}$/);
    expect({ ...found, fingerprint: "" }).toEqual({
      fingerprint: "",
      causeKey: `TypeError|${launch}:POST`,
      title: "TypeError: Cannot read properties of undefined (reading 'id') in POST /api/campaigns/launch",
      issueType: "api_error",
      parts: ["stack", "TypeError", `${launch}:POST`, "nullish read of id"],
    });
  });
  it("links the same place with another message by its cause key only", () => {
    const other = of({ message: "Cannot read properties of undefined (reading 'name')" });
    expect(other.causeKey).toBe(of().causeKey);
    expect(other.fingerprint).not.toBe(of().fingerprint);
  });
  it("bounds the title and never cuts a character in half", () => {
    const { title } = of(message("😀".repeat(4_000)));
    expect(title.length).toBeLessThanOrEqual(200);
    expect(title.endsWith("in POST /api/campaigns/launch")).toBe(true);
  });
  const types: [string, Partial<ErrorEvent>, string][] = [
    ["the sender knows best", { issueType: "typo" }, "typo"],
    ["a database that refuses", { ...noStack("connect ECONNREFUSED 10.0.0.1:5432") }, "database_error"],
    ["a violated constraint", message('duplicate key value violates unique constraint "x"'), "database_error"],
    ["a service that refuses", message("connect ECONNREFUSED 10.0.0.1:8080"), "external_api_error"],
    ["a timeout", message("Request timed out after 30s"), "timeout"],
    ["a missing setting", message("Missing environment variable DATABASE_URL"), "config_error"],
    ["a chunk", message("Loading chunk 812 failed."), "chunk_load"],
    ["a browser", { trust: "browser" }, "client_error"],
    ["log text", noStack("lock 4411 lost"), "log_error"],
    ["a page", { operation: "/shop", frames: [aFrame("src/app/shop/page.tsx", "Page")] }, "render_error"],
    ["a property called timeout", { message: "Cannot read properties of undefined (reading 'timeout')" }, "api_error"],
  ];
  for (const [name, changed, type] of types) it(`${name}: ${type}`, () => expect(of(changed).issueType).toBe(type));
});

describe("messagePattern", () => {
  const table: [string, string][] = [
    ["charset utf-8 is not supported", "charset utf-8 is not supported"],
    ["User 17 not found", "User <number> not found"],
    ["status 409 from https://api.x.co/a?b=1", "status 409 from <url>"],
    ["status code 503", "status code 5xx"],
    ["mail to jane@x.co failed", "mail to <email> failed"],
    ["deadbeef is a word, deadbee1 is not", "deadbeef is a word, <id> is not"],
    ["customer cus_N4ffx81 has no card", "customer <id> has no card"],
    ['column "usr_name" does not exist', 'column "usr_name" does not exist'],
    ['invalid input syntax for type uuid: "abc"', 'invalid input syntax for type uuid: "<str>"'],
    ["took 1.5s and 300 kB", "took <duration> and <size>"],
    ["Uncaught TypeError: a.b.map is not a function", "not a function: map"],
    ["foo is not defined", "not defined: foo"],
    ["Can't find variable: foo", "not defined: foo"],
    ["at 0x7ffe12 in ::1", "at <hex> in <ip>"],
    ["one\n\n  two  \nthree", "one\ntwo"],
    ["", ""],
  ];
  for (const [text, pattern] of table) it(JSON.stringify(text), () => expect(messagePattern(text)).toBe(pattern));

  it("answers hostile megabytes as readily as their first 8 kB", () => {
    const hostile = [
      "a",
      "1",
      "a@",
      "0x",
      "'",
      "::",
      "1.",
      "ab_",
      "https://",
      " ",
      "(",
      "9-",
      '"a',
      "a.",
      "1,",
      "\n",
      "Key (",
      "is not a function",
    ];
    for (const text of hostile)
      expect(messagePattern(text.repeat(1_000_000 / text.length)).length).toBeLessThanOrEqual(500);
  });
});

describe("1,000 variants of 20 errors and 200 others (reliability A12)", () => {
  const random = seeded(12);
  const digits = (count: number) =>
    Array.from({ length: count }, () => Math.floor(random() * 16).toString(16)).join("");
  const number = () => String(Math.floor(random() * 1e6));
  const uuid = () => `${digits(8)}-${digits(4)}-${digits(4)}-${digits(4)}-${digits(12)}`;
  const templates: (() => string)[] = [
    () => `User ${number()} not found`,
    () => `Order ${uuid()} is already paid`,
    () => `Cannot read propert${random() < 0.5 ? "ies of undefined (reading 'id')" : "y 'id' of null"}`,
    () => `Lock ${number()} lost after ${number()}ms`,
    () => `Request to https://api.x.co/v1/${uuid()} failed`,
  ];
  const variants = Array.from({ length: 20 }, (_, n) => {
    const make = templates[n % templates.length] ?? (() => "");
    return Array.from(
      { length: 50 },
      () =>
        of({
          message: make(),
          frames: [
            aFrame(`${random() < 0.5 ? "/var/task/" : "/app/"}src/f${String.fromCharCode(97 + n)}.ts`, "run", {
              line: Math.floor(random() * 900),
            }),
          ],
        }).fingerprint,
    );
  });
  it("merges at least 99 %", () => {
    const apart = variants.reduce((sum, prints) => sum + new Set(prints).size - 1, 0);
    expect(apart).toBeLessThanOrEqual(10);
  });
  it("keeps at least 98 % of 200 distinct errors and the 20 apart", () => {
    const words = ["cat", "dog", "cow", "hen", "fox", "bat", "eel", "owl", "ant", "bee"];
    const distinct = Array.from(
      { length: 200 },
      (_, n) =>
        of({
          message: `no ${words[n % 10]} here`,
          frames: [aFrame(`src/${words[Math.floor(n / 10) % 10]}.ts`, n < 100 ? "load" : "save")],
        }).fingerprint,
    );
    expect(new Set(distinct).size).toBeGreaterThanOrEqual(196);
    expect(new Set(variants.map(([first]) => first)).size).toBe(20);
  });
});
