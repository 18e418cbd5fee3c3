import { z } from "zod";
import type { PastCommit } from "#ports/repository.ts";
import type { Quoting } from "../quoting.ts";
import { Path, pathOf, toolOf } from "./tool.ts";

const commitsMax = 10;
const charactersMax = 3_000;

export const fileHistory = toolOf({
  name: "file_history",
  description: `The newest ${commitsMax} commits that touched a file, newest first.`,
  input: z.strictObject({ path: Path }),
  async run({ path: given }, desk) {
    const found = await pathOf(given, desk);
    if (found.kind === "refused") return found;
    const commits = await desk.reader.history(found.path, commitsMax);
    const text = commits.map((commit) => commitLine(commit, desk.quoting)).join("\n") || "(none)";
    const block = desk.quoting.block(`history of ${desk.quoting.inline(found.path, 120)}`, text, { charactersMax });
    return { kind: "shown", text: block, did: `reads the history of ${found.path}` };
  },
});

/** Who wrote it is left out: it explains nothing, and is a person's name. */
export function commitLine({ commit, at, subject }: PastCommit, quoting: Quoting): string {
  return `${commit.slice(0, 10)} ${at.toISOString().slice(0, 10)} ${quoting.inline(subject, 120).slice(1, -1)}`;
}
