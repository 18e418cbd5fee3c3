import { ts } from "ts-morph";

/** One file of a change: `null` where it does not exist on that side. */
export interface FileText {
  path: string;
  before: string | null;
  after: string | null;
}

/** Why a change repairs nothing although it may have lines: unchanged, only white space, or flipped line endings (reliability C13). */
export function emptyChange(edits: FileText[]): string | undefined {
  const flipped = edits.find(flipsLineEndings);
  if (flipped !== undefined) return `the line endings of ${flipped.path} are flipped`;
  if (edits.every(({ before, after }) => before === after)) return "the change changes nothing";
  if (edits.every(isWhiteSpaceOnly)) return "the change is white space only";
  return undefined;
}

function flipsLineEndings({ before, after }: FileText): boolean {
  if (before === null || after === null || before === after) return false;
  const [old, now] = [endings(before), endings(after)];
  return (old.windows > old.unix && now.unix > now.windows) || (old.unix > old.windows && now.windows > now.unix);
}

function endings(text: string): { windows: number; unix: number } {
  const windows = text.split("\r\n").length - 1;
  return { windows, unix: text.split("\n").length - 1 - windows };
}

function isWhiteSpaceOnly({ path, before, after }: FileText): boolean {
  if (before === after) return true;
  if (before === null || after === null) return (before ?? after ?? "").trim() === "";
  const words = /\.[cm]?[jt]sx?$/i.test(path) ? codeTokens : textLines;
  return words(before) === words(after);
}

/** The code without what lies between its words: a blank inside a text is content, one beside an operator is not. */
function codeTokens(text: string): string {
  const scanner = ts.createScanner(ts.ScriptTarget.ESNext, false, ts.LanguageVariant.JSX, text);
  const tokens: string[] = [];
  for (let kind = scanner.scan(); kind !== ts.SyntaxKind.EndOfFileToken; kind = scanner.scan()) {
    const blank = kind === ts.SyntaxKind.WhitespaceTrivia || kind === ts.SyntaxKind.NewLineTrivia;
    if (!blank) tokens.push(scanner.getTokenText());
  }
  return tokens.join("\n");
}

/** Indentation means something in some formats, so only the ends of lines and empty lines are ignored. */
function textLines(text: string): string {
  return text
    .split(/\r?\n/)
    .map((line) => line.trimEnd())
    .filter((line) => line !== "")
    .join("\n");
}
