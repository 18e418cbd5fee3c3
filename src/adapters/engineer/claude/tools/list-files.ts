import { z } from "zod";
import { fits } from "./glob.ts";
import { type Desk, toolOf } from "./tool.ts";

const shownMax = 200;
const charactersMax = 10_000;
const foldersMax = 40;

export const listFiles = toolOf({
  name: "list_files",
  description:
    "Lists files of the repository. Without a pattern: its folders with the number of files in each. With a pattern: the paths that start with it, or fit it as a glob (`src/**/*.test.ts`).",
  input: z.strictObject({ pattern: z.string().max(200).optional().describe("A prefix or a glob.") }),
  async run({ pattern }, desk) {
    const wanted = (pattern ?? "").replace(/^(?:\.\/)+/, "");
    if (wanted === "") return { kind: "shown", text: await overview(desk), did: "looks at the folders" };
    const found = (await desk.reader.paths()).filter((path) => fits(path, wanted));
    const label = `${found.length} of the repository's files fit${found.length > shownMax ? `; the first ${shownMax}` : ""}`;
    const text = desk.quoting.block(label, found.slice(0, shownMax).map(onOneLine).join("\n") || "(none)", {
      charactersMax,
    });
    return { kind: "shown", text, did: `lists ${desk.quoting.inline(wanted, 60)}` };
  },
});

/** The repository's shape in at most 40 lines, however large it is. */
export async function overview({ reader, quoting }: Desk): Promise<string> {
  const paths = await reader.paths();
  const counts = new Map<string, number>();
  for (const path of paths) {
    const parts = path.split("/");
    const folder = parts.length === 1 ? path : `${parts.slice(0, Math.min(2, parts.length - 1)).join("/")}/`;
    counts.set(folder, (counts.get(folder) ?? 0) + 1);
  }
  const lines = [...counts]
    .toSorted(([a, many], [b, few]) => few - many || (a < b ? -1 : 1))
    .slice(0, foldersMax)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([folder, count]) => (folder.endsWith("/") ? `${onOneLine(folder)} ${count}` : onOneLine(folder)));
  const left = counts.size - lines.length;
  const text = [...lines, ...(left > 0 ? [`… and ${left} smaller folders and files`] : [])].join("\n");
  return quoting.block("the repository's folders with their number of files", text, { charactersMax: 4_000 });
}

/** A file name may hold anything but a zero, also line breaks that would forge another name. */
function onOneLine(path: string): string {
  return path.replace(/\s+/g, " ");
}
