import { join } from "node:path";
import { Readable } from "node:stream";
import { execa } from "execa";
import { describe, expect, it } from "vitest";
import { boundedLines } from "#cli/bounded-lines.ts";
import { type GroupOptions, group } from "#cli/group.ts";
import { generateCorpus } from "#tests/bench/corpus/generate.ts";
import { groupingReports, partOf, readCorpus } from "#tests/bench/grouping.ts";

const main = join(import.meta.dirname, "..", "..", "src", "cli", "main.ts");
const vigil = (words: string[], input = "") =>
  execa(process.execPath, [main, ...words], { input, reject: false, env: { PATH: "" }, extendEnv: false });

const plain = { message: "lock 4411 lost" };
const stack = "TypeError: Cannot read properties of undefined (reading 'id')\n    at POST (/app/src/launch.ts:42:15)";
const thrown = { message: "Cannot read properties of undefined (reading 'id')", type: "TypeError", stack };
const frames = [{ filename: "/var/task/src/launch.ts", function: "POST", lineno: 57, in_app: true, context_line: "x" }];
const sentry = {
  platform: "node",
  exception: { values: [{ type: "TypeError", value: thrown.message, stacktrace: { frames } }] },
};

/** Lines in, what came out and whether all of it was fine. */
async function run(lines: string[], change: Partial<GroupOptions> = {}) {
  const out: string[] = [];
  const complaints: string[] = [];
  const isWhole = await group({
    ...{ file: "-", json: true, input: Readable.from([`${lines.join("\n")}\n`]) },
    write: async (line) => void out.push(line),
    complain: (line) => complaints.push(line),
    now: () => new Date("2026-11-23T10:00:00Z"),
    ...change,
  });
  return { out, complaints, isWhole };
}

describe("vigil group", () => {
  it("answers each line with one line: the same problem by two protocols is one group", async () => {
    const { out, isWhole } = await run([thrown, sentry, plain].map((event) => JSON.stringify(event)));
    const [first, second, third] = out.map((line) => JSON.parse(line));
    expect(first).toEqual({
      fingerprint: expect.stringMatching(/^[0-9a-f]{32}$/),
      cause_key: "TypeError|src/launch.ts:POST",
      type: "api_error",
      title: "TypeError: Cannot read properties of undefined (reading 'id') in src/launch.ts:POST",
      severity: "P2",
      parts: ["stack", "TypeError", "src/launch.ts:POST", "nullish read of id"],
    });
    expect(second.fingerprint).toBe(first.fingerprint);
    expect(third).toMatchObject({ type: "log_error", parts: ["message", "Error", "lock <number> lost"] });
    expect(isWhole).toBe(true);
  });

  it("stays aligned with its input when a line is no event, and says which one", async () => {
    const lines = ["{", "", JSON.stringify(plain), "[]", "7", '{"a":1}', '{"type":"traffic","requests":1}', "  ", "{}"];
    const { out, complaints, isWhole } = await run([...lines, `{"message":"${"x".repeat(1_100_000)}"}`]);
    expect(out.map((line) => JSON.parse(line)).map(({ error, line }) => error && line)).toEqual([
      1,
      undefined,
      ...[4, 5, 6, 7, 9, 10],
    ]);
    expect(complaints.map((line) => line.split(" ").slice(0, 2).join(" "))).toEqual([
      ...["line 1", "line 4", "line 5", "line 6", "line 7", "line 9", "line 10"],
    ]);
    expect(isWhole).toBe(false);
  });

  it("groups whatever environment a line names, and weighs what is not production's lightly", async () => {
    const lines = ["production", "staging", "development"].map((environment) =>
      JSON.stringify({ ...thrown, environment }),
    );
    const { out } = await run(lines);
    expect(out.map((line) => JSON.parse(line).severity)).toEqual(["P2", "P4", "P2"]);
    expect(new Set(out.map((line) => JSON.parse(line).fingerprint)).size).toBe(1);
  });

  it("prints no secret of a line", async () => {
    const secret = "Bearer abcdefghij1234567890";
    const { out } = await run([JSON.stringify({ message: `refused: ${secret}`, operation: `GET /x/${secret}` })]);
    expect(out.join()).not.toContain("abcdefghij1234567890");
  });

  it("explains a group in words", async () => {
    const { out } = await run([JSON.stringify(thrown)], { json: false });
    expect(out.join("\n")).toMatch(/line 1: TypeError[\s\S]+src\/launch\.ts:POST[\s\S]+severity P2, if it stays alone/);
  });

  it("runs as a command, without configuration or database, and tells by its exit how it went", async () => {
    const fine = await vigil(["group", "-", "--json"], `${JSON.stringify(plain)}\n`);
    expect([fine.exitCode, fine.stderr, fine.stdout.split("\n").length]).toEqual([0, "", 1]);
    const broken = await vigil(["group", "-"], `{\n${JSON.stringify(plain)}`);
    expect([broken.exitCode, broken.stderr]).toEqual([1, expect.stringMatching(/^line 1 is not valid JSON/)]);
    expect(await vigil(["group", "/no/such/file"])).toMatchObject({ exitCode: 1, stdout: "" });
    expect(await vigil(["group"])).toMatchObject({ exitCode: 2 });
  });
});

describe("lines of a stream", () => {
  it("are read one at a time, however they arrive, and never held when they are too long", async () => {
    const pieces = ["a\nb", "b\n", "", "\n", "x".repeat(50), "y".repeat(50), "\nend"];
    const lines = await Array.fromAsync(boundedLines(Readable.from(pieces), 60));
    expect(lines.map(({ text }) => text)).toEqual(["a", "bb", "", null, "end"]);
    expect(lines.map(({ number }) => number)).toEqual([1, 2, 3, 4, 5]);
  });
});

/** A lean run of `npm run bench`: every bug in both releases, once in each format. */
describe("a corpus of real processes", () => {
  it("is grouped as well as promised, and lines that move make no new group", async () => {
    const read = await readCorpus(await generateCorpus(1), true);
    const reports = groupingReports(read, true).filter(({ algorithm }) => algorithm === "Vigil");
    for (const { quality, newGroups, part } of reports) {
      expect([part, quality.precision >= 0.94, quality.recall >= 0.98, newGroups]).toEqual([part, true, true, 0]);
    }
    expect(new Set(read.map(({ labelled }) => partOf(labelled.bug)))).toEqual(new Set(["developed", "reported"]));
  });
});
