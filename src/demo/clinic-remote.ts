import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rename, rm } from "node:fs/promises";
import { devNull } from "node:os";
import { dirname, join } from "node:path";
import { execa } from "execa";

const gitTimeoutMs = 30_000;
/** A bundler leaves no folder here; who runs bundled names the source. */
const clinicFolder = join(import.meta.dirname ?? "", "clinic");
/** Fixed, so that the same files give the same commit on every machine. */
const firstCommit = {
  author: "Clinic Team",
  email: "team@clinic.example",
  at: "2026-03-01T08:00:00Z",
  message: "Appointments, campaigns, calls and billing of the Riverside Clinic",
};

/**
 * Puts the sample clinic into a bare Git repository at `directory`, with one commit on `main` and on `staging`, and
 * answers its path and that commit. A repository that is there already is left as it is, whatever happened in it since.
 * `source` is the folder of the clinic's files.
 */
export async function createClinicRemote(
  directory: string,
  source: string = clinicFolder,
): Promise<{ path: string; commit: string }> {
  if (!existsSync(directory)) await createWhole(directory, source);
  const { stdout } = await git(directory, ["rev-parse", "--verify", "refs/heads/main"]);
  return { path: directory, commit: stdout.trim() };
}

/** Built aside and moved into place: half a repository is never found. */
async function createWhole(directory: string, source: string): Promise<void> {
  await mkdir(dirname(directory), { recursive: true });
  const partial = await mkdtemp(`${directory}.new-`);
  try {
    await git(partial, ["init", "--quiet", "--bare", "--initial-branch=main", partial]);
    const commit = await commitOf(partial, source);
    await git(partial, ["update-ref", "refs/heads/main", commit]);
    await git(partial, ["update-ref", "refs/heads/staging", commit]);
    await rename(partial, directory).catch(async (error: unknown) => {
      // Someone else was faster: theirs holds the same commit.
      if (!existsSync(join(directory, "HEAD"))) throw error;
    });
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
}

async function commitOf(repository: string, source: string): Promise<string> {
  await checkSource(source);
  const index = join(repository, "index-of-the-first-commit");
  await git(repository, ["--work-tree", source, "add", "--all", "."], { GIT_INDEX_FILE: index }, source);
  const tree = await git(repository, ["write-tree"], { GIT_INDEX_FILE: index });
  await rm(index, { force: true });
  const commit = await git(repository, ["commit-tree", tree.stdout.trim(), "-m", firstCommit.message]);
  return commit.stdout.trim();
}

/** A wrong folder would make an empty or foreign repository without a word. */
async function checkSource(source: string): Promise<void> {
  const text = await readFile(join(source, "package.json"), "utf8").catch(() => "");
  if (!text.includes('"riverside-clinic"')) throw new Error(`${source} does not hold the sample clinic.`);
}

function git(repository: string, args: string[], more: Record<string, string> = {}, cwd = repository) {
  const { author, email, at } = firstCommit;
  const env = {
    PATH: process.env.PATH,
    GIT_CONFIG_GLOBAL: devNull,
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_TERMINAL_PROMPT: "0",
    GIT_AUTHOR_NAME: author,
    GIT_AUTHOR_EMAIL: email,
    GIT_AUTHOR_DATE: at,
    GIT_COMMITTER_NAME: author,
    GIT_COMMITTER_EMAIL: email,
    GIT_COMMITTER_DATE: at,
    ...more,
  };
  return execa("git", ["--git-dir", repository, ...args], { cwd, env, extendEnv: false, timeout: gitTimeoutMs });
}
