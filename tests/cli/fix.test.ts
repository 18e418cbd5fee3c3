import { spawn } from "node:child_process";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { type FixOptions, fix } from "#cli/fix.ts";
import { createScratch } from "#fix/scratch.ts";
import { aFolder, type SomeFolder } from "#tests/fix/a-folder.ts";
import { fingerprintOfTree } from "#tests/fix/trees.ts";

const route = `const users = new Map();

export async function GET(request, { params }) {
  if (!params.id) {
    return Response.json({ error: "Team not found" }, { status: 404 });
  }
  const owner = users.get(params.id);
  return Response.json({ owner: owner.name });
}
`;
const error = "TypeError: Cannot read properties of undefined (reading 'name')\n    at GET (/app/src/route.js:8:38)\n";
const files = {
  "README.md": "Teams\n",
  "packages/api/package.json": `{ "type": "module", "scripts": { "test": "exit 1" } }`,
  "packages/api/src/route.js": route,
  "packages/slow/package.json": `{ "type": "module", "scripts": { "test": "node -e \\"setInterval(() => {}, 1000)\\"" } }`,
  "packages/slow/src/route.js": route,
};

let folder: SomeFolder;
let place: string;
beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), "vigil-fix-cli-"));
  await writeFile(join(place, "error.log"), error);
  folder = await aFolder(files);
});
afterAll(async () => {
  await folder.dispose();
  await rm(place, { recursive: true, force: true });
});
afterEach(() => vi.unstubAllEnvs());

const main = join(import.meta.dirname, "..", "..", "src", "cli", "main.ts");

/** Starts `vigil` as a shell does, with its scratch folders below `temporary`. */
function vigil(words: string[], temporary: string, input?: string) {
  const env = { NODE_ENV: "test" as const, PATH: process.env.PATH, TMPDIR: temporary };
  const child = spawn(process.execPath, [main, ...words], { env, stdio: ["pipe", "pipe", "pipe"] });
  const output = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) child[name].on("data", (chunk) => (output[name] += chunk));
  child.stdin.end(input);
  const ended = new Promise<{ code: number | null; stdout: string; stderr: string }>((done) =>
    child.once("close", (code) => done({ code, ...output })),
  );
  return { child, ended };
}

/** The same in this process: what is written, and the exit code or the failure. */
async function asked(options: Partial<FixOptions>, input = "") {
  const written: string[] = [];
  const terminal = {
    input: Readable.from(input === "" ? [] : [Buffer.from(input)]),
    write: async (text: string) => void written.push(text),
    progress: undefined,
    isColoured: false,
  };
  const usual = { repo: folder.path, error: join(place, "error.log"), playbooks: true, budget: "2" };
  const code = await fix({ ...usual, node: process.execPath, ...options }, terminal);
  return { code, text: written.join("\n") };
}

describe("vigil fix", () => {
  it("explains itself, and says what it did not understand, with exit 2", async () => {
    const [help, wrong] = await Promise.all([
      vigil(["fix", "--help"], place).ended,
      vigil(["fix", "--repo", "."], place).ended,
    ]);
    expect(help.code).toBe(0);
    for (const words of ["--apply", "--test", "--budget", "needs_human", "ANTHROPIC_API_KEY", "Exit 0: fixed"]) {
      expect(help.stdout).toContain(words);
    }
    expect(wrong).toMatchObject({ code: 2, stderr: expect.stringContaining("--error") });
  });

  it("says what it could not even begin in JSON as well", async () => {
    const words = ["fix", "--repo", folder.path, "--error", join(place, "nowhere.log"), "--json"];
    const { code, stdout, stderr } = await vigil(words, place).ended;
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining("nowhere.log") });
    expect(JSON.parse(stdout)).toMatchObject({ status: "not_fixed", error: { code: "not_found" } });
  });

  it("prints exactly one object with --json and nothing else, for a folder inside, from standard input, with tests of its own", async () => {
    const inside = ["--repo", join(folder.path, "packages", "api")];
    const words = ["fix", ...inside, "--error", "-", "--json", "--test", "node -e \"import('./src/route.js')\""];
    const { code, stdout, stderr } = await vigil(words, place, error).ended;
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const answer = JSON.parse(stdout);
    expect(answer).toMatchObject({
      status: "fixed",
      diagnosis: { files: ["packages/api/src/route.js"] },
      diff: expect.stringContaining("Owner not found"),
      tests: { before: "passed", after: "passed" },
      cost_usd: 0,
      model_calls: 0,
    });
    expect(await folder.git("status", "--short")).toBe("");
  });

  it("writes a report for people otherwise", async () => {
    const { code, text } = await asked({ error: "-" }, "RangeError: nobody knows this\n    at f (README.md.js:1:1)");
    expect(code).toBe(1);
    expect(text).toMatch(
      /^Not fixed\n[\s\S]*Cause {3}not found[\s\S]*Tests {3}before: not run[\s\S]*no ANTHROPIC_API_KEY is set/,
    );
  });

  it("says what is wrong with its options, its input, its folder or its machine", async () => {
    await mkdir(join(place, "plain"));
    for (const [options, code, words] of [
      [{ budget: "two" }, "invalid", "--budget"],
      [{ test: " " }, "invalid", "--test"],
      [{ node: join(place, "error.log") }, "invalid", "--node"],
      [{ error: join(place, "none.log") }, "not_found", "none.log"],
      [{ error: place }, "invalid", "folder"],
      [{ error: "-" }, "invalid", "empty"],
      [{ repo: join(place, "nowhere") }, "not_found", "no folder"],
      [{ repo: join(place, "plain") }, "not_found", "not a Git repository"],
      [{ playbooks: false }, "misconfigured", "ANTHROPIC_API_KEY"],
      // A sandbox in which even this machine's Node cannot start.
      [{ node: "/bin/false" }, "misconfigured", "cannot run safely"],
    ] as const) {
      const failure = expect.objectContaining({ code, message: expect.stringContaining(words) });
      await expect(asked(options)).rejects.toEqual(failure);
    }
    vi.stubEnv("ANTHROPIC_API_KEY", "not-a-key-at-all");
    const malformed = asked({});
    await expect(malformed).rejects.toMatchObject({
      code: "misconfigured",
      message: expect.stringContaining("ANTHROPIC_API_KEY"),
    });
    await expect(malformed).rejects.not.toMatchObject({ message: expect.stringContaining("not-a-key") });
  });

  it("leaves the folder as it was and nothing behind when it is interrupted, or killed", async () => {
    const before = await fingerprintOfTree(folder.path);
    const words = [
      "fix",
      "--repo",
      join(folder.path, "packages", "slow"),
      "--error",
      join(place, "error.log"),
      "--json",
    ];
    const runs = await Promise.all(
      (["SIGINT", "SIGKILL"] as const).map(async (signal) => {
        const temporary = join(place, signal);
        await mkdir(temporary);
        const { child, ended } = vigil(words, temporary);
        await vi.waitFor(async () => expect(await scratchIn(temporary)).toContain("work"), {
          timeout: 50_000,
          interval: 100,
        });
        child.kill(signal);
        return { temporary, ...(await ended) };
      }),
    );
    expect(runs.map(({ code, stdout }) => ({ code, stdout }))).toEqual([
      { code: 130, stdout: "" },
      { code: null, stdout: "" },
    ]);
    expect(await fingerprintOfTree(folder.path)).toBe(before);
    const [interrupted, killed] = runs.map(({ temporary }) => temporary);
    expect(await readdir(interrupted ?? "")).toEqual([]);
    // The next run cleans up behind the one that could not.
    await (await createScratch(killed)).remove();
    expect((await readdir(killed ?? "")).filter((name) => name.startsWith("vigil-fix-"))).toEqual([]);
  });
});

/** The names in the copies on which tests run, while they do. */
async function scratchIn(temporary: string): Promise<string[]> {
  const [scratch] = (await readdir(temporary)).filter((name) => name.startsWith("vigil-fix-"));
  if (scratch === undefined) return [];
  const copies = await readdir(join(temporary, scratch, "tests")).catch(() => []);
  const names = await Promise.all(
    copies.map((copy) => readdir(join(temporary, scratch, "tests", copy)).catch(() => [])),
  );
  return names.flat();
}
