import type { Edit } from "#domain/fix.ts";
import type { Reply } from "./messages.ts";
import { linesOf, type Reader } from "./reader.ts";

/** Said to people; the text itself is never repeated. */
export const blocked = "The answer held a secret or a mark that no answer may hold; it was blocked (reliability D14).";

/** Whether a text of a model holds what must not leave. Whatever it was shown came without secrets, so it has one from elsewhere. */
export function leaks(text: string, redact: (text: string) => string): boolean {
  return redact(text) !== text;
}

/** Whether edits bring in a secret. Lines that the file had before are none of the edit's doing. */
export async function editsLeak(edits: Edit[], reader: Reader, redact: (text: string) => string): Promise<boolean> {
  for (const { path, content } of edits) {
    if (leaks(path, redact)) return true;
    const known = new Set(linesOf((await reader.original(path)) ?? ""));
    const added = linesOf(content ?? "").filter((line) => !known.has(line));
    if (leaks(added.join("\n"), redact)) return true;
  }
  return false;
}

/** Whether anything in an answer holds what must not leave: what it says, what it thinks, and whatever it asks of a tool. */
export function saysSecret({ content }: Reply, redact: (text: string) => string): boolean {
  // Signatures are the service's own, and random.
  const said = content.flatMap((block) => stringsIn({ ...block, signature: "" }));
  return leaks(said.join("\n"), redact);
}

/** Every text inside a value, names included. */
function stringsIn(value: unknown): string[] {
  if (typeof value === "string") return [value];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) => [name, ...stringsIn(inner)]);
}
