import { symlink } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { aModelThatKnows, type MessagesApi, startMessagesApi } from "#tests/support/messages-api.ts";
import { aFolder, fixed, type SomeFolder, someConfig } from "./a-folder.ts";
import { fingerprintOfTree } from "./trees.ts";

let api: MessagesApi;
let folder: SomeFolder | undefined;
beforeAll(async () => {
  api = await startMessagesApi();
});
afterAll(() => api.close());
afterEach(() => folder?.dispose());

const ledger = {
  "package.json": `{ "name": "ledger", "type": "module", "scripts": { "test": "node --test" } }`,
  "src/parse.js": "export function parseAmount(text) {\n  return { cents: Math.round(Number(text) * 100) };\n}\n",
  "src/format.js": 'export function formatAmount(amount) {\n  return amount.euros.toFixed(2) + " EUR";\n}\n',
  "src/sum.js": `import { parseAmount } from "./parse.js";

export function sumOf(texts) {
  return texts.map(parseAmount).reduce((sum, amount) => ({ euros: sum.euros + amount.euros }), { euros: 0 });
}
`,
  "src/parse.test.js": `import assert from "node:assert";
import test from "node:test";
import { parseAmount } from "./parse.js";

test("reads cents", () => assert.deepEqual(parseAmount("12.50"), { cents: 1250 }));
`,
};
const ledgerError = `12:00:01 ERROR request failed
TypeError: Cannot read properties of undefined (reading 'toFixed')
    at formatAmount (file:///srv/app/src/format.js:2:23)
    at Array.map (<anonymous>)
    at process.processTicksAndRejections (node:internal/process/task_queues:95:5)
`;
const format = { path: "src/format.js", search: "amount.euros.toFixed(2)", replace: "(amount.cents / 100).toFixed(2)" };
const sum = {
  path: "src/sum.js",
  search: "({ euros: sum.euros + amount.euros }), { euros: 0 }",
  replace: "({ cents: sum.cents + amount.cents }), { cents: 0 }",
};
const proof = {
  path: "src/format.test.js",
  content: `import assert from "node:assert";
import test from "node:test";
import { formatAmount } from "./format.js";
import { sumOf } from "./sum.js";

test("prints what was summed up", () => assert.equal(formatAmount(sumOf(["1.25", "2.50"])), "3.75 EUR"));
`,
};

describe("with Claude", () => {
  it("repairs a bug of two files with a test, on the second attempt, and leaves the folder as it was", async () => {
    folder = await aFolder(ledger);
    api.play(
      aModelThatKnows({
        reads: [
          ["read_file", { path: "src/format.js" }],
          ["search", { text: "euros" }],
        ],
        finding: { files: ["src/format.js", "src/sum.js"], rootCause: "amounts are in cents", confidence: 94 },
        repairs: [
          { replacements: [format], newFiles: [proof] },
          { replacements: [format, sum], newFiles: [proof] },
        ],
      }),
    );
    const before = await fingerprintOfTree(folder.path);
    const answer = await fixed(folder.path, ledgerError, { config: someConfig(api) });
    expect(await fingerprintOfTree(folder.path)).toBe(before);
    expect(answer).toMatchObject({
      status: "fixed",
      reasons: [],
      diagnosis: { root_cause: "amounts are in cents", files: ["src/format.js", "src/sum.js"], requires_human: false },
      tests: { before: "passed", after: "passed", before_counts: { passed: 1 }, after_counts: { passed: 2 } },
      files: ["src/format.js", "src/format.test.js", "src/sum.js"],
      attempts: [{ attempt: 1, diff: expect.stringContaining("+  return (amount.cents") }],
      engineer: "playbooks+claude",
      applied: false,
    });
    expect(answer.diff).toContain("+  return texts.map(parseAmount).reduce((sum, amount) => ({ cents:");
    expect(answer.model_calls).toBe(api.requests.length);
    expect(answer.cost_usd).toBeGreaterThan(0);
    expect(answer.read_files).toContain("src/format.js");
    expect(api.refused).toEqual([]);
  });
});

const clinic = {
  "package.json": `{ "name": "clinic", "type": "module", "scripts": { "test": "vitest run" } }`,
  "src/route.js": `const teams = new Map([["t1", { id: "t1", ownerId: "u1" }]]);
const users = new Map();

export async function GET(request, { params }) {
  const team = teams.get(params.id);
  if (!team) {
    return Response.json({ error: "Team not found" }, { status: 404 });
  }
  const owner = users.get(team.ownerId);
  return Response.json({ team, owner: owner.name });
}
`,
  "src/route.test.js": `import { expect, it } from "vitest";
import { GET } from "./route.js";

it("knows its teams", async () => expect((await GET(null, { params: { id: "t9" } })).status).toBe(404));
`,
};
const clinicError = `TypeError: Cannot read properties of undefined (reading 'name')
 ❯ GET src/route.js:10:38
 ❯ src/route.test.js:4:44`;
const guarded = '+    return Response.json({ error: "Owner not found" }, { status: 404 });';

describe("with playbooks alone", () => {
  it("repairs a project of vitest with the packages that its folder has installed, and writes the fix where it is asked to", async () => {
    folder = await aFolder({ ...clinic, ".gitignore": "node_modules\n" });
    await symlink(join(import.meta.dirname, "..", "..", "node_modules"), join(folder.path, "node_modules"));
    const answer = await fixed(folder.path, clinicError, { apply: true });
    expect(answer).toMatchObject({
      status: "fixed",
      diagnosis: {
        files: ["src/route.js"],
        evidence: [{ file: "src/route.js", line: 10 }, {}],
        engineer: "playbook:null-guard",
      },
      tests: { before: "passed", after: "passed" },
      engineer: "playbooks",
      cost_usd: 0,
      model_calls: 0,
      applied: true,
    });
    expect(answer.diff).toContain(guarded);
    expect(await folder.git("status", "--short")).toBe(" M src/route.js");
    expect(await folder.git("diff")).toContain(guarded);
  });

  it("names a check that does its work, and leaves it alone", async () => {
    folder = await aFolder({
      "package.json": `{ "type": "module" }`,
      "src/pay.js": `class BadRequest extends Error {
  status = 400;
}
export function amountOf(text) {
  const amount = Number(text);
  if (!Number.isFinite(amount)) throw new BadRequest("amount must be a number");
  return amount;
}
`,
    });
    const denial = "BadRequest: amount must be a number\n    at amountOf (/app/src/pay.js:6:40)\n";
    expect(await fixed(folder.path, denial)).toMatchObject({
      status: "not_fixed",
      diagnosis: { cause_class: "expected_denial", engineer: expect.stringMatching(/^playbook:/) },
      diff: "",
    });
  });

  it("asks for a person where no test ran", async () => {
    folder = await aFolder({ "src/route.js": clinic["src/route.js"], "package.json": `{ "type": "module" }` });
    expect(await fixed(folder.path, clinicError)).toMatchObject({
      status: "needs_human",
      tests: { before: "none", after: "none" },
      reasons: [expect.stringMatching(/^No test ran, only syntax and types were checked/)],
      diff: expect.stringContaining(guarded),
    });
  });

  it("names the places of an error that it does not know", async () => {
    folder = await aFolder(ledger);
    const unknown = await fixed(folder.path, ledgerError);
    expect(unknown).toMatchObject({
      status: "not_fixed",
      diagnosis: {
        root_cause: null,
        files: ["src/format.js"],
        evidence: [{ file: "src/format.js", line: 2 }],
        confidence: 0,
      },
      diff: "",
      tests: { before: "not_run", after: "not_run" },
      reasons: [expect.stringContaining("no ANTHROPIC_API_KEY is set")],
    });
  });
});

const script = {
  "package.json": `{ "name": "codes", "scripts": { "test": "node check.js" } }`,
  "lib/codes.js": `const pattern = /[A-Z]{2}-(\\d{4})/g;\nexports.numberOf = (code) => Number(pattern.exec(code)[1]);\n`,
  "check.js": `require("assert").equal(require("./lib/codes.js").numberOf("AB-0042"), 42);\n`,
};
const scriptError = JSON.stringify({
  event_id: "0123456789abcdef0123456789abcdef",
  platform: "node",
  exception: {
    values: [
      {
        type: "TypeError",
        value: "Cannot read properties of null (reading '1')",
        stacktrace: {
          frames: [
            { filename: "/app/node_modules/express/lib/router.js", lineno: 9, function: "next", in_app: false },
            { filename: "/app/lib/codes.js", lineno: 2, colno: 59, function: "numberOf", in_app: true },
          ],
        },
      },
    ],
  },
});
const stateless = { path: "lib/codes.js", search: "/g;", replace: "/;" };

describe("what the rules say", () => {
  it("a fix of a plain script's project holds without a person when all is well", async () => {
    folder = await aFolder(script);
    const finding = { files: ["lib/codes.js"], rootCause: "the pattern remembers where it stopped" };
    api.play(aModelThatKnows({ finding, repairs: [{ replacements: [stateless] }] }));
    const config = someConfig(api);
    const sure = await fixed(folder.path, scriptError, { config, withPlaybooks: false });
    expect(sure).toMatchObject({ status: "fixed", engineer: "claude", tests: { before: "passed", after: "passed" } });
  });

  it("a change of a protected file is shown to a person and never written; one of a listed file asks, as does doubt", async () => {
    folder = await aFolder({ ...script, "billing/auth/x.js": "exports.x = 1;\n", ".env.local": "A=1\n" });
    const finding = { files: ["lib/codes.js"] };
    const config = someConfig(api);
    api.play(
      aModelThatKnows({
        finding,
        repairs: [{ replacements: [{ path: ".env.local", search: "A=1", replace: "A=2" }] }],
      }),
    );
    const refused = await fixed(folder.path, scriptError, { config, withPlaybooks: false, apply: true });
    expect(refused).toMatchObject({
      status: "needs_human",
      applied: false,
      reasons: [expect.stringContaining("protected")],
    });
    expect(refused.diff).toContain("+A=2");
    expect(await folder.git("status", "--short")).toBe("");
    const listed = { path: "billing/auth/x.js", search: "= 1", replace: "= 2" };
    const unsure = { ...finding, confidence: 60 };
    api.play(aModelThatKnows({ finding: unsure, repairs: [{ replacements: [stateless, listed] }] }));
    const asked = await fixed(folder.path, scriptError, { config, withPlaybooks: false });
    expect(asked.status).toBe("needs_human");
    expect(asked.reasons).toEqual([
      "The confidence is 60 % (limit 80 %).",
      "The change touches files that need approval: billing/auth/x.js.",
      expect.stringContaining("authorization in billing/auth/x.js"),
    ]);
  });

  it("no call is made that the budget does not cover, and what Claude gives up is not fixed", async () => {
    folder = await aFolder(script);
    const config = someConfig(api);
    api.play([]);
    const poor = await fixed(folder.path, scriptError, { config, withPlaybooks: false, budgetUsd: 0 });
    expect(poor).toMatchObject({ status: "not_fixed", model_calls: 0, reasons: [expect.stringContaining("budget")] });
    expect(api.requests).toEqual([]);
    api.play(aModelThatKnows({}));
    const given = await fixed(folder.path, scriptError, { config, withPlaybooks: false });
    expect(given).toMatchObject({ status: "not_fixed", diagnosis: { files: ["lib/codes.js"] }, diff: "" });
  });

  it("a key that the service refuses is an error of the environment, named with its variable", async () => {
    folder = await aFolder(script);
    const config = someConfig({ url: api.url, apiKey: "sk-ant-another-key-0123456789" });
    const refused = await fixed(folder.path, scriptError, { config, withPlaybooks: false });
    expect(refused).toMatchObject({
      status: "not_fixed",
      diagnosis: { root_cause: null, files: ["lib/codes.js"] },
      diff: "",
      model_calls: 0,
      error: { code: "misconfigured", message: expect.stringContaining("ANTHROPIC_API_KEY") },
    });
  });
});
