import { join } from "node:path";
import { createLocalRepository } from "#adapters/repository/local.ts";
import { repositoryContract } from "#tests/ports/repository.contract.ts";

repositoryContract(
  "A local repository",
  async ({ remote, folder }) => ({
    repository: createLocalRepository({ remote, directory: join(folder, "state", "mirror.git") }),
    close: async () => {},
  }),
  { rounds: 30, runsHooks: true },
);
