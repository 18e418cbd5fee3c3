import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { FixConfig } from "#config.ts";
import { type FixRequest, fixError, type News } from "#fix/fix.ts";
import { git } from "#tests/support/git.ts";

/** Somebody's repository, in a folder of its own. */
export interface SomeFolder {
  path: string;
  write(files: Record<string, string>): Promise<void>;
  git(...args: string[]): Promise<string>;
  dispose(): Promise<void>;
}

export async function aFolder(files: Record<string, string>): Promise<SomeFolder> {
  const place = await mkdtemp(join(tmpdir(), "vigil-some-"));
  const path = join(place, "repo");
  const write = async (given: Record<string, string>) => {
    for (const [name, content] of Object.entries(given)) {
      await mkdir(dirname(join(path, name)), { recursive: true });
      await writeFile(join(path, name), content);
    }
  };
  await write(files);
  await git(path, "init", "--quiet", "--initial-branch=trunk");
  await git(path, "add", "--all");
  await git(path, "-c", "user.name=Ada", "-c", "user.email=ada@clinic.example", "commit", "--quiet", "-m", "Begin");
  return {
    path,
    write,
    git: (...args) => git(path, ...args),
    dispose: () => rm(place, { recursive: true, force: true }),
  };
}

const models = { triage: "claude-haiku-5-5", diagnose: "claude-sonnet-5-5", fix: "claude-sonnet-5-5", escalate: null };

/** The environment's choices: playbooks alone, or with a model at an address. */
export function someConfig(api?: { url: string; apiKey: string }): FixConfig {
  return {
    engineer: {
      claude: api === undefined ? { kind: "missing" } : { kind: "present", apiKey: api.apiKey },
      baseUrl: api?.url ?? null,
      models,
      playbooks: "first",
    },
    isolation: "bubblewrap",
    searchPath: "",
  };
}

type Options = Partial<FixRequest> & { config?: FixConfig; onNews?: (news: News) => void };

/** Runs `vigil fix` in this process, on the Node that runs the tests. */
export async function fixed(folder: string, error: string, options: Options = {}) {
  const { config = someConfig(), onNews, ...request } = options;
  return fixError(
    {
      folder,
      error: Buffer.from(error),
      testCommand: null,
      node: process.execPath,
      withPlaybooks: true,
      budgetUsd: 2,
      apply: false,
      ...request,
    },
    { config, signal: new AbortController().signal, tell: (news) => onNews?.(news), now: () => new Date() },
  );
}
