import { diffArrays } from "diff";
import { ts } from "ts-morph";

export interface Line {
  /** Counts from 1, on the side it belongs to. */
  line: number;
  text: string;
}

/** A changed file with what is new in it and what is gone. A line that is only indented anew is neither. */
export interface ReviewedFile {
  path: string;
  before: string | null;
  after: string | null;
  beforeLines: number;
  added: Line[];
  removed: Line[];
  /** Syntax of both sides where the file is code. */
  syntax: { before: ts.SourceFile | undefined; after: ts.SourceFile | undefined };
}

/** Beyond this many differences the comparison costs too much: then every line counts as new. */
const differencesMax = 4_000;
/** Deeper syntax than people write: every look at a node costs its depth, so a chain of thousands would cost minutes. */
const depthMax = 500;
const textMax = 1_000;
/** Files larger than this are compared by text only. */
const parsedCharactersMax = 300_000;

export function reviewedFile({
  path,
  before,
  after,
}: {
  path: string;
  before: string | null;
  after: string | null;
}): ReviewedFile {
  const [old, now] = [linesOf(before), linesOf(after)];
  return {
    path,
    before,
    after,
    beforeLines: old.length,
    ...difference(old, now),
    syntax: { before: parsed(path, before), after: parsed(path, after) },
  };
}

export function isTestFile(path: string): boolean {
  return (
    /(^|\/)(__tests__|__mocks__|tests?|specs?|e2e|cypress|playwright)\//i.test(path) ||
    /[._-](test|spec|cy)\.[cm]?[jt]sx?$/i.test(path)
  );
}

export function isCode(path: string): boolean {
  return /\.[cm]?[jt]sx?$/i.test(path);
}

/** Calls `visit` for a node and all it holds, without recursion: hostile nesting must not end our stack. */
export function eachNode(root: ts.Node | undefined, visit: (node: ts.Node) => void): void {
  const open: ts.Node[] = root === undefined ? [] : [root];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    visit(node);
    node.forEachChild((child) => {
      open.push(child);
    });
  }
}

/** Whether the node or anything it holds `is` so. */
export function someNode(root: ts.Node, is: (node: ts.Node) => boolean): boolean {
  const open: ts.Node[] = [root];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    if (is(node)) return true;
    node.forEachChild((child) => {
      open.push(child);
    });
  }
  return false;
}

/** The node's text, shortened in the middle: a chain of thousands of calls would otherwise be read once for each of them. */
export function textOf(node: ts.Node): string {
  const text = node.getText();
  if (text.length <= textMax) return text;
  return `${text.slice(0, textMax / 2)} …${text.length}… ${text.slice(-textMax / 2)}`;
}

/** First and last line of a node, from 1. */
export function linesSpanned(node: ts.Node, file: ts.SourceFile): { first: number; last: number } {
  return {
    first: file.getLineAndCharacterOfPosition(node.getStart(file)).line + 1,
    last: file.getLineAndCharacterOfPosition(node.end).line + 1,
  };
}

function difference(old: string[], now: string[]): { added: Line[]; removed: Line[] } {
  const all = (lines: string[]) => lines.map((text, index) => ({ line: index + 1, text }));
  const same = (one: string, other: string) => one.trim() === other.trim();
  const parts = diffArrays(old, now, { comparator: same, maxEditLength: differencesMax });
  if (parts === undefined) return { added: all(now), removed: all(old) };
  const added: Line[] = [];
  const removed: Line[] = [];
  let [oldLine, nowLine] = [0, 0];
  for (const part of parts) {
    for (const text of part.value) {
      if (!part.added) oldLine++;
      if (!part.removed) nowLine++;
      if (part.added) added.push({ line: nowLine, text });
      if (part.removed) removed.push({ line: oldLine, text });
    }
  }
  return { added, removed };
}

function linesOf(text: string | null): string[] {
  return text === null || text === "" ? [] : text.replace(/\n$/, "").split(/\r?\n/);
}

function parsed(path: string, text: string | null): ts.SourceFile | undefined {
  if (text === null || !isCode(path) || text.length > parsedCharactersMax) return undefined;
  const kind = /x$/i.test(path) ? ts.ScriptKind.TSX : /ts$/i.test(path) ? ts.ScriptKind.TS : ts.ScriptKind.JSX;
  try {
    const file = ts.createSourceFile("file", text, ts.ScriptTarget.ESNext, true, kind);
    return isTooDeep(file) ? undefined : file;
  } catch (error) {
    // The parser recurses: what is nested too deeply is caught as a syntax error before it gets here.
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function isTooDeep(file: ts.SourceFile): boolean {
  let level: ts.Node[] = [file];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > depthMax) return true;
    const below: ts.Node[] = [];
    for (const node of level) {
      node.forEachChild((child) => {
        below.push(child);
      });
    }
    level = below;
  }
  return false;
}
