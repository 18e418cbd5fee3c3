import { fileHistory } from "./file-history.ts";
import { findDefinition } from "./find-definition.ts";
import { listFiles } from "./list-files.ts";
import { readFile } from "./read-file.ts";
import { search } from "./search.ts";
import type { Tool } from "./tool.ts";

/** Everything that a model may do: look at the files of one commit. */
export const readingTools: Tool[] = [listFiles, readFile, search, findDefinition, fileHistory];
