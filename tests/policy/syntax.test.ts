import { describe, expect, it } from "vitest";
import { syntaxErrors } from "#policy/syntax.ts";

const typed = "export const a: number = 1;\n";
const jsx = "export const A = () => <p>hi</p>;\n";
const plain = "export const a = 1;\n";
const script = "const a = require('a');\nmodule.exports = { a };\n";

describe("syntaxErrors", () => {
  const sound: [string, string][] = [
    ["a.ts", typed],
    ["a.mts", typed],
    ["a.cts", typed],
    ["a.d.ts", "declare const a: number;\n"],
    ["a.tsx", jsx + typed],
    ["a.jsx", jsx],
    ["a.js", jsx],
    ["a.js", script],
    ["a.cjs", script],
    ["a.mjs", plain],
    ["A.TS", typed],
    ["src/app/(shop)/[slug]/page.tsx", jsx],
    ["a.ts", ""],
    ["a.ts", "#!/usr/bin/env node\nlet a = <number>(<unknown>1);"],
    ["a.mjs", "const small = 1 < 2 && 3 > 2;"],
    ["a.ts", "enum E { A }\n@d class C {}"],
    ["a.ts", "await import('x'); for await (const a of b) {}"],
    ["a.json", "{}"],
    ["a.json", "\uFEFF[1]"],
    ["tsconfig.json", '{ // why\n "a": 1, }'],
    ["a.md", "<<<<<<< nothing"],
    ["Makefile", ")("],
    ["a.css", "}}}"],
  ];
  for (const [path, content] of sound) {
    it(`${path} ${JSON.stringify(content.slice(0, 30))} parses`, () => expect(syntaxErrors(path, content)).toEqual([]));
  }
  const broken: [string, string, string][] = [
    ["a.ts", "const a = ;\n", "line 1: Expression expected."],
    ["a.ts", "function f() {\n  if (x) {\n}\n", "line 4: '}' expected."],
    ["a.ts", jsx, "line 1: "],
    ["a.js", typed, "line 1: Type annotations can only be used in TypeScript files."],
    ["a.mjs", jsx, "line 1: JSX is allowed in .jsx, .tsx and .js files only."],
    ["a.cjs", jsx, "line 1: JSX is allowed in .jsx, .tsx and .js files only."],
    ["a.ts", "<<<<<<< HEAD\nlet a;\n=======\nlet b;\n>>>>>>> x\n", "line 1: Merge conflict marker encountered."],
    ["a.ts", "const a = `", "line 1: Unterminated template literal."],
    ["a.json", "{,}", "Expected property name or '}' in JSON at position 1 (line 1 column 2)"],
    ["a.json", "", "Unexpected end of JSON input"],
    ["tsconfig.json", "{ ] }", ""],
  ];
  for (const [path, content, begins] of broken) {
    it(`${path} ${JSON.stringify(content.slice(0, 30))} does not`, () => {
      const [first] = syntaxErrors(path, content);
      expect(first?.slice(0, begins.length)).toBe(begins);
      expect(first).not.toBeUndefined();
    });
  }
  it("bounds what it says and survives hostile nesting", () => {
    expect(syntaxErrors("a.ts", "const = ;\n".repeat(1_000)).length).toBeLessThanOrEqual(10);
    expect(syntaxErrors("a.ts", "(".repeat(200_000))).not.toEqual([]);
    expect(syntaxErrors("a.ts", `x = ${"a + ".repeat(100_000)}a`)).toEqual([]);
    expect(syntaxErrors("a.json", "[".repeat(200_000))).not.toEqual([]);
  });
});
