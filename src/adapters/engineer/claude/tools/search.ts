import { z } from "zod";
import { fits } from "./glob.ts";
import { type Desk, toolOf } from "./tool.ts";

const placesMax = 60;
/** More are asked for where a pattern sorts some out. */
const lookedThroughMax = 1_000;
/** Files whose lines are shown; further ones are named with their line only. */
const filesMax = 20;
const charactersMax = 12_000;

export const search = toolOf({
  name: "search",
  description: `Finds lines that contain a text literally (case matters, no patterns), at most ${placesMax}. Only files of the commit are searched, so nothing that Git ignores.`,
  input: z.strictObject({
    text: z.string().min(2).max(200).describe("Looked for as it stands; no line break."),
    files: z.string().max(200).optional().describe("Only in paths with this prefix, or that fit this glob."),
  }),
  async run({ text, files }, desk) {
    const wanted = files?.replace(/^(?:\.\/)+/, "") ?? "";
    const all = await desk.reader.search(text, wanted === "" ? placesMax + 1 : lookedThroughMax);
    const found = all.filter(({ path }) => wanted === "" || fits(path, wanted));
    const shown = await Promise.all(withText(found.slice(0, placesMax)).map((place) => lineOf(place, desk)));
    const label = found.length > placesMax ? `more than ${placesMax} places; the first ones` : `${found.length} places`;
    const block = desk.quoting.block(label, shown.join("\n") || "(none)", { charactersMax, isRedacted: true });
    return { kind: "shown", text: block, did: `searches ${desk.quoting.inline(text, 60)}` };
  },
});

type Found = { path: string; line: number };

function withText(found: Found[]): (Found & { isShown: boolean })[] {
  const files = new Set<string>();
  return found.map((place) => {
    if (files.size < filesMax) files.add(place.path);
    return { ...place, isShown: files.has(place.path) };
  });
}

/** The line comes from the file as it was redacted whole: alone it might be the middle of a key. */
async function lineOf(
  { path, line, isShown }: Found & { isShown: boolean },
  { reader, quoting }: Desk,
): Promise<string> {
  const name = quoting.inline(path, 300).slice(1, -1);
  const text = isShown ? (await reader.lines(path))?.[line - 1]?.trim().slice(0, 200) : undefined;
  return text === undefined ? `${name}:${line}` : `${name}:${line}: ${text}`;
}
