import { z } from "zod";
import type { Quoting } from "../quoting.ts";
import type { Reader } from "../reader.ts";

/** What a tool may use: nothing else of the world is within its reach. */
export interface Desk {
  reader: Reader;
  quoting: Quoting;
}

/** `did` tells people in three words what happened; `refused` goes back to the model as an error. */
export type ToolAnswer = { kind: "shown"; text: string; did: string } | { kind: "refused"; because: string };

export interface Tool {
  name: string;
  description: string;
  schema: { type: "object" };
  /** Takes whatever the model gave. Never throws for what the model did. */
  call(input: unknown, desk: Desk): Promise<ToolAnswer>;
}

interface Definition<Schema extends z.ZodType> {
  name: string;
  description: string;
  input: Schema;
  run(input: z.infer<Schema>, desk: Desk): Promise<ToolAnswer>;
}

export function toolOf<Schema extends z.ZodType>({ name, description, input, run }: Definition<Schema>): Tool {
  return {
    name,
    description,
    schema: schemaOf(input),
    async call(given, desk) {
      const parsed = input.safeParse(given);
      return parsed.success ? run(parsed.data, desk) : { kind: "refused", because: complaintsOf(parsed.error) };
    },
  };
}

/** The shape in the form that the Messages API wants. */
export function schemaOf(schema: z.ZodType): { type: "object" } {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io: "input" });
  return { ...rest, type: "object" };
}

const complaintsMax = 10;

/** What is wrong with an input, one line each. Names fields and rules, never values. */
export function complaintsOf(error: z.ZodError): string {
  const lines = error.issues
    .slice(0, complaintsMax)
    .map(({ path, message }) => `${path.join(".") || "input"}: ${message}`);
  return `The arguments are not right.\n${lines.join("\n")}`;
}

export function refused(because: string): ToolAnswer {
  return { kind: "refused", because };
}

/** A path as the model wrote it. */
export const Path = z
  .string()
  .min(1)
  .max(500)
  .describe("Path relative to the repository's root, with /, as list_files shows it.");

/** The repository's own name for a path, or why there is nothing to be had under it. */
export async function pathOf(
  given: string,
  { reader, quoting }: Desk,
): Promise<{ kind: "path"; path: string } | { kind: "refused"; because: string }> {
  const path = given.replace(/^(?:\.\/)+/, "");
  const shown = quoting.inline(given);
  if (/^[/\\~]|^[A-Za-z]:/.test(path) || path.split(/[/\\]/).includes("..") || path.includes("\0")) {
    return { kind: "refused", because: `${shown} is outside the repository. Only its own files can be read.` };
  }
  if (await reader.has(path)) return { kind: "path", path };
  const similar = similarTo(path, await reader.paths());
  const hint =
    similar.length > 0
      ? `\n${quoting.block("files with a similar name", similar.join("\n"), { charactersMax: 1_500 })}`
      : "";
  return {
    kind: "refused",
    because: `${shown} is no regular file of this version (links and submodules are left out).${hint}`,
  };
}

const similarMax = 5;

function similarTo(path: string, paths: string[]): string[] {
  const name = path.slice(path.lastIndexOf("/") + 1).toLowerCase();
  const stem = name.replace(/\.[^.]{1,10}$/, "");
  const isNear = (other: string) => {
    const otherName = other.slice(other.lastIndexOf("/") + 1).toLowerCase();
    return otherName === name || otherName.startsWith(`${stem}.`);
  };
  return stem === "" ? [] : paths.filter(isNear).slice(0, similarMax);
}
