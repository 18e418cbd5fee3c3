import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import { readArchive } from "#tests/eval/archive.ts";
import { errorTextOf, readCases } from "#tests/eval/cases.ts";
import { tableOf } from "#tests/eval/table.ts";

const evaluation = join(import.meta.dirname, "..", "eval");
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "vigil-eval-test-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function casesIn(text: string) {
  const file = join(folder, "some.json");
  await writeFile(file, text);
  return readCases(file);
}

it("reads cases as others write them, and says which one is not right", async () => {
  const given = {
    ...{ id: "qs-1", repo: "ljharb/qs", lang: "js", kind: "crash", base_commit: "a".repeat(40), node: "20" },
    ...{ error_message: "TypeError: no (HTTP 500)", prod_stack: "TypeError: no\n    at f (lib/a.js:1:1)" },
    changed_source_files: ["lib/a.js"],
  };
  const { cases } = await casesIn(JSON.stringify([given]));
  expect(cases.map(errorTextOf)).toEqual(["TypeError: no\n    at f (lib/a.js:1:1)"]);
  expect((await casesIn(`${JSON.stringify(given)}\n${JSON.stringify({ ...given, id: "qs-2" })}\n`)).cases).toHaveLength(
    2,
  );
  for (const [text, words] of [
    ["[]", "no cases"],
    ["{", "neither JSON nor JSON lines"],
    [JSON.stringify([given, given]), "qs-1 twice"],
    [JSON.stringify([given, { ...given, id: "a/b" }]), "Case 2"],
    [JSON.stringify([{ ...given, repo: undefined }]), "either repo or files"],
    [JSON.stringify([{ ...given, error_message: "", prod_stack: "" }]), "needs an error"],
  ] as const) {
    await expect(casesIn(text)).rejects.toMatchObject({ message: expect.stringContaining(words) });
  }
  await expect(readCases(join(folder, "none.json"))).rejects.toMatchObject({ code: "not_found" });
});

it("brings ten cases of its own, each with an error to make, a true fix's files and tests for it", async () => {
  const { cases, folder: home } = await readCases(join(evaluation, "cases.json"));
  expect(cases).toHaveLength(10);
  for (const { files = "", crash, changed_source_files, hidden_tests } of cases) {
    const archive = readArchive(await readFile(join(home, files), "utf8"));
    expect(Object.keys(archive.files)).toEqual(expect.arrayContaining(["package.json", ...changed_source_files]));
    expect(crash).toBe("node crash.mjs");
    expect(archive.crash["crash.mjs"]).toBeDefined();
    expect(Object.keys(archive.hidden).length > 0).toBe(changed_source_files.length > 0);
    expect(hidden_tests !== undefined).toBe(changed_source_files.length > 0);
  }
});

it("measures cases, keeps what is finished, and goes on where it was stopped", async () => {
  const { cases } = await readCases(join(evaluation, "cases.json"));
  const chosen = cases.filter(({ id }) => id === "moved-module");
  const placed = chosen.map((given) => ({ ...given, files: join(evaluation, given.files ?? "") }));
  const lost = { id: "lost", repo: "nobody/nothing", error_message: "Error: x", changed_source_files: ["a.js"] };
  const file = join(folder, "cases.json");
  await writeFile(file, JSON.stringify([...placed, lost]));
  const out = join(folder, "out");
  const first = await evaluated("--cases", file, "--out", out, "--json");
  expect(first.code).toBe(1);
  expect(JSON.parse(first.stdout)).toMatchObject({
    summary: { cases: 2, top1: { of: 1, are: 1 }, fixed: { of: 1, are: 1 }, status: { fixed: 1, error: 1 } },
    results: [
      { id: "moved-module", status: "fixed", fixed: true, top1: true },
      { id: "lost", status: "error", reason: expect.stringContaining("--mirrors") },
    ],
  });
  // Killed while a line was being written.
  const [kept = ""] = (await readFile(join(out, "results.ndjson"), "utf8"))
    .split("\n")
    .filter((line) => line.includes("moved"));
  await writeFile(join(out, "results.ndjson"), `${kept}\n{"id":"lo`);
  const resumed = await evaluated("--cases", file, "--out", out, "--resume");
  expect(resumed.stderr).toContain("2 cases, 1 of them finished before");
  expect(resumed.stdout).toMatch(/moved-module +yes +yes +yes +fixed[\s\S]*lost[\s\S]*2 cases/);
});

it("shows one line a case and one for all", () => {
  const result = {
    ...{
      id: "a",
      status: "fixed" as const,
      top1: true,
      top5: true,
      fixed: null,
      attempts: 2,
      tokens: 1_200,
      costUsd: 0.0123,
    },
    ...{ modelCalls: 3, seconds: 4.2, engineer: null, reason: "" },
  };
  const table = tableOf([result, { ...result, id: "b", status: "error", top1: null, top5: false }]);
  expect(table.split("\n").map((line) => line.trim().split(/ {2,}/).slice(0, 5))).toEqual([
    ["case", "top-1", "top-5", "fixed", "status"],
    ["a", "yes", "yes", "–", "fixed"],
    ["b", "–", "no", "–", "error"],
    ["2 cases", "1/1", "1/2", "0/0", "2400"],
  ]);
});

async function evaluated(...words: string[]) {
  const environment = { NODE_ENV: "test" as const, PATH: process.env.PATH };
  const run = promisify(execFile)(process.execPath, [join(evaluation, "run.ts"), ...words], { env: environment });
  return run.then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    ({ code, stdout, stderr }: { code: number; stdout: string; stderr: string }) => ({ code, stdout, stderr }),
  );
}
