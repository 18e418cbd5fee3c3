import { z } from "zod";
import { numbered } from "../reader.ts";
import { Path, pathOf, refused, toolOf } from "./tool.ts";

const linesMax = 400;
const charactersMax = 16_000;

export const readFile = toolOf({
  name: "read_file",
  description: `Shows lines of a file with their numbers, at most ${linesMax} at once. The numbers and the bar are not part of the file. Secrets are shown as a mark.`,
  input: z.strictObject({
    path: Path,
    from: z.int().min(1).max(10_000_000).optional().describe("First line, from 1."),
    to: z.int().min(1).max(10_000_000).optional().describe("Last line."),
  }),
  async run({ path: given, from = 1, to }, desk) {
    const found = await pathOf(given, desk);
    if (found.kind === "refused") return found;
    const name = desk.quoting.inline(found.path, 120);
    const lines = await desk.reader.lines(found.path);
    if (lines === undefined) return refused(`${name} is binary or larger than 1 MB.`);
    if (from > lines.length) return refused(`${name} has ${lines.length} lines.`);
    const last = Math.min(to ?? lines.length, lines.length, from + linesMax - 1);
    if (last < from) return refused("`to` is before `from`.");
    const shown = within(lines, from, last);
    const label = `${name}, lines ${from} to ${shown.last} of ${lines.length}`;
    const text = desk.quoting.block(label, shown.text, { charactersMax: charactersMax + 1_000, isRedacted: true });
    return { kind: "shown", text, did: `reads ${found.path}` };
  },
});

/** As many whole lines as fit. */
function within(lines: string[], from: number, to: number): { text: string; last: number } {
  let last = from;
  let characters = 0;
  for (let line = from; line <= to; line++) {
    characters += (lines[line - 1]?.length ?? 0) + 8;
    if (characters > charactersMax) break;
    last = line;
  }
  return { text: numbered(lines, from, last), last };
}
