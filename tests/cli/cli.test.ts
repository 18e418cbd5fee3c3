import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { waysIn } from "#ingest/keys.ts";

let home: string;
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "vigil-cli-"));
});
afterAll(() => rm(home, { recursive: true, force: true }));

/** Runs `vigil` as a terminal would, with nothing configured but its folder. */
async function vigil(words: string[], variables: Record<string, string> = {}) {
  const main = join(import.meta.dirname, "..", "..", "src", "cli", "main.ts");
  const env = { NODE_ENV: "test" as const, PATH: process.env.PATH, VIGIL_HOME: home, PORT: "9", ...variables };
  const child = spawn(process.execPath, [main, ...words], { env, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  child.stdout.on("data", (chunk) => {
    output += chunk;
  });
  child.stderr.on("data", (chunk) => {
    output += chunk;
  });
  const code = await new Promise<number | null>((done) => child.once("close", done));
  return { code, output };
}

it("explains itself", async () => {
  const { code, output } = await vigil(["--help"]);
  expect(code).toBe(0);
  expect(output).toMatch(/doctor[\s\S]*audit/);
});

it("shows the keys and DSNs by which an application reports", async () => {
  const ingestKey = "an-ingest-key-of-thirty-characters";
  const address = { APP_URL: "https://vigil.example.com", AGENT_INGEST_KEY: ingestKey };
  const { code, output } = await vigil(["keys", "--json"], address);
  const ways = output
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect([code, ways]).toEqual([0, waysIn("https://vigil.example.com", ingestKey)]);
  expect(ways[0].dsn).toMatch(/^https:\/\/[0-9a-f]{32}@vigil\.example\.com\/1$/);
  expect(output).not.toContain(ingestKey);
});

it("takes variables from a file as they stand there, and not as a shell would", async () => {
  const file = join(home, "vigil.env");
  const ingestKey = "an-ingest-key-with-&-and-$HOME-and-a-\\n";
  await writeFile(file, `APP_URL=https://elsewhere.example.com\nAGENT_INGEST_KEY=${ingestKey}\n`);
  const { output } = await vigil(["keys", "--json", "--env", file], { APP_URL: "https://vigil.example.com" });
  const [first] = output.split("\n");
  expect(JSON.parse(first ?? "")).toEqual(waysIn("https://vigil.example.com", ingestKey)[0]);
  const missing = await vigil(["doctor", "--env", join(home, "nowhere.env")]);
  expect(missing).toMatchObject({ code: 1, output: expect.stringContaining("nowhere.env cannot be read (ENOENT)") });
});

it("says what it did not understand, with exit 2", async () => {
  expect(await vigil(["doctr"])).toMatchObject({ code: 2, output: expect.stringContaining("doctr") });
});

it("names every bad variable at once", async () => {
  const { code, output } = await vigil(["doctor"], {
    DATABASE_URL: "mysql://x",
    CRON_SECRET: "short",
    STAGING_URL: "nowhere",
  });
  expect(code).toBe(1);
  for (const name of ["DATABASE_URL", "CRON_SECRET", "STAGING_URL"]) expect(output).toContain(name);
  expect(output).not.toContain("mysql://x");
});

// Two starts from nothing: on a loaded machine they take their time.
it("checks a fresh installation and finds its audit trail whole", { timeout: 240_000 }, async () => {
  const checked = await vigil(["doctor", "--json"]);
  expect(JSON.parse(checked.output)).toMatchObject({
    checks: { database: { status: "ok" }, repository: { status: "ok" } },
  });
  expect(await vigil(["audit", "verify"])).toMatchObject({ code: 0, output: expect.stringContaining("whole") });
});

it("finds out that the trail is shorter than a head that was kept elsewhere", async () => {
  const heads = join(home, "heads.ndjson");
  await writeFile(heads, `${JSON.stringify({ seq: 12, hash: "a".repeat(64) })}\n`);
  expect(await vigil(["audit", "verify", "--heads", heads])).toMatchObject({
    code: 1,
    output: expect.stringContaining("tampered"),
  });
  await writeFile(heads, "no json\n");
  expect(await vigil(["audit", "verify", "--heads", heads])).toMatchObject({
    code: 1,
    output: expect.stringContaining("heads.ndjson"),
  });
  expect(await vigil(["audit", "verify", "--heads", join(home, "none")])).toMatchObject({ code: 1 });
});
