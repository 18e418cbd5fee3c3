import { createHash, randomBytes } from "node:crypto";
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { Failure } from "#domain/failure.ts";

/** The keys of a machine on which nobody set any. */
const KeyFile = z.object({
  cronSecret: z.string().min(32),
  ingestKey: z.string().min(20),
  apiToken: z.string().min(20),
  operatorPassword: z.string().min(12),
});
export type KeyFile = z.infer<typeof KeyFile>;

/**
 * The keys in `<home>/keys.json`, created with random values and readable by the owner only when there are none.
 * Whoever comes at the same time gets the same keys.
 */
export function ensureKeys(home: string): KeyFile {
  const path = join(home, "keys.json");
  return readKeys(path) ?? createKeys(home, path);
}

function readKeys(path: string): KeyFile | undefined {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (cause) {
    if (isCode(cause, "ENOENT")) return undefined;
    throw new Failure("misconfigured", `${path} cannot be read.`, {
      hint: "Give its owner the right to read it.",
      cause,
    });
  }
  const parsed = KeyFile.safeParse(jsonOf(text));
  if (parsed.success) return parsed.data;
  // Written before there was a dashboard: the other keys stay as they are.
  const earlier = KeyFile.omit({ operatorPassword: true }).safeParse(jsonOf(text));
  if (earlier.success) {
    // Not random, so that whoever comes at the same time gets the same one; nobody without the file can know it.
    const password = createHash("sha256").update(`operators of ${earlier.data.apiToken}`).digest("base64url");
    return { ...earlier.data, operatorPassword: password.slice(0, 20) };
  }
  throw new Failure("misconfigured", `${path} does not hold Vigil's keys.`, {
    hint: "Delete it; the next start creates new keys.",
  });
}

function createKeys(home: string, path: string): KeyFile {
  const fresh: KeyFile = {
    cronSecret: randomKey(),
    ingestKey: randomKey(),
    apiToken: randomKey(),
    operatorPassword: randomBytes(12).toString("base64url"),
  };
  // Written aside and linked: the name appears with its whole content or not at all, and only the first link wins.
  const aside = join(home, `.keys-${randomBytes(8).toString("hex")}`);
  try {
    mkdirSync(home, { recursive: true });
    writeFileSync(aside, `${JSON.stringify(fresh, null, 2)}\n`, { flag: "wx", mode: 0o600 });
    linkSync(aside, path);
    return fresh;
  } catch (cause) {
    const winner = isCode(cause, "EEXIST") ? readKeys(path) : undefined;
    if (winner !== undefined) return winner;
    throw new Failure("misconfigured", `${path} cannot be written.`, {
      hint: "Point VIGIL_HOME at a folder that Vigil may write, or set CRON_SECRET, AGENT_INGEST_KEY, AGENT_API_TOKEN and AGENT_OPERATOR_PASSWORD.",
      cause,
    });
  } finally {
    rmSync(aside, { force: true });
  }
}

function randomKey(): string {
  return randomBytes(32).toString("base64url");
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Not JSON is as wrong as JSON with something else in it; the caller says so.
    return undefined;
  }
}

function isCode(cause: unknown, code: string): boolean {
  return cause instanceof Error && "code" in cause && cause.code === code;
}
