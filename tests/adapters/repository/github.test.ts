import { join } from "node:path";
import { createGithubRepository } from "#adapters/repository/github.ts";
import { repositoryContract } from "#tests/ports/repository.contract.ts";
import { startGithub } from "#tests/support/github/server.ts";

repositoryContract(
  "A repository at GitHub",
  async ({ remote, folder }) => {
    const github = await startGithub({ remote });
    const repository = createGithubRepository({
      owner: github.owner,
      name: github.name,
      credentials: { kind: "token", token: github.token },
      apiUrl: github.url,
      scratch: join(folder, "scratch"),
      pace: { writeEveryMs: 0, retryUnitMs: 1 },
    });
    return { repository, close: github.stop };
  },
  { rounds: 30, runsHooks: false },
);
