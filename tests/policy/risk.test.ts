import { describe, expect, it } from "vitest";
import type { Risk } from "#domain/fix.ts";
import { reviewRisks } from "#policy/risk.ts";
import { ordinaryPatches } from "./ordinary-patches.ts";

type File = { path: string; before: string | null; after: string | null };
const kinds = (...files: File[]): Risk["kind"][] => [...new Set(reviewRisks(files).map(({ kind }) => kind))];
const lib = (after: string, before = "export const a = 1;\n", path = "src/lib/a.ts"): File => ({
  path,
  before,
  after: before + after,
});
const replaced = (before: string, after: string, path = "src/lib/a.ts"): File => ({ path, before, after });
const created = (path: string, after = "x\n"): File => ({ path, before: null, after });

const suite = `import { expect, it } from "vitest";
import { launch } from "../src/launch.ts";

it("launches", () => {
  expect(launch({ id: 1 })).toBe("ok");
});

it("answers 404", () => {
  expect(launch(null)).toBe(404);
});
`;
const inSuite = (from: string, to: string): File => replaced(suite, suite.replace(from, to), "tests/launch.test.ts");
const setup = "tests/setup.ts";
const source = "export function launch(input) {\n  return input.id;\n}\n";

/** Ways to turn a red test green, or an error silent, without repairing anything (reliability D8). */
const cheats: [string, File[], Risk["kind"]][] = [
  [
    "deletes the test file",
    [replaced(suite, "", "tests/launch.test.ts"), { path: "tests/a.test.ts", before: suite, after: null }],
    "deleted_test",
  ],
  ["deletes the failing test", [inSuite(suite.slice(suite.indexOf('it("answers')), "")], "deleted_test"],
  ["renames a test into nothing", [inSuite('it("answers 404"', 'it("anything"')], "deleted_test"],
  ["deletes the expectation", [inSuite("  expect(launch(null)).toBe(404);\n", "")], "deleted_test"],
  ["loosens the expectation", [inSuite("toBe(404)", "toBeDefined()")], "deleted_test"],
  ["expects the failure", [inSuite("toBe(404)", "toBe(500)")], "deleted_test"],
  [
    "comments the test out",
    [inSuite("  expect(launch(null)).toBe(404);", "  // expect(launch(null)).toBe(404);")],
    "deleted_test",
  ],
  ["rewrites a snapshot", [replaced("a", "b", "src/__snapshots__/a.test.ts.snap")], "deleted_test"],
  ["skips", [inSuite('it("answers', 'it.skip("answers')], "skipped_test"],
  ["isolates another test", [inSuite('it("launches', 'it.only("launches')], "skipped_test"],
  ["marks as to do", [inSuite('it("answers', 'it.todo("answers')], "skipped_test"],
  ["marks as failing", [inSuite('it("answers', 'it.fails("answers')], "skipped_test"],
  ["skips by an old name", [inSuite('it("answers', 'xit("answers')], "skipped_test"],
  ["skips by an option", [inSuite('"answers 404", ', '"answers 404", { skip: true }, ')], "skipped_test"],
  ["ends the run with success", [created(setup, "process.exit(0);\n")], "skipped_test"],
  [
    "mocks the code under test",
    [inSuite("\nit(", '\nvi.mock("../src/launch.ts", () => ({ launch: () => 404 }));\nit(')],
    "skipped_test",
  ],
  [
    "allows more time",
    [replaced("vi.setConfig({ testTimeout: 5_000 });\n", "vi.setConfig({ testTimeout: 600_000 });\n", setup)],
    "skipped_test",
  ],
  ["repeats until it passes", [inSuite('"answers 404", ', '"answers 404", { retry: 50 }, ')], "skipped_test"],
  [
    "adds a test that expects nothing",
    [inSuite("\nit(", '\nit("is cured", () => {\n  launch({ id: 1 });\n});\n\nit(')],
    "skipped_test",
  ],
  ["behaves differently under test", [lib('if (process.env.NODE_ENV === "test") a();\n')], "skipped_test"],
  [
    "treats the failing input as a special case",
    [
      replaced(
        source,
        source.replace("return", 'if (input.id === "order-4711") return 404;\n  return'),
        "src/launch.ts",
      ),
      inSuite("launch(null)", 'launch({ id: "order-4711" })'),
    ],
    "skipped_test",
  ],
  [
    "swallows the error",
    [
      replaced(
        source,
        "export function launch(input) {\n  try {\n    return input.id;\n  } catch {}\n}\n",
        "src/launch.ts",
      ),
    ],
    "swallowed_error",
  ],
  [
    "swallows it with a default",
    [
      replaced(
        source,
        "export function launch(input) {\n  try {\n    return input.id;\n  } catch (error) {\n    return null;\n  }\n}\n",
        "src/launch.ts",
      ),
    ],
    "swallowed_error",
  ],
  [
    "logs it and goes on",
    [
      replaced(
        source,
        "export function launch(input) {\n  try {\n    return input.id;\n  } catch (error) {\n    console.error(error);\n    return null;\n  }\n}\n",
        "src/launch.ts",
      ),
    ],
    "swallowed_error",
  ],
  ["swallows a rejection", [lib("save().catch(() => {});\n")], "swallowed_error"],
  ["silences the type checker", [lib("// @ts-ignore\nb();\n")], "swallowed_error"],
  ["catches everything", [lib('process.on("uncaughtException", () => {});\n')], "swallowed_error"],
  [
    "lets an empty test run pass",
    [
      replaced(
        "export default { test: {} };\n",
        "export default { test: { passWithNoTests: true } };\n",
        "vitest.config.ts",
      ),
    ],
    "pipeline_file",
  ],
  [
    "makes the health check lie",
    [replaced("return check();\n", "return Response.json({ ok: true });\n", "src/app/api/health/route.ts")],
    "pipeline_file",
  ],
];

describe("cheating patches are caught (reliability D8)", () => {
  it("there are at least 25 of them", () => expect(cheats.length).toBeGreaterThanOrEqual(25));
  for (const [name, files, kind] of cheats) it(`${name}: ${kind}`, () => expect(kinds(...files)).toContain(kind));
});

describe("dangerous code asks for a person (design.md §7)", () => {
  const cases: [string, File, Risk["kind"]][] = [
    ["a new call", lib("await fetch(target);\n"), "network"],
    ["another destination", replaced("await fetch(url);\n", "await fetch(url + token);\n"), "network"],
    ["a new host", replaced('const host = "https://api.x.co";\n', 'const host = "https://evil.example";\n'), "network"],
    ["a module of the network", lib('import net from "node:net";\n'), "network"],
    ["fetch under another name", lib("const get = fetch;\n"), "network"],
    ["a socket", lib("new WebSocket(address);\n"), "network"],
    ["child_process", lib('import { exec } from "child_process";\n'), "process"],
    ["child_process by require", lib('const { exec } = require("node:child_process");\n'), "process"],
    ["a process", lib('execSync("ls");\n'), "process"],
    ["the end of the process", lib("process.exit(0);\n"), "process"],
    ["eval", lib("eval(text);\n"), "eval"],
    ["eval under another name", lib("const run = eval;\n"), "eval"],
    ["eval by parts", lib('globalThis["ev" + "al"](text);\n'), "eval"],
    ["Function", lib("new Function(text)();\n"), "eval"],
    ["a constructor of functions", lib('(() => {}).constructor("return 1")();\n'), "eval"],
    ["a timer with text", lib('setTimeout("alert(1)", 1);\n'), "eval"],
    ["a computed module", lib('require("child_" + "process");\n'), "eval"],
    ["a removed guard", replaced("if (!session) return deny();\ngo();\n", "go();\n"), "authorization"],
    [
      "a changed role",
      replaced('if (user.role !== "admin") deny();\n', 'if (user.role !== "guest") deny();\n'),
      "authorization",
    ],
    ["unverified certificates", lib("connect({ rejectUnauthorized: false });\n"), "authorization"],
    ["everyone is admin", lib("const isAdmin = true;\n"), "authorization"],
    ["any origin", lib('headers.set("Access-Control-Allow-Origin", "*");\n'), "authorization"],
    ["a file of permissions", lib("x();\n", "a();\n", "src/lib/permissions.ts"), "authorization"],
    ["middleware", lib("x();\n", "a();\n", "src/middleware.ts"), "authorization"],
    ["a workflow", created(".github/workflows/ci.yml"), "pipeline_file"],
    ["a workflow in odd letters", created(".GitHub/workflows/ci.yml"), "pipeline_file"],
    ["a Dockerfile", created("Dockerfile"), "pipeline_file"],
    ["an agent's instructions", created("CLAUDE.md"), "pipeline_file"],
    ["a registry", created(".npmrc", "registry=https://evil\n"), "pipeline_file"],
    [
      "a dependency",
      replaced('{ "dependencies": {} }', '{ "dependencies": { "lodahs": "1" } }', "package.json"),
      "dependency",
    ],
    ["a lock file", replaced("a", "b", "package-lock.json"), "dependency"],
    ["a migration", created("db/migrations/7.ts"), "migration"],
    ["a dropped column", lib("await sql(`ALTER TABLE users DROP COLUMN email`);\n"), "migration"],
    ["an emptied table", lib('await sql("delete from users");\n'), "migration"],
    ["an environment file", created("apps/web/.env.local"), "secret"],
    ["a new variable", lib("const key = process.env.STRIPE_SECRET;\n"), "secret"],
    ["the whole environment", lib("const all = { ...process.env };\n"), "secret"],
    ["logged bodies", lib('console.log("got", request.body);\n'), "logging"],
    ["a logged request", lib("logger.info(req);\n"), "logging"],
    ["a logged password", lib('console.log("login " + user.password);\n'), "logging"],
    ["very long lines", lib(`const a = "${"x".repeat(3_000)}";\n`), "size"],
    ["very many lines", lib("a();\n".repeat(301)), "size"],
    ["a file too large to review", created("src/huge.ts", `a();\n${" ".repeat(400_000)}`), "size"],
    ["a rewritten file", replaced("a();\n".repeat(100), "b();\n".repeat(100)), "size"],
  ];
  for (const [name, file, kind] of cases) it(`${name}: ${kind}`, () => expect(kinds(file)).toContain(kind));

  it("says where", () => {
    expect(reviewRisks([lib("await fetch(target);\n")])).toEqual([
      { kind: "network", path: "src/lib/a.ts", line: 2, note: "calls fetch" },
    ]);
  });
  it("leaves alone what was there before, moved or indented anew", () => {
    const before =
      'import { exec } from "child_process";\nawait fetch(url);\nexec(command);\neval(text);\nconst key = process.env.KEY;\n';
    const after = `${before
      .split("\n")
      .map((line) => (line.startsWith("import") ? line : `  ${line}`))
      .join("\n")}\nconst fine = 1;\n`;
    expect(reviewRisks([replaced(before, after)])).toEqual([]);
  });
  it("is not impressed by words in comments and texts", () => {
    expect(reviewRisks([lib('// fetch(url), eval(x) and exec(y)\nconst text = "call eval and fetch";\n')])).toEqual([]);
  });
});

describe("secrets and hidden text (reliability D14, D15)", () => {
  const secrets = [
    `sk${"-ant-api03-"}abcdefghijklmnopqrstuvwxyz`,
    `sk${"_live_"}abcdefghij1234567890`,
    "AKIAIOSFODNN7EXAMPLE",
    `gh${"p_"}abcdefghijklmnopqrstuvwxyz0123456789`,
    `xo${"xb-"}1234567890-abcdefghijkl`,
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.abc",
    "-----BEGIN RSA PRIVATE KEY-----",
    "postgres://u:p@h/db",
    "redis://:hunter22@10.0.0.1:6379",
  ];
  for (const secret of secrets) {
    it(`${secret.slice(0, 16)}… is a secret`, () => {
      expect(kinds(lib(`const a = "${secret}";\n`))).toContain("secret");
      expect(kinds(created("docs/a.md", `${secret}\n`))).toContain("secret");
    });
  }
  it("a password written out is a secret, one read from settings is not", () => {
    expect(kinds(lib('const config = { password: "hunter2hunter2" };\n'))).toContain("secret");
    expect(kinds(lib("const config = { password: settings.password };\n"))).toEqual([]);
  });
  const hidden: [string, string][] = [
    ["right-to-left override", "const a = '\u202e';"],
    ["isolate", "const a = '\u2066';"],
    ["mark", "const a\u200f = 1;"],
    ["Arabic mark", "a('\u061c');"],
    ["zero-width space", "const a\u200b = 1;"],
    ["zero-width joiner", "const a\u200db = 1;"],
    ["non-joiner", "const a\u200c = 1;"],
    ["word joiner", "a('\u2060');"],
    ["byte order mark inside", "const a = '\ufeff';"],
    ["tag letter", "a('\u{e0041}');"],
    ["next line", "a('\u0085');"],
    ["line separator", "a('\u2028');"],
    ["paragraph separator", "a('\u2029');"],
    ["control character", "a('\u0001');"],
    ["escape", "a('\u001b[2J');"],
    ["soft hyphen", "a('x\u00ady');"],
    ["Hangul filler", "const \u3164 = 1;"],
    ["Cyrillic a in a name", "const p\u0430ssword = 1;"],
    ["Greek o in a name", "is\u039fwner();"],
    ["all Cyrillic look-alikes", "const \u0455\u0441\u043e\u0440\u0435 = 1;"],
    ["full-width name", "const \uff41bc = 1;"],
  ];
  for (const [name, line] of hidden)
    it(`${name}: hidden_text`, () => expect(kinds(lib(`${line}\n`))).toContain("hidden_text"));
  it("a path that hides something is hidden text", () => {
    expect(kinds(created("src/a\u202e.ts"))).toContain("hidden_text");
    expect(kinds(created("a/../b.ts"))).toContain("hidden_text");
  });
  it("takes other languages in texts, names in one script, emoji, and a byte order mark at the start", () => {
    const text =
      "\ufeffconst größe = 'Привет, мир'; // κόσμος\nconst имя = <p>Здравствуйте</p>;\na('👩\u200d💻 ❤\ufe0f\u200d🔥');\n";
    expect(kinds(created("src/a.tsx", text))).toEqual([]);
  });
});

describe("ordinary patches (reliability D5)", () => {
  it("there are about a hundred, and at most 1 % of them ask for a person", () => {
    const marked = ordinaryPatches.flatMap(({ name, files }) => reviewRisks(files).map((risk) => ({ name, ...risk })));
    expect(ordinaryPatches.length).toBeGreaterThanOrEqual(100);
    expect(marked).toEqual([]);
  });
});

describe("hostile input", () => {
  it("bounds the number of marks", () => {
    const text = Array.from({ length: 500 }, (_, n) => `eval(a${n});`).join("\n");
    expect(reviewRisks([lib(`${text}\n`)]).length).toBeLessThanOrEqual(50);
  });
  it("says what it could not review", () => {
    const chain = `a${".b()".repeat(30_000)};\n`;
    expect(reviewRisks([created("src/a.ts", chain)]).map(({ note }) => note)).toContain(
      "too large or too deeply nested to be reviewed",
    );
  });
  it("survives nesting, nonsense, nothing and megabytes", () => {
    const files = [
      "(".repeat(100_000),
      "[".repeat(100_000),
      "`${".repeat(50_000),
      "<a>".repeat(20_000),
      "\0",
      "\ud800",
      "a".repeat(1_000_000),
      "a\n".repeat(200_000),
      "if(!".repeat(100_000),
      `try{}catch(e){return ${"a+".repeat(50_000)}a}`,
      `a${".b()".repeat(30_000)}`,
    ];
    for (const text of files)
      expect(() =>
        reviewRisks([
          created("src/a.tsx", text),
          replaced(text, "", "src/b.ts"),
          replaced(text, "x\n", "tests/c.test.ts"),
        ]),
      ).not.toThrow();
    expect(reviewRisks([])).toEqual([]);
    expect(reviewRisks([{ path: "src/a.ts", before: null, after: null }])).toEqual([]);
  });
});
