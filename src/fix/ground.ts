import { join } from "node:path";
import type { Folder } from "#adapters/repository/folder.ts";
import type { FolderState } from "#adapters/repository/folder-state.ts";
import { createLocalRepository } from "#adapters/repository/local.ts";
import { createSandboxTestBench } from "#adapters/test-bench/sandbox.ts";
import type { FixConfig } from "#config.ts";
import { Failure } from "#domain/failure.ts";
import type { Sha } from "#domain/ids.ts";
import type { Repository, Snapshot } from "#ports/repository.ts";
import { installedModules, npmBeside } from "./dependencies.ts";
import { type RecordedBench, recordReads, recordRuns } from "./recording.ts";

/** What a run stands on: a copy of the folder's repository, and a test bench for its commits. */
export interface Ground {
  repository: Repository;
  bench: RecordedBench;
  /** The folder as it was at the start. */
  base: Sha;
  snapshot: Snapshot;
  files: string[];
  readFiles: () => string[];
}

export async function groundOf(given: {
  folder: Folder;
  state: FolderState;
  scratch: string;
  nodePath: string;
  testCommand: string | null;
  isolation: FixConfig["isolation"];
  tell: (what: "tests" | "types", isBase: boolean) => void;
}): Promise<Ground> {
  const { folder, state, scratch, nodePath, testCommand, isolation, tell } = given;
  const local = createLocalRepository({
    remote: state.remote,
    directory: join(scratch, "copy.git"),
    borrowedObjects: state.objects,
  });
  const files = await (await local.snapshot(state.base)).list();
  const directory = directoryOf(folder, files);
  const npm = await npmBeside(nodePath);
  const bench = createSandboxTestBench({
    source: local,
    scratch: join(scratch, "tests"),
    testCommand,
    typesCommand: null,
    isolation,
    lent: folder.top === null ? [] : await installedModules(folder.top, files),
    directory,
    nodePath,
    ...(npm === undefined ? {} : { npm }),
  });
  const { repository, files: readFiles } = recordReads(local);
  return {
    repository,
    bench: recordRuns(bench, (what, commit) => tell(what, commit === state.base)),
    base: state.base,
    snapshot: await local.snapshot(state.base),
    files,
    readFiles,
  };
}

/** Where the tests run: in the folder that was named, as its owner would. */
function directoryOf({ prefix, path, top }: Folder, files: string[]): string {
  if (prefix === "" || files.some((file) => file.startsWith(`${prefix}/`))) return prefix;
  throw new Failure("not_found", `No file of ${path} belongs to the Git repository ${top}.`, {
    hint: 'Are they ignored there? Name another folder, or run "git init" in this one.',
  });
}
