import type { Code } from "./syntax.ts";

/** A stretch of text and what stands there afterwards. */
export interface TextEdit {
  start: number;
  end: number;
  text: string;
}

const lineCharactersMax = 100;

/** The text with all edits made; they must not overlap. */
export function applyEdits(text: string, edits: TextEdit[]): string {
  let result = text;
  for (const edit of edits.toSorted((one, other) => other.start - one.start)) {
    result = result.slice(0, edit.start) + edit.text + result.slice(edit.end);
  }
  return result;
}

/** How lines end in this file: the way most of them do. */
export function lineEnd(text: string): "\r\n" | "\n" {
  const windows = text.split("\r\n").length - 1;
  return windows > text.split("\n").length - 1 - windows ? "\r\n" : "\n";
}

/** One step of indentation in this file. */
export function indentUnit(text: string): string {
  if (/^\t+\S/m.test(text)) return "\t";
  const steps = new Map<number, number>();
  let before = 0;
  for (const line of text.split("\n", 5_000)) {
    // Lines of a comment block are off by one.
    if (line.trim() === "" || /^ *\*/.test(line)) continue;
    const width = /^ */.exec(line)?.[0].length ?? 0;
    if (width > before) steps.set(width - before, (steps.get(width - before) ?? 0) + 1);
    before = width;
  }
  const best = [...steps].sort((one, other) => other[1] - one[1])[0]?.[0] ?? 2;
  return " ".repeat(Math.min(best, 8));
}

/** The white space before the first sign of the line that holds `position`. */
export function indentAt(text: string, position: number): string {
  const start = text.lastIndexOf("\n", position - 1) + 1;
  return /^[ \t]*/.exec(text.slice(start, position))?.[0] ?? "";
}

/** Whether statements of this file end with a semicolon. */
export function endsWithSemicolons(text: string): boolean {
  let sum = 0;
  for (const line of text.split(/\r?\n/, 5_000)) {
    const code = line.trim();
    if (/^(?:\/\/|\*|\/\*)/.test(code)) continue;
    if (code.endsWith(";")) sum += 1;
    else if (/[\w)\]'"`]$/.test(code) && /^(?:const|let|var|return|import|await)\b|\)$/.test(code)) sum -= 1;
  }
  return sum >= 0;
}

/** Where the line after the one that holds `position` begins; the end of the text when there is none. */
export function nextLineStart(text: string, position: number): number {
  const end = text.indexOf("\n", position);
  return end < 0 ? text.length : end + 1;
}

/** Whether nothing but white space (or a comment) follows on the line. */
export function endsItsLine(text: string, position: number): boolean {
  return /^[ \t]*;?[ \t]*(?:\/\/[^\r\n]*)?\r?(?:\n|$)/.test(text.slice(position, position + 2_000));
}

/** Lays a statement out behind a condition, in the file's own way of writing it. */
export function guardText(
  code: Code,
  guard: { condition: string; body: string[]; indent: string; braces: boolean; oneLine?: boolean },
): string {
  const end = lineEnd(code.text);
  const { condition, body, indent } = guard;
  const [only = ""] = body;
  const short = `${indent}if (${condition}) ${only}`;
  if (!guard.braces && body.length === 1 && !only.includes("\n") && short.length <= lineCharactersMax)
    return `${short}${end}`;
  const inner = indent + indentUnit(code.text);
  if (guard.oneLine === true && body.length === 1 && short.length + 4 <= lineCharactersMax) {
    return `${indent}if (${condition}) { ${only} }${end}`;
  }
  const lines = body.map((statement) => `${inner}${statement.replaceAll(/\r?\n/g, `${end}${inner}`)}`);
  return `${indent}if (${condition}) {${end}${lines.join(end)}${end}${indent}}${end}`;
}

/** The quotes that this file puts around its texts. */
export function quoteOf(text: string): "'" | '"' {
  const singles = text.match(/'(?:[^'\\\n]|\\.){0,200}'/g)?.length ?? 0;
  const doubles = text.match(/"(?:[^"\\\n]|\\.){0,200}"/g)?.length ?? 0;
  return singles > doubles ? "'" : '"';
}
