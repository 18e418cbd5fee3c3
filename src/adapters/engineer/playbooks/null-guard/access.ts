import { ts } from "ts-morph";
import { type Code, declarationOf, eachNode, functionAround, keyOf, lineOf, nameOf, unwrap } from "../code/syntax.ts";
import type { Place } from "../places.ts";
import type { NullishError } from "./error-text.ts";

/** The expression that failed, and what in it was nothing. */
export interface Access {
  node: ts.Node;
  /** What was null or undefined. */
  receiver: ts.Expression;
  form: "access" | "destructure" | "iterate" | "convert" | "call";
  /** Found at its very column, on its line, or only near it because the code has moved. */
  found: "column" | "line" | "nearby";
}

/** How far a place may have moved between the version that failed and this one. */
const driftLinesMax = 25;

/** The access at `place` that can have given this error; a sentence when there is none or when it could be several. */
export function accessAt(code: Code, place: Place, error: NullishError): Access | string {
  const all = accesses(code, error);
  const here = all.filter(({ at }) => lineOf(code, at) === place.line);
  if (here.length > 0) return chosen(code, here, place);
  const name = plainName(place.function);
  const near = all.filter(({ access, at }) => {
    const fn = functionAround(access.node);
    const isSameFunction = name !== "" && fn !== undefined && nameOf(fn) === name;
    return isSameFunction && Math.abs(lineOf(code, at) - place.line) <= driftLinesMax;
  });
  const keys = new Set(near.map(({ access }) => keyOf(access.receiver) ?? access.receiver.getText()));
  const [only] = near;
  if (only === undefined || keys.size !== 1) {
    return `line ${place.line} of ${place.path} holds nothing that can fail like this; the code may have changed since`;
  }
  return { ...only.access, found: "nearby" };
}

interface Candidate {
  access: Access;
  /** Where engines say that it failed. */
  at: number;
}

function chosen(code: Code, candidates: Candidate[], { line, column }: Place): Access | string {
  const position = column === null ? -1 : code.source.getPositionOfLineAndCharacter(line - 1, 0) + column - 1;
  const exact = candidates.find(({ at }) => at === position);
  if (exact !== undefined) return { ...exact.access, found: "column" };
  const around = candidates.filter(
    ({ access }) => access.node.getStart() <= position && position <= access.node.getEnd(),
  );
  const possible = around.length > 0 ? around : candidates;
  const keys = new Set(possible.map(({ access }) => keyOf(access.receiver) ?? access.receiver.getText()));
  const [first] = possible;
  if (first === undefined || keys.size !== 1)
    return `line ${line} reads the same name from several values; which one failed is not known`;
  return { ...first.access, found: "line" };
}

function accesses(code: Code, error: NullishError): Candidate[] {
  const found: Candidate[] = [];
  const add = (node: ts.Node, receiver: ts.Expression, form: Access["form"], at: number) => {
    if (canBeNothing(receiver))
      found.push({ access: { node, receiver: unwrapParentheses(receiver), form, found: "line" }, at });
  };
  eachNode(code.source, (node) => {
    if (error.form === "read" || error.form === "set") readers(node, error, add);
    if (error.form === "destructure" || error.form === "read") patterns(node, error, add);
    if (error.form === "iterate") iterators(node, add);
    if (error.form === "convert") conversions(node, add);
    if (error.form === "call" && ts.isCallExpression(node) && sameText(node.expression, error.expression)) {
      add(node, node.expression, "call", calleeStart(node.expression));
    }
  });
  return found;
}

type Add = (node: ts.Node, receiver: ts.Expression, form: Access["form"], at: number) => void;

function readers(node: ts.Node, error: NullishError, add: Add): void {
  if (!ts.isPropertyAccessExpression(node) && !ts.isElementAccessExpression(node)) return;
  const at = ts.isPropertyAccessExpression(node) ? node.name.getStart() : node.argumentExpression.getStart();
  if (error.property === null) {
    if (sameText(node.expression, error.expression)) add(node, node.expression, "access", at);
    return;
  }
  if (ts.isPropertyAccessExpression(node)) {
    if (node.name.text === error.property) add(node, node.expression, "access", at);
    return;
  }
  const index = unwrap(node.argumentExpression);
  const isLiteral = ts.isStringLiteralLike(index) || ts.isNumericLiteral(index);
  if (!isLiteral || index.text === error.property) add(node, node.expression, "access", at);
}

function patterns(node: ts.Node, error: NullishError, add: Add): void {
  if (!ts.isVariableDeclaration(node) || node.initializer === undefined || !ts.isObjectBindingPattern(node.name))
    return;
  const element = node.name.elements.find(
    ({ name, propertyName }) => error.property === null || (propertyName ?? name).getText() === error.property,
  );
  if (element !== undefined) add(node, node.initializer, "destructure", element.getStart());
}

function iterators(node: ts.Node, add: Add): void {
  if (ts.isForOfStatement(node)) add(node, node.expression, "iterate", node.expression.getStart());
  if (ts.isSpreadElement(node)) add(node, node.expression, "iterate", node.expression.getStart());
  if (ts.isVariableDeclaration(node) && ts.isArrayBindingPattern(node.name) && node.initializer !== undefined) {
    add(node, node.initializer, "iterate", node.initializer.getStart());
  }
}

function conversions(node: ts.Node, add: Add): void {
  if (!ts.isCallExpression(node) || !ts.isPropertyAccessExpression(node.expression)) return;
  const [first] = node.arguments;
  const { expression: owner, name } = node.expression;
  if (
    first === undefined ||
    owner.getText() !== "Object" ||
    !/^(keys|values|entries|getOwnPropertyNames)$/.test(name.text)
  )
    return;
  add(node, first, "convert", name.getStart());
}

const globals = new Set(
  "Array Boolean Buffer Date Error JSON Math Number Object Promise Reflect RegExp String Symbol console document exports global globalThis module process window".split(
    " ",
  ),
);

/** Literals, new objects and the engine's own names always are something. */
function canBeNothing(receiver: ts.Expression): boolean {
  const at = unwrap(receiver);
  if (ts.isIdentifier(at)) return !globals.has(at.text) || declarationOf(at.text, at) !== undefined;
  return (
    ts.isPropertyAccessExpression(at) ||
    ts.isElementAccessExpression(at) ||
    ts.isCallExpression(at) ||
    ts.isAwaitExpression(at)
  );
}

function unwrapParentheses(node: ts.Expression): ts.Expression {
  return ts.isParenthesizedExpression(node) && keyOf(node) !== undefined ? unwrap(node) : node;
}

function calleeStart(callee: ts.Expression): number {
  return ts.isPropertyAccessExpression(callee) ? callee.name.getStart() : callee.getStart();
}

function sameText(node: ts.Expression, text: string | null): boolean {
  const plain = (one: string) => one.replace(/\s+|\?(?=\.)|!(?=[.[])/g, "").replaceAll('"', "'");
  return text !== null && plain(node.getText()) === plain(text);
}

function plainName(name: string): string {
  return (
    name
      .replace(/ \[as .*\]$/, "")
      .split(".")
      .at(-1) ?? ""
  );
}
