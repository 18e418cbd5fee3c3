import { spawn } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { Failure } from "#domain/failure.ts";
import { git } from "#tests/support/git.ts";
import { writeFiles } from "./archive.ts";
import type { Case } from "./cases.ts";
import { type Places, type Prepared, prepare, runIn } from "./prepare.ts";

/** What of an answer of `vigil fix --json` is measured. */
const Answer = z.object({
  status: z.enum(["fixed", "not_fixed", "needs_human"]),
  diagnosis: z.object({
    files: z.array(z.string()).default([]),
    evidence: z.array(z.object({ file: z.string() })).default([]),
    engineer: z.string().nullish(),
    root_cause: z.string().nullish(),
  }),
  diff: z.string(),
  cost_usd: z.number(),
  model_calls: z.number(),
  tokens: z.object({ input: z.number(), output: z.number(), cache_read: z.number(), cache_write: z.number() }),
  reasons: z.array(z.string()),
  attempts: z.array(z.unknown()),
  read_files: z.array(z.string()),
  files: z.array(z.string()),
});
type Answer = z.infer<typeof Answer>;

/** One case, measured. `null`: there is nothing to compare with. */
export const Result = z.object({
  id: z.string(),
  /** `error`: it could not be tried; `reason` says why. */
  status: z.enum(["fixed", "not_fixed", "needs_human", "error"]),
  /** The file named first is one that the true fix changed; one of the first five named or read is. */
  top1: z.boolean().nullable(),
  top5: z.boolean().nullable(),
  /** The hidden tests pass with the diff. Where nothing should be changed: nothing was. */
  fixed: z.boolean().nullable(),
  attempts: z.int(),
  tokens: z.int(),
  costUsd: z.number(),
  modelCalls: z.int(),
  seconds: z.number(),
  engineer: z.string().nullable(),
  reason: z.string(),
});
export type Result = z.infer<typeof Result>;

export interface Measuring {
  places: Places;
  /** Further words for `vigil fix`. */
  options: string[];
  timeoutMs: number;
  signal: AbortSignal;
}

const reasonCharactersMax = 500;
const cli = join(import.meta.dirname, "..", "..", "src", "cli", "main.ts");

/** Runs `vigil fix` on a case and compares what it says with what is known. Never throws for what a case does. */
export async function measure(given: Case, measuring: Measuring): Promise<Result> {
  const startMs = performance.now();
  const seconds = () => Math.round(performance.now() - startMs) / 1_000;
  try {
    const { places } = measuring;
    const prepared = await prepare(given, places);
    const file = join(places.work, given.id, "error.txt");
    await writeFile(file, prepared.error);
    const tests = given.test_command === undefined ? [] : ["--test", given.test_command];
    const words = ["fix", "--repo", prepared.repository, "--error", file, "--json", ...tests, ...measuring.options];
    const answer = await ask(words, measuring);
    const fixed = await isFixed(given, answer, prepared, places);
    return { id: given.id, ...scored(given, answer), fixed, seconds: seconds() };
  } catch (error) {
    measuring.signal.throwIfAborted();
    if (!(error instanceof Failure)) throw error;
    const reason = [error.message, error.hint].filter(Boolean).join(" ").slice(0, reasonCharactersMax);
    const nothing = { attempts: 0, tokens: 0, costUsd: 0, modelCalls: 0, engineer: null };
    return {
      id: given.id,
      status: "error",
      top1: null,
      top5: null,
      fixed: null,
      ...nothing,
      seconds: seconds(),
      reason,
    };
  }
}

function scored(given: Case, answer: Answer): Omit<Result, "id" | "fixed" | "seconds"> {
  const { diagnosis, tokens } = answer;
  const truth = new Set(given.changed_source_files);
  const said = [...diagnosis.files, ...diagnosis.evidence.map(({ file }) => file), ...answer.files];
  const named = [...new Set([...said, ...answer.read_files])].slice(0, 5);
  const isKnown = truth.size > 0;
  return {
    status: answer.status,
    top1: isKnown ? truth.has(said[0] ?? "") : null,
    top5: isKnown ? named.some((file) => truth.has(file)) : null,
    attempts: answer.attempts.length + (answer.diff === "" ? 0 : 1),
    tokens: tokens.input + tokens.output + tokens.cache_read + tokens.cache_write,
    costUsd: answer.cost_usd,
    modelCalls: answer.model_calls,
    engineer: diagnosis.engineer ?? null,
    reason: answer.reasons.join(" ").slice(0, reasonCharactersMax),
  };
}

async function isFixed(given: Case, answer: Answer, prepared: Prepared, places: Places): Promise<boolean | null> {
  if (given.changed_source_files.length === 0) return answer.diff === "";
  if (given.hidden_tests === undefined) return null;
  if (answer.diff === "") return false;
  const { repository, hidden } = prepared;
  const patch = join(places.work, given.id, "fix.diff");
  await writeFile(patch, answer.diff);
  await git(repository, "apply", "--whitespace=nowarn", patch);
  await writeFiles(repository, hidden);
  const command = given.hidden_tests.command ?? given.test_command;
  if (command === undefined) throw new Failure("invalid", "The hidden tests have no command, and the case has none.");
  const run = await runIn(repository, command, places);
  return run.kind === "finished" && run.report.outcome === "passed";
}

const outputBytesMax = 20_000_000;

async function ask(words: string[], { timeoutMs, signal }: Measuring): Promise<Answer> {
  const child = spawn(process.execPath, [cli, ...words], { stdio: ["ignore", "pipe", "pipe"], signal });
  const timer = setTimeout(() => child.kill("SIGTERM"), timeoutMs);
  const output = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name].on("data", (chunk: Buffer) => {
      if (output[name].length < outputBytesMax) output[name] += chunk.toString("utf8");
    });
  }
  const code = await new Promise<number | null>((done) => {
    child.once("error", () => done(null));
    child.once("close", done);
  });
  clearTimeout(timer);
  signal.throwIfAborted();
  const parsed = Answer.safeParse(code === 0 || code === 1 ? JSON.parse(output.stdout) : undefined);
  if (parsed.success) return parsed.data;
  const said = output.stderr.trim().slice(0, reasonCharactersMax);
  throw new Failure("unavailable", said === "" ? `vigil fix ended with ${code ?? "a signal"}.` : said);
}
