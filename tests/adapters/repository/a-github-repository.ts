import { join } from "node:path";
import { createGithubRepository, type GithubRepositoryOptions } from "#adapters/repository/github.ts";
import type { Repository } from "#ports/repository.ts";
import { aGitWorld, type Files, type GitWorld } from "#tests/support/git.ts";
import { type GithubOptions, startGithub, type TestGithub } from "#tests/support/github/server.ts";

export interface Stage {
  world: GitWorld;
  github: TestGithub;
  repository: Repository;
  /** Another process with the same configuration, or with some of it changed. */
  another(options?: Partial<GithubRepositoryOptions>): Repository;
}

/** A repository with `files` at a GitHub of its own, for as long as `act` runs. */
export async function atGithub(
  act: (stage: Stage) => Promise<void>,
  { files, ...options }: { files?: Files } & Partial<GithubOptions> = {},
): Promise<void> {
  const world = await aGitWorld(files);
  const github = await startGithub({ remote: world.remote, ...options });
  const another = (other: Partial<GithubRepositoryOptions> = {}) =>
    createGithubRepository({
      owner: github.owner,
      name: github.name,
      credentials: { kind: "token", token: github.token },
      apiUrl: github.url,
      scratch: join(world.folder, "scratch"),
      pace: { writeEveryMs: 0, retryUnitMs: 1 },
      ...other,
    });
  try {
    await act({ world, github, repository: another(), another });
  } finally {
    await github.stop();
    await world.dispose();
  }
}
