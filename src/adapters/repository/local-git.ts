import { GitPluginError, simpleGit } from "simple-git";
import { Failure } from "#domain/failure.ts";

/** How a call of git ended. A non-zero exit code is an answer here; only the callers know what it means. */
export interface GitResult {
  exitCode: number;
  stdout: Buffer;
  stderr: string;
  /** The output was longer than `outputBytesMax`; `stdout` holds its beginning. */
  cut: boolean;
}

export interface RunOptions {
  input?: string | Buffer;
  environment?: Record<string, string>;
  /** Configuration whose value must not show in a list of processes: `--config-env=<key>=<variable>`. */
  configFromEnvironment?: string[];
  outputBytesMax?: number;
  /** How many times as long as usual git may be silent, where the other side may think for a while. */
  timeoutFactor?: number;
}

/** The host's git, working on one bare repository. */
export interface Git {
  /** Runs git and gives its answer, whatever the exit code. */
  run(args: string[], options?: RunOptions): Promise<GitResult>;
  /** Runs git where only success is expected; anything else is a failure of this machine (`unavailable`). */
  output(args: string[], options?: RunOptions): Promise<Buffer>;
}

export interface GitOptions {
  /** A bare repository; an existing folder. */
  directory: string;
  identity: { name: string; email: string };
  /** The only transport that git may use: `file`, `https`, `http` or `ssh`. */
  protocol: string;
  /** Where git is looked for, like PATH. */
  searchPath: string;
  /** Silence after which a call is ended. The whole call may take ten times as long. */
  timeoutMs: number;
}

const outputBytesDefaultMax = 256 * 1024 * 1024;
const wholeCallFactor = 10;
/** How long a stopped git, or a helper that it left behind, may hold its streams before we stop waiting for them. */
const closingMs = 1_000;

/**
 * Git as reliability C16 asks for it: no hooks, no configuration but what is stated here, no questions at a terminal, one
 * transport, and never a work tree. Our repository's own `info/attributes` outranks whatever the target's files say.
 */
export function createGit(options: GitOptions): Git {
  async function run(args: string[], given: RunOptions = {}): Promise<GitResult> {
    const environment = { ...hardenedEnvironment(options), ...given.environment };
    const stdout: Buffer[] = [];
    const ended: { exitCode: number | null; stderr: string } = { exitCode: null, stderr: "" };
    const silenceMs = options.timeoutMs * (given.timeoutFactor ?? 1);
    const bound = boundedBy(given.outputBytesMax ?? outputBytesDefaultMax, silenceMs * wholeCallFactor);
    const silent = createSilenceWatch(silenceMs + closingMs);
    const git = simpleGit({
      baseDir: options.directory,
      config: [...configuration, `http.lowSpeedTime=${Math.ceil(silenceMs / 1_000)}`],
      allowEnvironment: Object.keys(environment),
      unsafe: { allowUnsafeHooksPath: true, allowUnsafeConfigPaths: true },
      timeout: { block: silenceMs },
      completion: { onClose: true, onExit: false },
      abort: bound.signal,
      // An open standard input would let git wait for ever.
      input: () => Buffer.from(given.input ?? ""),
      errors(error, result) {
        ended.exitCode = result.exitCode;
        ended.stderr = Buffer.concat(result.stdErr).toString("utf8");
        return error instanceof GitPluginError ? error : undefined;
      },
    }).env(environment);
    git.outputHandler((_command, out, err) => {
      out.on("data", (chunk: Buffer) => bound.take(chunk, stdout));
      for (const stream of [out, err]) stream.on("data", silent.broken);
    });
    const flags = (given.configFromEnvironment ?? []).map((pair) => `--config-env=${pair}`);
    try {
      await Promise.race([git.raw([...flags, ...args]), silent.tooLong]);
    } catch (error) {
      if (!bound.isCut()) throw isStopped(error) ? unanswered(args) : error;
    } finally {
      silent.end();
      bound.end();
    }
    return judged(ended, { stdout: Buffer.concat(stdout), cut: bound.isCut() });
  }
  return {
    run,
    async output(args, given) {
      const result = await run(args, given);
      if (result.exitCode === 0) return result.stdout;
      throw new Failure("unavailable", `Git could not finish "${args[0]}" on this machine.`, {
        hint: "Look for a full or read-only disk where the agent keeps its copy of the repository.",
        cause: new Error(result.stderr.slice(0, 4_000)),
      });
    },
  };
}

const configuration = [
  "core.hooksPath=/dev/null",
  "commit.gpgsign=false",
  // Commits that no branch holds yet must not be collected, and a fetch must appear as a whole: a pack, not loose pieces.
  "gc.auto=0",
  "fetch.unpackLimit=1",
  "core.fsync=committed",
  "core.quotePath=true",
  "tar.umask=0022",
  // A helper that waits for a dead server ends by itself; `http.lowSpeedTime` says when.
  "http.lowSpeedLimit=1",
  // A redirect would carry the credentials to a host that nobody configured.
  "http.followRedirects=false",
];

function hardenedEnvironment({ directory, identity, protocol, searchPath }: GitOptions): Record<string, string> {
  return {
    PATH: searchPath,
    HOME: "/nonexistent",
    LANG: "C",
    LC_ALL: "C",
    GIT_DIR: directory,
    GIT_TERMINAL_PROMPT: "0",
    GIT_CONFIG_GLOBAL: "/dev/null",
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_ATTR_NOSYSTEM: "1",
    GIT_ALLOW_PROTOCOL: protocol,
    GIT_LITERAL_PATHSPECS: "1",
    GIT_NO_REPLACE_OBJECTS: "1",
    GIT_AUTHOR_NAME: identity.name,
    GIT_AUTHOR_EMAIL: identity.email,
    GIT_COMMITTER_NAME: identity.name,
    GIT_COMMITTER_EMAIL: identity.email,
  };
}

/** Collects output up to `bytesMax` and ends the call beyond it, or when the call takes longer than `wholeMs`. */
function boundedBy(bytesMax: number, wholeMs: number) {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), wholeMs);
  let bytes = 0;
  return {
    signal: stop.signal,
    isCut: () => bytes > bytesMax,
    end: () => clearTimeout(timer),
    take(chunk: Buffer, into: Buffer[]) {
      const room = bytesMax - bytes;
      bytes += chunk.length;
      if (room > 0) into.push(chunk.subarray(0, room));
      if (bytes > bytesMax) stop.abort();
    },
  };
}

/** Gives up on a call whose streams stay open without a sign of life: git is gone by then, a helper of it is not. */
function createSilenceWatch(limitMs: number) {
  const { promise: tooLong, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new GitPluginError(undefined, "timeout", "the streams stay open")), limitMs);
  return { tooLong, broken: () => timer.refresh(), end: () => clearTimeout(timer) };
}

function isStopped(error: unknown): boolean {
  return error instanceof GitPluginError && (error.plugin === "timeout" || error.plugin === "abort");
}

function unanswered(args: string[]): Failure {
  return new Failure("unavailable", `Git gave no answer to "${args[0]}" in time.`, {
    hint: "It is tried again; if it stays so, check the network and the remote repository.",
  });
}

function judged(
  ended: { exitCode: number | null; stderr: string },
  output: { stdout: Buffer; cut: boolean },
): GitResult {
  if (output.cut) return { exitCode: 0, stderr: "", ...output };
  if (ended.exitCode !== null && ended.exitCode >= 0)
    return { exitCode: ended.exitCode, stderr: ended.stderr, ...output };
  if (ended.stderr.includes("ENOENT")) {
    throw new Failure("misconfigured", "The program git was not found.", { hint: "Install git 2.38 or newer." });
  }
  throw new Failure("unavailable", "Git was stopped before it had finished.");
}
