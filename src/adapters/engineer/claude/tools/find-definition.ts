import { z } from "zod";
import { numbered } from "../reader.ts";
import { type Desk, refused, toolOf } from "./tool.ts";

const definitionsMax = 5;
const linesShown = 14;
const placesPerWord = 100;
const charactersMax = 8_000;

/** What stands before a name where it is defined. Searched in this order, until something is found. */
const words = [
  ["function ", "class ", "const ", "interface ", "type ", "enum ", "let ", "function* "],
  ["def ", "func ", "fn ", "var "],
];

export const findDefinition = toolOf({
  name: "find_definition",
  description:
    "Finds where a function, class, constant, type, method or property is defined, by its name alone, and shows the lines there.",
  input: z.strictObject({
    symbol: z
      .string()
      .regex(/^[A-Za-z_$#][\w$]{0,99}$/, "must be one name, without dots or parentheses")
      .describe("The name alone: `launch`, not `campaigns.launch()`."),
  }),
  async run({ symbol }, desk) {
    const places = await definitionsOf(symbol.replace(/^#/, ""), desk);
    if (places.length === 0) return refused(`No definition of ${symbol} was found. Search for the name instead.`);
    const shown = await Promise.all(places.slice(0, definitionsMax).map((place) => shownAt(place, desk)));
    const label = `${places.length} definitions of ${symbol}${places.length > definitionsMax ? `; the first ${definitionsMax}` : ""}`;
    const text = desk.quoting.block(label, shown.join("\n\n"), { charactersMax, isRedacted: true });
    return { kind: "shown", text, did: `looks up ${symbol}` };
  },
});

type Place = { path: string; line: number };

async function definitionsOf(symbol: string, desk: Desk): Promise<Place[]> {
  for (const group of words) {
    const found = await placesWhere(
      group.map((word) => word + symbol),
      desk,
      (line) => startsDefinition(line, symbol),
    );
    if (found.length > 0) return found;
  }
  return placesWhere([`${symbol}(`, `${symbol}:`, `${symbol} =`, `${symbol}<`], desk, (line) => isMember(line, symbol));
}

async function placesWhere(texts: string[], { reader }: Desk, is: (line: string) => boolean): Promise<Place[]> {
  const found = new Map<string, Place>();
  for (const text of texts) {
    for (const { path, line, code } of await reader.search(text, placesPerWord)) {
      if (is(code)) found.set(`${path}:${line}`, { path, line });
      if (found.size > definitionsMax) return [...found.values()];
    }
  }
  return [...found.values()];
}

/** The name ends there, and the line is no comment. */
function startsDefinition(line: string, symbol: string): boolean {
  const at = line.indexOf(symbol);
  return at >= 0 && !/^\s*(?:\/\/|\*|#)/.test(line) && !/[\w$]/.test(line.charAt(at + symbol.length));
}

/** A method, or a property that holds a function or an object; not a call. */
function isMember(line: string, symbol: string): boolean {
  const before =
    "^\\s*(?:(?:export|public|private|protected|static|async|get|set|readonly|override|declare|abstract)\\s+){0,5}[#*]?";
  const name = symbol.replaceAll("$", "\\$");
  return new RegExp(
    `${before}${name}(?:\\s*[:=]|(?:<[^>]{0,100}>)?\\([^;]{0,300}\\)\\s*(?::[^;]{0,200})?\\{\\s*$)`,
  ).test(line);
}

async function shownAt({ path, line }: Place, { reader, quoting }: Desk): Promise<string> {
  const lines = (await reader.lines(path)) ?? [];
  return `${quoting.inline(path, 300).slice(1, -1)}\n${numbered(lines, line, line + linesShown)}`;
}
