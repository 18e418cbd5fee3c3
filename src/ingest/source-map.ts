import { originalPositionFor, sourceContentFor, TraceMap } from "@jridgewell/trace-mapping";
import { z } from "zod";
import type { Frame } from "#domain/event.ts";
import { frameOf } from "./frames.ts";

/** One source map: places in a built file → places in its sources. */
export interface SourceMap {
  /** The frame as the source has it; `undefined` where the map does not know the place. */
  original(frame: Frame): Frame | undefined;
}

const sourcesMax = 20_000;

/** Only what is read; a map with sections (one map made of many) is flattened by bundlers nowadays and refused here. */
const MapFile = z.object({
  version: z.literal(3),
  sources: z.array(z.string().nullable()).max(sourcesMax),
  sourcesContent: z.array(z.string().nullable()).max(sourcesMax).nullish(),
  sourceRoot: z.string().max(1_000).nullish(),
  names: z.array(z.string()).default([]),
  mappings: z.string(),
  ignoreList: z.array(z.number()).optional(),
  debugId: z.string().optional().catch(undefined),
  debug_id: z.string().optional().catch(undefined),
  x_google_ignoreList: z.array(z.number()).optional(),
});

export function isSourceMap(text: string): boolean {
  return parsed(text) !== undefined;
}

/** The debug id that a bundler wrote into a map, under either of its names. */
export function debugIdOf(text: string): string | undefined {
  const file = parsed(text);
  const id = file?.debugId ?? file?.debug_id;
  return id !== undefined && /^[0-9a-fA-F-]{32,36}$/.test(id) ? id : undefined;
}

/** Reads a map. Answers `undefined` for a text that is none. */
export async function readSourceMap(text: string): Promise<SourceMap | undefined> {
  const file = parsed(text);
  if (file === undefined) return undefined;
  // Loaded with the first map: most processes never see one.
  const { functionsIn } = await import("./enclosing-function.ts");
  const map = new TraceMap({
    ...file,
    sourceRoot: file.sourceRoot ?? undefined,
    sourcesContent: file.sourcesContent ?? [],
  });
  const functions = new Map<string, ReturnType<typeof functionsIn>>();
  const functionAt = (source: string, content: string, line: number, column: number) => {
    if (!functions.has(source)) functions.set(source, functionsIn(source, content));
    return functions.get(source)?.(line, column);
  };
  return {
    original: (frame) => {
      if (frame.line === null || frame.line < 1 || frame.column === null) return undefined;
      // Stacks count columns from 1, maps from 0.
      const place = originalPositionFor(map, { line: frame.line, column: Math.max(0, frame.column - 1) });
      // Mappings may point at sources that the map does not list.
      if (typeof place.source !== "string" || place.source === "") return undefined;
      const content = sourceContentFor(map, place.source) ?? null;
      const found = content === null ? undefined : functionAt(place.source, content, place.line, place.column);
      const isForeign = map.ignoreList?.includes(map.resolvedSources.indexOf(place.source)) ?? false;
      const given = {
        file: place.source.replace(/^(?:\.\.?\/){1,50}/, ""),
        function: found ?? "",
        line: place.line,
        column: place.column + 1,
        inApp: frame.inApp && !isForeign,
        context: content === null ? null : lineOf(content, place.line),
      };
      return { ...frameOf(given), debugId: frame.debugId, mapped: true };
    },
  };
}

function parsed(text: string): z.infer<typeof MapFile> | undefined {
  try {
    // Old servers put a line before the JSON so that no browser runs it.
    return MapFile.safeParse(JSON.parse(text.replace(/^\)\]\}'[^\n]{0,100}\n/, ""))).data;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** The text of line `line` (from 1), without splitting a whole file for it. */
function lineOf(content: string, line: number): string | null {
  let from = 0;
  for (let n = 1; n < line; n++) {
    from = content.indexOf("\n", from) + 1;
    if (from === 0) return null;
  }
  const end = content.indexOf("\n", from);
  return content.slice(from, end < 0 ? undefined : end).slice(0, 300);
}
