import { describe, expect, it } from "vitest";
import { Settings } from "#domain/settings.ts";
import { editsVerdict, emptyChange, fileVerdict } from "#policy/protected-files.ts";
import { aChange, defaults } from "./builders.ts";

const rejected = (...changes: ReturnType<typeof aChange>[]) => fileVerdict(changes, defaults).rejected;
const nothing = () => false;
const edit = (path: string, content: string | null = "x\n") => ({ path, content });

describe("protected files (spec.md §10)", () => {
  const touching = [
    "supabase/migrations/006_x.sql",
    "src/app/api/billing/route.ts",
    "src/app/api/billing/a/b/c.ts",
    "src/app/api/webhooks/stripe/route.ts",
    ".env",
    ".env.local",
    "apps/web/.env.production",
    "vercel.json",
    "Vercel.JSON",
    "SRC/App/API/Billing/route.ts",
    "src/x/../app/api/billing/route.ts",
    "./vercel.json",
    "src//app/api/billing/route.ts",
    "vercel.json.",
    "vercel.json ",
    "ｖｅｒｃｅｌ.json",
    "ver\u200bcel.json",
    "verсel.json",
    ".ｅnv",
    ".еnv",
    "src/app/api/billing",
    "vercel.json/x.ts",
    "src\\app\\api\\billing\\route.ts",
    "/vercel.json",
  ];
  for (const path of touching) {
    it(`${JSON.stringify(path)} is protected`, () => {
      const because = /is protected and never modified\.$/;
      expect(rejected(aChange(path)).some((sentence) => because.test(sentence))).toBe(true);
      expect(editsVerdict([edit(path)], nothing, defaults).rejected.some((sentence) => because.test(sentence))).toBe(
        true,
      );
    });
  }
  for (const change of ["added", "modified", "deleted"] as const) {
    it(`${change} counts as touching`, () => {
      const modes = { added: { oldMode: "000000" }, deleted: { newMode: "000000" }, modified: {} }[change];
      expect(rejected(aChange("vercel.json", { change, ...modes }))).toEqual([
        '"vercel.json" is protected and never modified.',
      ]);
    });
  }
  it("both sides of a rename count: git shows them as two entries", () => {
    const changes = [
      aChange("src/app/api/billing/route.ts", { change: "deleted", newMode: "000000" }),
      aChange("src/free.ts", { change: "added", oldMode: "000000" }),
    ];
    expect(rejected(...changes)).toEqual(['"src/app/api/billing/route.ts" is protected and never modified.']);
  });
  it("leaves ordinary neighbours alone", () => {
    const paths = [
      "src/environment.ts",
      "src/app/api/billings/route.ts",
      "src/app/(shop)/[slug]/page.tsx",
      "docs/vercel.json.md",
      "src/größe.ts",
      "supabase/seed.ts",
    ];
    for (const path of paths) expect(fileVerdict([aChange(path)], defaults)).toEqual({ rejected: [], approval: [] });
  });
  it("obeys the operators' lists", () => {
    const settings = Settings.parse({ files: { protected: ["core/**"], requiresApproval: ["*.md"] } });
    expect(fileVerdict([aChange("core/a.ts"), aChange("README.md"), aChange("vercel.json")], settings)).toEqual({
      rejected: ['"core/a.ts" is protected and never modified.'],
      approval: ["README.md"],
    });
  });
});

describe("what a fix never does (reliability D5, C13)", () => {
  const faults: [string, ReturnType<typeof aChange>, string][] = [
    [
      "a symbolic link",
      aChange("src/l", { change: "added", oldMode: "000000", newMode: "120000" }),
      '"src/l" is a symbolic link.',
    ],
    [
      "a link removed",
      aChange("src/l", { change: "deleted", oldMode: "120000", newMode: "000000" }),
      '"src/l" is a symbolic link.',
    ],
    ["a submodule", aChange("lib", { change: "added", oldMode: "000000", newMode: "160000" }), '"lib" is a submodule.'],
    [
      "a file turned into a link",
      aChange("src/a.ts", { change: "type_changed", newMode: "120000" }),
      '"src/a.ts" is a symbolic link.',
    ],
    ["another kind", aChange("src/a.ts", { change: "type_changed" }), '"src/a.ts" changes its kind.'],
    ["a mode change", aChange("src/a.ts", { newMode: "100755" }), '"src/a.ts" changes its mode from 100644 to 100755.'],
    [
      "a new program",
      aChange("src/a.ts", { change: "added", oldMode: "000000", newMode: "100755" }),
      '"src/a.ts" would be created with mode 100755.',
    ],
    ["an unknown mode", aChange("src/a.ts", { oldMode: "", newMode: "" }), '"src/a.ts" has the unknown mode .'],
    ["a binary", aChange("src/a.png", { binary: true }), '"src/a.png" is binary.'],
    [
      "too many lines",
      aChange("src/a.ts", { addedLines: 200, removedLines: 101 }),
      "The change is 301 lines long (limit 300).",
    ],
    [
      "lines that are none",
      aChange("src/a.ts", { addedLines: Number.NaN }),
      "The change is NaN lines long (limit 300).",
    ],
    ["negative lines", aChange("src/a.ts", { addedLines: -500 }), "The change is NaN lines long (limit 300)."],
    [
      "a way out",
      aChange("src/../../x.ts"),
      `The path "src/../../x.ts" is not in its plain form (empty, '.' or '..' segment).`,
    ],
    ["an absolute path", aChange("/etc/passwd"), 'The path "/etc/passwd" is absolute.'],
    ["a drive", aChange("C:/x.ts"), 'The path "C:/x.ts" is absolute.'],
    ["git's hooks", aChange(".git/hooks/pre-commit"), 'The path ".git/hooks/pre-commit" belongs to Git itself.'],
    ["git in capitals", aChange("a/.GIT/config"), 'The path "a/.GIT/config" belongs to Git itself.'],
    ["git's short name", aChange("git~1/config"), 'The path "git~1/config" belongs to Git itself.'],
    [
      "attributes that hide a file",
      aChange("src/.gitattributes"),
      'The path "src/.gitattributes" belongs to Git itself.',
    ],
    ["a control character", aChange("src/a\u0007.ts"), 'The path "src/a\\u{7}.ts" holds a control character.'],
    ["a line break", aChange("src/a\n.ts"), 'The path "src/a\\u{a}.ts" holds a control character.'],
    [
      "a direction change",
      aChange("src/\u202ets.a"),
      'The path "src/\\u{202e}ts.a" holds an invisible or direction-changing character.',
    ],
    ["bytes that are no text", aChange("src/\uFFFD.ts"), 'The path "src/\uFFFD.ts" is not valid UTF-8.'],
    ["a decomposed name", aChange("src/u\u0308.ts"), 'The path "src/u\u0308.ts" is not in Unicode normal form C.'],
    [
      "a trailing dot",
      aChange("src/a./b.ts"),
      'The path "src/a./b.ts" has a segment that ends in a dot or begins or ends with a space.',
    ],
    ["a backslash", aChange("src\\a.ts"), 'The path "src\\u{5c}a.ts" holds a backslash.'],
    ["nothing", aChange(""), 'The path "" is empty or longer than 500 characters.'],
  ];
  for (const [name, change, sentence] of faults) {
    it(`${name} is rejected`, () => expect(rejected(change)).toEqual([sentence]));
  }
  it("takes ten files and 300 lines, not one more", () => {
    const files = (count: number) =>
      Array.from({ length: count }, (_, n) => aChange(`src/f${n}.ts`, { addedLines: 20, removedLines: 10 }));
    expect(rejected(...files(10))).toEqual([]);
    expect(rejected(...files(11))).toEqual([
      "The change touches 11 files (limit 10).",
      "The change is 330 lines long (limit 300).",
    ]);
  });
  it("rejects huge paths without comparing them", () => {
    const shown = `"${"a/".repeat(100)}…"`;
    expect(fileVerdict([aChange("a/".repeat(500_000))], defaults).rejected).toEqual([
      `The path ${shown} is empty or longer than 500 characters.`,
      `${shown} is protected and never modified.`,
    ]);
    const longest = `${"a/".repeat(249)}b`;
    expect(fileVerdict([aChange(longest)], defaults)).toEqual({ rejected: [], approval: [] });
  });
  it("rejects an empty change", () => expect(rejected()).toEqual(["The change is empty."]));
});

describe("files that a person decides about (spec.md §10, reliability D6)", () => {
  const held = [
    "package.json",
    "apps/web/package.json",
    "package-lock.json",
    "pnpm-lock.yaml",
    ".github/workflows/ci.yml",
    ".GitHub/workflows/ci.yml",
    "．github/workflows/ci.yml",
    ".gitlab-ci.yml",
    ".circleci/config.yml",
    ".husky/pre-commit",
    ".vscode/settings.json",
    ".idea/x.xml",
    ".claude/settings.json",
    ".cursor/rules",
    ".mcp.json",
    "CLAUDE.md",
    "docs/claude.md",
    "AGENTS.md",
    ".gitignore",
    ".npmrc",
    ".yarnrc.yml",
    ".pnpmfile.cjs",
    "Dockerfile",
    "Dockerfile.prod",
    "next.config.ts",
    "src/middleware.ts",
    "vitest.config.ts",
    "jest.config.js",
    "tsconfig.json",
    "eslint.config.mjs",
    "db/migrations/1.ts",
    "src/auth/session.ts",
    "src/lib/billing/x.ts",
  ];
  for (const path of held) {
    it(`${path} asks`, () => {
      expect(fileVerdict([aChange(path)], defaults).approval).toEqual([path]);
      expect(editsVerdict([edit(path)], nothing, defaults)).toEqual({ rejected: [], approval: [path] });
    });
  }
});

describe("editsVerdict", () => {
  const existing = (path: string) => path === "src/a.ts";
  it("takes plain edits, creations and deletions", () => {
    expect(editsVerdict([edit("src/a.ts"), edit("src/new.ts")], existing, defaults)).toEqual({
      rejected: [],
      approval: [],
    });
    expect(editsVerdict([edit("src/a.ts", null)], existing, defaults).rejected).toEqual([]);
  });
  const cases: [string, { path: string; content: string | null }[], string[]][] = [
    ["nothing", [], ["The change is empty."]],
    ["deleting what is not there", [edit("src/b.ts", null)], ['"src/b.ts" does not exist and cannot be deleted.']],
    ["a file inside a file", [edit("src/a.ts/b.ts")], ['"src/a.ts/b.ts" would lie inside the file "src/a.ts".']],
    ["one file twice", [edit("src/b.ts"), edit("src/B.ts")], ['"src/B.ts" is edited twice.']],
    ["binary content", [edit("src/b.ts", "a\0b")], ['"src/b.ts" would be binary.']],
    ["half a character", [edit("src/b.ts", "\ud800")], ['"src/b.ts" would not be valid UTF-8.']],
    [
      "eleven files",
      Array.from({ length: 11 }, (_, n) => edit(`src/${n}.ts`)),
      ["The change touches 11 files (limit 10)."],
    ],
  ];
  for (const [name, edits, sentences] of cases) {
    it(`rejects ${name}`, () => expect(editsVerdict(edits, existing, defaults).rejected).toEqual(sentences));
  }
});

describe("emptyChange (reliability C13)", () => {
  const lines = "const a = 1;\nconst b = 2;\nconst c = 3;\n";
  const of = (before: string | null, after: string | null, path = "src/a.ts") => emptyChange([{ path, before, after }]);
  const cases: [string, string | undefined, string | undefined][] = [
    ["unchanged", of(lines, lines), "the change changes nothing"],
    ["no file at all", emptyChange([]), "the change changes nothing"],
    ["a blank more", of(lines, "const a  =  1;\n\nconst b = 2;\nconst c = 3;"), "the change is white space only"],
    ["indented anew", of(lines, lines.replaceAll("const", "  const")), "the change is white space only"],
    ["line endings flipped", of(lines, lines.replaceAll("\n", "\r\n")), "the line endings of src/a.ts are flipped"],
    [
      "line endings flipped back, with a change",
      of(lines.replaceAll("\n", "\r\n"), lines.replace("1", "9")),
      "the line endings of src/a.ts are flipped",
    ],
    ["an empty new file", of(null, "\n"), "the change is white space only"],
    ["trailing blanks in text", of("a: 1\n", "a: 1  \n", "x.yml"), "the change is white space only"],
    ["indentation of text", of("a:\nb: 1\n", "a:\n  b: 1\n", "x.yml"), undefined],
    ["a blank inside a text", of('say("notsent");', 'say("not sent");'), undefined],
    ["a blank inside JSX text", of("<p>notsent</p>", "<p>not sent</p>", "a.tsx"), undefined],
    ["a real change", of(lines, lines.replace("1", "9")), undefined],
    ["a comment", of(lines, `// why\n${lines}`), undefined],
    ["a new file", of(null, lines), undefined],
    ["a deletion", of(lines, null), undefined],
  ];
  for (const [name, found, wanted] of cases) it(`${name}: ${wanted ?? "a change"}`, () => expect(found).toBe(wanted));
});
