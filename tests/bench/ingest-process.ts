import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { derivedKey } from "#ingest/keys.ts";
import { secrets } from "#tests/http/fakes.ts";
import { type EnvelopeOptions, type Envelopes, envelopesOf } from "./load.ts";

/** An ingest server as a process of its own, that may be killed. */
export interface IngestProcess {
  port: number;
  child: ChildProcess;
  /** Bytes that it holds. */
  memory(): Promise<number>;
  /** Kinds of errors that detection has not looked at yet. */
  unseen(): Promise<number>;
  /** As a crash ends it. */
  kill(): Promise<void>;
  stop(): Promise<void>;
}

const script = fileURLToPath(new URL("ingest-server.ts", import.meta.url));
const migrations = fileURLToPath(new URL("../../supabase/migrations", import.meta.url));
const captured = readFileSync(new URL("fixtures/sentry-envelope.txt", import.meta.url), "utf8");

/** Where the SDK sends to: the address in the DSN of a server in production. */
export const envelopePath = `/api/1/envelope/?sentry_version=7&sentry_key=${derivedKey(secrets.ingestKey, { environment: "production", trust: "server" })}`;

/** `database`: the address of a Postgres database, or the folder of an embedded one. */
export async function startIngest(database: string, folder: string): Promise<IngestProcess> {
  const child = spawn(process.execPath, [script, database, join(folder, "spool"), migrations], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exited = once(child, "exit");
  const [line] = await Promise.race([
    once(createInterface({ input: child.stdout }), "line"),
    exited.then(() => Promise.reject(new Error("the ingest server did not start"))),
  ]);
  const port = Number(line);
  const ask = async (path: string) => Number(await (await fetch(`http://127.0.0.1:${port}${path}`)).text());
  const end = async (signal: NodeJS.Signals) => {
    child.kill(signal);
    await exited;
  };
  return {
    port,
    child,
    memory: () => ask("/memory"),
    unseen: () => ask("/unseen"),
    kill: () => end("SIGKILL"),
    stop: () => end("SIGTERM"),
  };
}

export function sentryEnvelopes(options: EnvelopeOptions): Envelopes {
  return envelopesOf(captured, options);
}
