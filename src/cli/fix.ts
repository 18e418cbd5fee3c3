import { createReadStream } from "node:fs";
import { access, constants, realpath, stat } from "node:fs/promises";
import type { Readable } from "node:stream";
import pc from "picocolors";
import { fixConfig } from "#config.ts";
import { Failure } from "#domain/failure.ts";
import { inputBytesMax } from "#fix/error-input.ts";
import { fixError } from "#fix/fix.ts";
import { newsInWords, reportInWords } from "./fix-report.ts";

/** `vigil fix`: diagnoses and repairs one error in a local repository, and deploys nothing. */
export interface FixOptions {
  repo: string;
  /** A file, or `-` for what is piped in. */
  error: string;
  test?: string;
  json?: boolean;
  apply?: boolean;
  playbooks: boolean;
  budget: string;
  node?: string;
}

export interface FixTerminal {
  input: Readable & { isTTY?: boolean };
  write: (text: string) => Promise<void>;
  /** `undefined`: nobody watches, and nothing is said until the end. */
  progress: ((line: string) => void) | undefined;
  isColoured: boolean;
}

const budgetUsdMax = 1_000;

/** Answers the exit code. Failures mean that it could not even be begun. */
export async function fix(options: FixOptions, terminal: FixTerminal): Promise<number> {
  const budgetUsd = budgetOf(options.budget);
  const node = options.node === undefined ? null : await programAt(options.node);
  const config = fixConfig();
  const error = await errorOf(options.error, terminal.input);
  const colours = pc.createColors(terminal.isColoured && pc.isColorSupported);
  const interrupted = new AbortController();
  const answer = await fixError(
    {
      folder: options.repo,
      error,
      testCommand: testCommandOf(options.test),
      node,
      withPlaybooks: options.playbooks,
      budgetUsd,
      apply: options.apply ?? false,
    },
    {
      config,
      signal: interrupted.signal,
      now: () => new Date(),
      tell: (news) => {
        for (const line of newsInWords(news, colours)) terminal.progress?.(line);
      },
    },
  );
  await terminal.write(options.json ? JSON.stringify(answer) : reportInWords(answer, colours));
  if (answer.error !== null) return 2;
  const isDone = answer.status === "fixed" && (answer.applied || !options.apply);
  return isDone ? 0 : 1;
}

function budgetOf(text: string): number {
  const budget = Number(text);
  if (text.trim() !== "" && budget >= 0 && budget <= budgetUsdMax) return budget;
  throw new Failure("invalid", `--budget must be a number of dollars from 0 to ${budgetUsdMax}.`);
}

function testCommandOf(command: string | undefined): string | null {
  if (command === undefined) return null;
  if (command.trim() !== "" && !command.includes("\0")) return command;
  throw new Failure("invalid", "--test needs a command.", { hint: 'For example: --test "npm test".' });
}

async function programAt(path: string): Promise<string> {
  const place = await realpath(path).catch(() => undefined);
  const isProgram =
    place !== undefined &&
    (await access(place, constants.X_OK).then(
      () => true,
      () => false,
    ));
  if (isProgram) return place;
  throw new Failure("invalid", `--node: ${path} is no program.`);
}

async function errorOf(file: string, input: FixTerminal["input"]): Promise<Uint8Array> {
  if (file === "-") return bytesOf(input);
  const found = await stat(file).catch(() => undefined);
  if (found === undefined) {
    throw new Failure("not_found", `There is no file ${file}.`, {
      hint: "--error takes a file, or - for standard input.",
    });
  }
  if (found.isDirectory()) throw new Failure("invalid", `${file} is a folder; --error takes a file.`);
  return bytesOf(createReadStream(file), file);
}

/** As much as may be read and one byte more, so that what is too large is known as such. */
async function bytesOf(stream: Readable, name = "Standard input"): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of stream) {
      chunks.push(Buffer.from(chunk));
      bytes += chunk.length;
      if (bytes > inputBytesMax) break;
    }
  } catch (cause) {
    throw new Failure("not_found", `${name} cannot be read.`, { cause });
  }
  return Buffer.concat(chunks);
}
