import { ts } from "ts-morph";
import { eachNode, functionAround, keyOf, parse } from "../code/syntax.ts";
import { applyEdits, type TextEdit } from "../code/text.ts";
import type { Exit } from "./exits.ts";
import type { Fault } from "./fault.ts";
import { bareReads } from "./presence.ts";

/** One way to repair a fault: the file's text afterwards, and why it may be done like this. */
export interface Plan {
  text: string;
  /** What is done, in words. */
  strategy: string;
  /** The commit's subject. */
  subject: string;
  confidence: number;
  personBecause: string | null;
}

/** What plans are made from: the fault, the early ends of its file and those of the files nearby. */
export interface Surroundings {
  fault: Fault;
  own: Exit[];
  nearby: Exit[];
  /** The code may be written with `?.`. */
  hasOptionalChaining: boolean;
}

export type Draft = Omit<Plan, "text"> & { edits: TextEdit[] };

/** The plan, when its text parses, raises no new error of type and does not only move the crash to a later line. */
export function checked(draft: Draft, { fault }: Surroundings): Plan | undefined {
  const { edits, ...rest } = draft;
  const { code, open, key, error, access } = fault;
  const text = applyEdits(code.text, edits);
  const after = parse(code.path, text);
  if (text === code.text || after === undefined) return undefined;
  if (key !== undefined && error.form !== "iterate" && error.form !== "convert") {
    const grown = edits
      .filter(({ start }) => start <= access.node.getStart())
      .reduce((sum, edit) => sum + edit.text.length - (edit.end - edit.start), 0);
    const scope = scopeAt(after.source, access.node.getStart() + grown);
    const missing = error.value === "nullish" ? "undefined" : error.value;
    const left = bareReads(scope, key, missing).filter(
      (node) => node.getStart() >= Math.min(...edits.map(({ start }) => start)),
    );
    if (left.length > 0) return undefined;
  }
  return open.newErrors(text).length > 0 ? undefined : { ...rest, text };
}

/** The outermost function around a position: a value that is missing in one of its closures is missing there too. */
function scopeAt(source: ts.SourceFile, position: number): ts.Node {
  let innermost: ts.Node = source;
  eachNode(source, (node) => {
    if (node.getStart(source) > position || node.getEnd() < position) return false;
    innermost = node;
    return undefined;
  });
  return functionAround(innermost)?.body ?? source;
}

/** By how much a repair is less sure because its place is. */
export function placeDoubt({ access }: Fault): number {
  return { column: 0, line: 6, nearby: 20 }[access.found];
}

/** Whether the code around tests the value for being there: then being missing is nothing wrong on other ways. */
export function isTestedElsewhere(root: ts.Node, key: string, except: ts.Node): boolean {
  let found = false;
  eachNode(root, (node) => {
    if (node === except || found) return false;
    const { parent } = node;
    if (!ts.isIdentifier(node) && !ts.isPropertyAccessExpression(node) && !ts.isElementAccessExpression(node))
      return undefined;
    if (keyOf(node) !== key || parent === undefined) return undefined;
    found ||=
      (ts.isPrefixUnaryExpression(parent) && parent.operator === ts.SyntaxKind.ExclamationToken) ||
      (ts.isPropertyAccessExpression(parent) && parent.expression === node && parent.questionDotToken !== undefined) ||
      (ts.isConditionalExpression(parent) && parent.condition === node) ||
      (ts.isIfStatement(parent) && parent.expression === node) ||
      (ts.isBinaryExpression(parent) && isNullComparison(parent, node));
    return undefined;
  });
  return found;
}

function isNullComparison({ left, right, operatorToken }: ts.BinaryExpression, node: ts.Node): boolean {
  const { kind } = operatorToken;
  if (
    kind === ts.SyntaxKind.QuestionQuestionToken ||
    kind === ts.SyntaxKind.BarBarToken ||
    kind === ts.SyntaxKind.AmpersandAmpersandToken
  ) {
    return left === node;
  }
  const other = left === node ? right : left;
  return /^(null|undefined)$/.test(other.getText()) && /[!=]=/.test(operatorToken.getText());
}
