import { execFileSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { commitMessage, plainLine, plainText } from "#policy/plain-text.ts";

/** What GitHub, its workflows and hosts act upon in a commit message or in a title: docs.github.com/issues, /actions, /pull-requests. */
const actedUpon: [string, RegExp][] = [
  ["a mention", /@\w/],
  ["a reference that may close an issue", /#\d|\bGH-\d/i],
  ["a link", /:\/\//],
  ["an order to skip the tests", /\[[^\]]*\b(skip|ci)\b[^\]]*\]|\*{3}NO_CI/i],
  ["a claim about the commit", /^[ \t>]*([a-z]+(-[a-z]+)+|reverts|fixes)[ \t]*:/im],
  ["a comment that hides what follows", /<!--/],
  // biome-ignore lint/suspicious/noControlCharactersInRegex: exactly those are what must not be there
  ["an invisible sign", /[\u0000-\u0008\u200b-\u200f\u202a-\u202e\u2066-\u2069]/],
];

const hostile = [
  "Fixes #1, closes owner/repo#2 and resolves GH-3",
  "fixes https://github.com/acme/clinic/issues/4",
  "ping @acme/security and @alice",
  "[skip ci] [ci skip] [no ci] [skip actions] [Actions Skip] [vercel skip] [skip netlify] ***NO_CI***",
  "done\n\nCo-authored-by: Mallory <mallory@example.com>\nSigned-off-by: Alice <alice@example.com>",
  `because\n\nReverts: ${"a".repeat(40)}\nVigil-Fix: 1\nskip-checks: true\n>Vigil-Issue: 2`,
  "Fixes: #7\r\nCo-Authored-By : x",
  "![](https://evil.example/pixel.png) <img src=//evil.example/p> <!-- hidden",
  "a\u202eb\u200bc\u0000d\u001b[31m",
  "##5 (#6) x#7 #8#9",
];

describe("words from outside in titles and commit messages", () => {
  it.each(hostile)("make nothing happen: %j", (text) => {
    for (const written of [plainText(text), plainLine(text)]) {
      for (const [what, pattern] of actedUpon) expect(pattern.test(written), `${what}: ${written}`).toBe(false);
    }
  });

  it("stay as they are where they are plain", () => {
    const text =
      "The query may find nothing (`rows[0]`): answer 404.\n\n- item one, 50 % of C# calls\n- user?.name ?? 'none'";
    expect(plainText(text)).toBe(text);
  });

  it("leave our own facts as the only trailers that Git sees, whatever they hold", () => {
    for (const text of hostile) {
      const facts = { "Vigil-Issue": "i1", "Vigil-Fix": "f1" };
      const message = commitMessage({ subject: text, body: text, facts });
      const trailers = execFileSync("git", ["interpret-trailers", "--parse"], { input: message }).toString();
      expect(trailers).toBe("Vigil-Issue: i1\nVigil-Fix: f1\n");
      expect(message.split("\n")[1]).toBe("");
    }
  });

  it("are bounded", () => {
    const long = "#1 @a ".repeat(20_000);
    const message = commitMessage({ subject: long, body: long, facts: { "Vigil-Fix": "f1" } });
    expect(message.split("\n")[0]?.length).toBeLessThanOrEqual(100);
    expect(message.length).toBeLessThan(20_000);
    expect(commitMessage({ subject: "Fix", body: " ", facts: { a: "b" } })).toBe("Fix\n\na: b\n");
  });
});
