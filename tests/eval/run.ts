import { existsSync } from "node:fs";
import { appendFile, mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { Command } from "commander";
import { Failure } from "#domain/failure.ts";
import { type Case, readCases } from "./cases.ts";
import { type Measuring, measure, Result } from "./measure.ts";
import { summaryOf, tableOf } from "./table.ts";

/** `npm run eval`: `vigil fix` on errors whose true fix is known. Never part of `npm test`. */
interface Options {
  cases: string;
  json?: boolean;
  jobs: string;
  out?: string;
  resume?: boolean;
  mirrors?: string;
  only?: string[];
  timeout: string;
  budget: string;
  playbooks: boolean;
}

const program = new Command("npm run eval --")
  .description("runs vigil fix over cases whose true fix is known, and counts")
  .requiredOption("--cases <file>", "a JSON list of cases, or one a line; docs/fix.md describes them")
  .option("--mirrors <dir>", "where copies of repositories named owner/name are (owner+name/repo, owner/name, …)")
  .option("--jobs <n>", "cases at the same time", "2")
  .option("--out <dir>", "where results.ndjson and working copies go (default: a new folder in the temporary one)")
  .option("--resume", "goes on with what --out holds; finished cases are not run again")
  .option("--only <id...>", "only these cases")
  .option("--timeout <seconds>", "for one case", "1800")
  .option("--budget <usd>", "for one case", "2")
  .option("--no-playbooks", "Claude alone")
  .option("--json", 'one JSON object {"summary","results"} instead of a table')
  .addHelpText("after", "\nExit 0: every case was tried, 1: some could not be, 2: the command was not understood.")
  .showHelpAfterError("(add --help for what there is)")
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2))
  .action(run);

async function run(options: Options): Promise<void> {
  try {
    const results = await evaluate(options);
    console.log(options.json ? JSON.stringify({ summary: summaryOf(results), results }) : tableOf(results));
    process.exitCode = results.some(({ status }) => status === "error") ? 1 : 0;
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    console.error([error.message, error.hint].filter(Boolean).join("\n"));
    process.exitCode = 2;
  }
}

async function evaluate(options: Options): Promise<Result[]> {
  const jobs = numberOf("--jobs", options.jobs, 1, 32);
  const timeoutMs = numberOf("--timeout", options.timeout, 1, 24 * 3_600) * 1_000;
  const { cases, folder } = await readCases(options.cases);
  const chosen = only(cases, options.only);
  const out = await outputFolder(options);
  const file = join(out, "results.ndjson");
  const finished = await readResults(file);
  const open = chosen.filter(({ id }) => !finished.some((result) => result.id === id));
  console.error(`${chosen.length} cases, ${chosen.length - open.length} of them finished before; results in ${file}`);
  const stop = new AbortController();
  process.once("SIGINT", () => stop.abort(new Failure("unavailable", `Stopped; --out ${out} --resume goes on.`)));
  const measuring: Measuring = {
    places: { cases: folder, mirrors: options.mirrors ?? null, work: join(out, "work") },
    options: ["--budget", options.budget, ...(options.playbooks ? [] : ["--no-playbooks"])],
    timeoutMs,
    signal: stop.signal,
  };
  const queue = [...open];
  const worker = async () => {
    for (let given = queue.shift(); given !== undefined; given = queue.shift()) {
      stop.signal.throwIfAborted();
      const result = await measure(given, measuring);
      await appendFile(file, `${JSON.stringify(result)}\n`);
      await rm(join(out, "work", given.id), { recursive: true, force: true });
      finished.push(result);
      console.error(`${result.id}: ${result.status} in ${result.seconds.toFixed(1)} s, ${queue.length} left`);
    }
  };
  await Promise.all(Array.from({ length: Math.min(jobs, open.length) }, worker));
  const order = new Map(chosen.map(({ id }, index) => [id, index]));
  return finished.filter(({ id }) => order.has(id)).toSorted((a, b) => (order.get(a.id) ?? 0) - (order.get(b.id) ?? 0));
}

function only(cases: Case[], ids: string[] | undefined): Case[] {
  const unknown = ids?.find((id) => !cases.some((given) => given.id === id));
  if (unknown !== undefined) throw new Failure("invalid", `There is no case ${unknown}.`);
  return ids === undefined ? cases : cases.filter(({ id }) => ids.includes(id));
}

async function outputFolder({ out, resume }: Options): Promise<string> {
  if (out === undefined) {
    if (resume) throw new Failure("invalid", "--resume needs --out: the folder of the run that goes on.");
    return mkdtemp(join(tmpdir(), "vigil-eval-"));
  }
  const folder = resolve(out);
  await mkdir(folder, { recursive: true });
  if (!existsSync(join(folder, "results.ndjson")) || resume) return folder;
  throw new Failure("conflict", `${folder} holds the results of another run.`, {
    hint: "Add --resume to go on with it, or choose another folder.",
  });
}

/** A line that was cut off by a kill belongs to a case that is run again. */
async function readResults(file: string): Promise<Result[]> {
  const text = await readFile(file, "utf8").catch(() => "");
  if (text !== "" && !text.endsWith("\n")) await appendFile(file, "\n");
  return text.split("\n").flatMap((line) => {
    try {
      const result = Result.safeParse(JSON.parse(line));
      return result.success ? [result.data] : [];
    } catch {
      return [];
    }
  });
}

function numberOf(name: string, text: string, min: number, max: number): number {
  const number = Number(text);
  if (Number.isInteger(number) && number >= min && number <= max) return number;
  throw new Failure("invalid", `${name} must be a whole number from ${min} to ${max}.`);
}

await program.parseAsync();
