import { ts } from "ts-morph";

/** Names of functions by the place inside them, as V8 would print them: `Cart.total`, `render`, empty for one without a name. */

/** Larger sources are bundles themselves, and cost more than their names are worth. */
const sourceCharactersMax = 2_000_000;

interface Span {
  from: number;
  to: number;
  name: string;
}

/** Answers for a place (line from 1, column from 0) in `source`; `undefined` where the source cannot be read. */
export function functionsIn(file: string, source: string): ((line: number, column: number) => string) | undefined {
  if (source.length > sourceCharactersMax) return undefined;
  const kind = /\.tsx?$/i.test(file) ? ts.ScriptKind.TSX : ts.ScriptKind.JSX;
  const tree = treeOf(source, kind);
  if (tree === undefined) return undefined;
  const spans = spansOf(tree);
  const lineStarts = tree.getLineStarts();
  return (line, column) => {
    const at = (lineStarts[line - 1] ?? 0) + column;
    // Inner functions come later than those around them.
    return spans.findLast(({ from, to }) => from <= at && at < to)?.name ?? "";
  };
}

/** Source that is nested deeper than the parser can go has no names for us. */
function treeOf(source: string, kind: ts.ScriptKind): ts.SourceFile | undefined {
  try {
    return ts.createSourceFile("source", source, ts.ScriptTarget.Latest, true, kind);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function spansOf(tree: ts.SourceFile): Span[] {
  const spans: Span[] = [];
  // Deep nesting is a matter of the sender's code: a list instead of recursion.
  const left: ts.Node[] = [tree];
  for (let node = left.pop(); node !== undefined; node = left.pop()) {
    if (ts.isFunctionLike(node) && "body" in node && node.body !== undefined) {
      spans.push({ from: node.getStart(tree), to: node.end, name: nameOf(node) });
    }
    ts.forEachChild(node, (child) => {
      left.push(child);
    });
  }
  return spans.toSorted((a, b) => a.from - b.from || b.to - a.to);
}

function nameOf(node: ts.Node): string {
  if (ts.isConstructorDeclaration(node)) return classOf(node);
  const own = "name" in node ? textOf(node.name) : "";
  if (ts.isMethodDeclaration(node) || ts.isAccessor(node)) return [classOf(node), own].filter(Boolean).join(".");
  return own === "" ? nameGivenBy(node.parent) : own;
}

function classOf({ parent }: ts.Node): string {
  if (!ts.isClassLike(parent)) return "";
  return textOf(parent.name) || nameGivenBy(parent.parent);
}

/** A function without a name of its own takes that of what it is assigned to. */
function nameGivenBy(parent: ts.Node): string {
  if (ts.isVariableDeclaration(parent) || ts.isPropertyAssignment(parent)) return textOf(parent.name);
  if (ts.isPropertyDeclaration(parent)) return [classOf(parent), textOf(parent.name)].filter(Boolean).join(".");
  if (ts.isBinaryExpression(parent) && ts.isPropertyAccessExpression(parent.left)) return parent.left.name.text;
  return "";
}

function textOf(name: unknown): string {
  if (typeof name !== "object" || name === null || !("kind" in name)) return "";
  return "text" in name && typeof name.text === "string" ? name.text : "";
}
