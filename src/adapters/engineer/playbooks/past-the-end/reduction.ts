import { ts } from "ts-morph";
import type { Snapshot } from "#ports/repository.ts";
import { identifiers } from "../code/names.ts";
import { type OpenFile, openFile } from "../code/project.ts";
import { eachNode, isFunction, lineOf, unwrap } from "../code/syntax.ts";
import { quoteOf } from "../code/text.ts";
import type { Assessment } from "../editing.ts";
import type { Place } from "../places.ts";

/** What a reduction of nothing comes to, and how plainly the code says so. */
interface Identity {
  text: string;
  because: string;
  certainty: number;
}

const stepsMax = 4;

/** `list.reduce(add)`: of an empty list it is what adding begins with, where the code says what that is. */
export async function cureReduction(place: Place, snapshot: Snapshot): Promise<Assessment> {
  const unknown = (because: string) => ({ kind: "unknown" as const, because });
  const open = await openFile(place.path, snapshot);
  if (typeof open === "string") return unknown(open);
  const calls = reductionsAt(place.line, open);
  const [call, ...others] = calls;
  const [callback] = call?.arguments ?? [];
  if (call === undefined || callback === undefined || others.length > 0)
    return unknown(`line ${place.line} of ${place.path} holds no reduction without a beginning, or more than one`);
  const identity = identityOf(call, callback, open);
  if (identity === undefined)
    return unknown(`what \`${shown(call)}\` comes to for an empty list does not follow from the code`);
  if (isDivided(call, open))
    return unknown(`the result of \`${shown(call)}\` is divided: for an empty list that has no answer`);
  const line = lineOf(open.code, call.getStart());
  return {
    kind: "cure",
    rootCause: `\`${shown(call)}\` at ${place.path}:${place.line} begins with the list's first entry, and the list was empty; ${identity.because}.`,
    evidence: [{ file: place.path, line: place.line, note: "reduced without a value to begin with" }],
    strategy: `begin with \`${identity.text}\`, which is the answer for an empty list`,
    subject: `Reduce an empty list to ${identity.text}`,
    stops: `The reduction at ${place.path}:${line} has an answer for an empty list.`,
    confidence: identity.certainty,
    changes: [
      { path: place.path, edits: [{ start: callback.getEnd(), end: callback.getEnd(), text: `, ${identity.text}` }] },
    ],
  };
}

function reductionsAt(line: number, { code }: OpenFile): ts.CallExpression[] {
  const found: ts.CallExpression[] = [];
  eachNode(code.source, (node) => {
    const isReduction =
      ts.isCallExpression(node) &&
      node.arguments.length === 1 &&
      ts.isPropertyAccessExpression(node.expression) &&
      /^reduce(?:Right)?$/.test(node.expression.name.text);
    if (
      isReduction &&
      ts.isPropertyAccessExpression(node.expression) &&
      lineOf(code, node.expression.name.getStart()) === line
    )
      found.push(node);
  });
  return found;
}

function shown(call: ts.CallExpression): string {
  return call.expression.getText().replace(/\s+/g, " ").slice(-80);
}

function identityOf(call: ts.CallExpression, callback: ts.Expression, open: OpenFile): Identity | undefined {
  const fn = unwrap(callback);
  if (!isFunction(fn) || fn.parameters.length !== 2) return undefined;
  const names = fn.parameters.map(({ name }) => name.getText());
  const body = bodyOf(fn);
  if (body === undefined) return undefined;
  const given = names.map((name) => ({ name, used: identifiers(body, name).length }));
  if (given.some(({ used }) => used !== 1)) return undefined;
  return ofOperation(body, names, call, open) ?? ofList(body, names);
}

function bodyOf(fn: ts.Node): ts.Expression | undefined {
  if (!ts.isArrowFunction(fn) && !ts.isFunctionExpression(fn)) return undefined;
  if (!ts.isBlock(fn.body)) return unwrap(fn.body);
  const [only, ...others] = fn.body.statements;
  return only !== undefined && others.length === 0 && ts.isReturnStatement(only) && only.expression !== undefined
    ? unwrap(only.expression)
    : undefined;
}

/** Both operands are the plain parameters, so what comes out is of the kind that went in. */
function ofOperation(
  body: ts.Expression,
  names: string[],
  call: ts.CallExpression,
  open: OpenFile,
): Identity | undefined {
  if (!ts.isBinaryExpression(body)) return undefined;
  const sides = [body.left.getText(), body.right.getText()];
  if (sides.toSorted().join() !== names.toSorted().join()) return undefined;
  switch (body.operatorToken.kind) {
    case ts.SyntaxKind.PlusToken:
      return ofSum(call, open) ?? bySpeakingName(names);
    case ts.SyntaxKind.AsteriskToken:
      return { text: "1", because: "a product of nothing is 1", certainty: 84 };
    case ts.SyntaxKind.BarBarToken:
      return isBoolean(call, open) ? { text: "false", because: "none of no entries holds", certainty: 82 } : undefined;
    default:
      return undefined;
  }
}

function ofSum(call: ts.CallExpression, open: OpenFile): Identity | undefined {
  const list = ts.isPropertyAccessExpression(call.expression) ? call.expression.expression : call;
  const kind = kindOf(list, open, stepsMax);
  if (kind === "number")
    return { text: "0", because: "its entries are numbers, and a sum of nothing is 0", certainty: 90 };
  const quote = quoteOf(open.code.text);
  return kind === "string"
    ? { text: `${quote}${quote}`, because: "its entries are texts, and nothing joined is an empty text", certainty: 88 }
    : undefined;
}

/** `(sum, count) => sum + count`: what is called a sum is one of numbers. */
function bySpeakingName([first = ""]: string[]): Identity | undefined {
  if (!/^(?:sum|total|subtotal|runningTotal)$/i.test(first)) return undefined;
  return { text: "0", because: `\`${first}\` says that numbers are added, and a sum of nothing is 0`, certainty: 81 };
}

/** What the entries of a list are, by its type or by the callback that made them. */
function kindOf(list: ts.Expression, open: OpenFile, steps: number): "number" | "string" | undefined {
  const { checker } = open;
  const entry = checker.getIndexTypeOfType(checker.getTypeAtLocation(list), ts.IndexKind.Number);
  if (entry !== undefined && entry.flags & ts.TypeFlags.NumberLike) return "number";
  if (entry !== undefined && entry.flags & ts.TypeFlags.StringLike) return "string";
  const at = unwrap(list);
  if (!ts.isCallExpression(at) || !ts.isPropertyAccessExpression(at.expression) || steps === 0) return undefined;
  const method = at.expression.name.text;
  if (/^(?:filter|slice|sort|reverse|concat|toSorted|toReversed)$/.test(method))
    return kindOf(at.expression.expression, open, steps - 1);
  const [callback] = at.arguments;
  if (method !== "map" || callback === undefined) return undefined;
  if (/^(?:Number|parseInt|parseFloat|Math\.\w+)$/.test(callback.getText())) return "number";
  const body = bodyOf(unwrap(callback));
  return body !== undefined && isNumeric(body) ? "number" : undefined;
}

function isNumeric(node: ts.Expression): boolean {
  const at = unwrap(node);
  if (ts.isNumericLiteral(at)) return true;
  if (ts.isPropertyAccessExpression(at)) return at.name.text === "length" || at.name.text === "size";
  if (ts.isCallExpression(at))
    return /^(?:Number|parseInt|parseFloat|Number\.parse(?:Int|Float)|Math\.\w+)$/.test(at.expression.getText());
  if (ts.isPrefixUnaryExpression(at))
    return at.operator === ts.SyntaxKind.PlusToken || at.operator === ts.SyntaxKind.MinusToken;
  return ts.isBinaryExpression(at) && /^(?:[-*/%]|\*\*)$/.test(at.operatorToken.getText());
}

function isBoolean(call: ts.CallExpression, { checker }: OpenFile): boolean {
  return (checker.getTypeAtLocation(call).flags & ts.TypeFlags.BooleanLike) !== 0;
}

/** `[...a, ...b]`, `a.concat(b)`, `{ ...a, ...b }`. */
function ofList(body: ts.Expression, names: string[]): Identity | undefined {
  const spreads = (nodes: readonly ts.Node[]) =>
    nodes.length === 2 &&
    nodes.every(
      (node) => (ts.isSpreadElement(node) || ts.isSpreadAssignment(node)) && names.includes(node.expression.getText()),
    );
  if (ts.isArrayLiteralExpression(body) && spreads(body.elements))
    return { text: "[]", because: "lists are put together, and no lists make an empty one", certainty: 88 };
  if (ts.isObjectLiteralExpression(body) && spreads(body.properties))
    return { text: "{}", because: "objects are put together, and no objects make an empty one", certainty: 84 };
  return undefined;
}

/** An average of nothing is no number. */
function isDivided(call: ts.CallExpression, { code }: OpenFile): boolean {
  let at: ts.Node = call;
  while (ts.isParenthesizedExpression(at.parent)) at = at.parent;
  const divides = (node: ts.Node) =>
    ts.isBinaryExpression(node.parent) && /^[/%]$/.test(node.parent.operatorToken.getText());
  if (divides(at)) return true;
  const { parent } = at;
  if (!ts.isVariableDeclaration(parent) || !ts.isIdentifier(parent.name)) return false;
  return identifiers(code.source, parent.name.text).some((use) => use !== parent.name && divides(use));
}
