import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";

const command = join(import.meta.dirname, "..", "..", "src", "demo", "run.ts");
const Sha = z.string().regex(/^[0-9a-f]{40}$/);
/** design.md §6, to the letter. */
const Result = z.strictObject({
  ok: z.boolean(),
  scenarios: z.array(
    z.strictObject({
      name: z.string(),
      issue: z.strictObject({ severity: z.string(), status: z.string() }),
      timeline: z.array(z.strictObject({ at: z.iso.datetime({ offset: true }), status: z.string() })),
      fix: z.strictObject({ files: z.array(z.string()), commit: Sha.nullable(), diff: z.string().nullable() }),
      production: z.strictObject({ healthy: z.boolean(), commit: Sha }),
      expected: z.string(),
      ok: z.boolean(),
    }),
  ),
});

/** A temporary folder of its own shows what is left over, whatever else runs on this machine. */
let temporary = "";
beforeAll(async () => {
  temporary = await mkdtemp(join(await realpath(tmpdir()), "vigil-demo-test-"));
});
afterAll(() => rm(temporary, { recursive: true, force: true }));

async function demo(...args: string[]) {
  const env = { ...process.env, TMPDIR: temporary };
  const child = spawn(process.execPath, [command, "--json", ...args], { env, stdio: ["ignore", "pipe", "pipe"] });
  const output = { stdout: "", stderr: "" };
  child.stdout.on("data", (chunk) => (output.stdout += chunk));
  child.stderr.on("data", (chunk) => (output.stderr += chunk));
  const [code] = await once(child, "close");
  return { code, ...output };
}

describe("npm run demo", () => {
  it("takes five real errors to the end that each deserves, and cleans up", async () => {
    const { code, stdout, stderr } = await demo();
    const result = Result.parse(JSON.parse(stdout.trimEnd().split("\n").at(-1) ?? ""));
    const ends = result.scenarios.map(({ name, issue, ok }) => [name, issue.severity, issue.status, ok]);
    expect(ends, stderr).toEqual([
      ["null-check", "P2", "resolved", true],
      ["typo", "P3", "resolved", true],
      ["critical", "P0", "resolved", true],
      ["protected", "P2", "rejected", true],
      ["bad-fix", "P2", "failed", true],
    ]);
    expect([code, result.ok]).toEqual([0, true]);
    const byName = new Map(result.scenarios.map((scenario) => [scenario.name, scenario]));
    expect(byName.get("null-check")?.fix.files).toEqual(["src/app/api/campaigns/launch/route.ts"]);
    expect(byName.get("null-check")?.fix.diff).toContain("404");
    expect(byName.get("critical")?.timeline.map(({ status }) => status)).toContain("awaiting_approval");
    expect(byName.get("bad-fix")?.timeline.map(({ status }) => status)).toContain("rolling_back");
    expect((await readdir(temporary)).filter((name) => name.startsWith("vigil-demo-"))).toEqual([]);
  });
});
