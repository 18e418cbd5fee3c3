import { ts } from "ts-morph";
import { someNode, unwrap } from "../code/syntax.ts";
import { leaves, nothingOf } from "./presence.ts";
import { no, plainly, probably, type Use } from "./use.ts";

/** A test that is false for nothing. It must not be one whose success ends the work: then a check would be skipped. */
export function asTest(node: ts.Expression): Use {
  let top: ts.Node = node;
  while (ts.isParenthesizedExpression(top.parent) || isLogical(top.parent)) top = top.parent;
  const { parent } = top;
  if (!ts.isIfStatement(parent) || parent.expression !== top) {
    const isPlain = !someNode(
      top,
      (at) =>
        at.kind === ts.SyntaxKind.ExclamationEqualsEqualsToken || at.kind === ts.SyntaxKind.ExclamationEqualsToken,
    );
    return isPlain ? plainly("is only tested") : probably("is only tested");
  }
  const outcome = truth(parent.expression, node);
  if (leaves(parent.thenStatement) && outcome !== true) return no("decides whether the work goes on");
  return plainly(
    outcome === true && leaves(parent.thenStatement) ? "then takes the exit that is there already" : "is only tested",
  );
}

function isLogical(node: ts.Node): boolean {
  if (ts.isPrefixUnaryExpression(node)) return node.operator === ts.SyntaxKind.ExclamationToken;
  if (!ts.isBinaryExpression(node)) return false;
  const { kind } = node.operatorToken;
  return kind === ts.SyntaxKind.AmpersandAmpersandToken || kind === ts.SyntaxKind.BarBarToken;
}

/** What the whole test comes to when the part `missing` is decided by an `undefined`; `undefined` when other things decide. */
function truth(test: ts.Expression, missing: ts.Node): boolean | undefined {
  const at = unwrap(test);
  if (ts.isBinaryExpression(at)) {
    const { kind } = at.operatorToken;
    if (isLogical(at)) {
      const sides = [truth(at.left, missing), truth(at.right, missing)];
      const decisive = kind === ts.SyntaxKind.BarBarToken;
      if (sides.includes(decisive)) return decisive;
      return sides.includes(undefined) ? undefined : !decisive;
    }
    const holds = at === missing || at.left === missing || at.right === missing;
    if (!holds) return undefined;
    const isUnequal =
      kind === ts.SyntaxKind.ExclamationEqualsEqualsToken || kind === ts.SyntaxKind.ExclamationEqualsToken;
    const comparesNothing = nothingOf(at.left) !== undefined || nothingOf(at.right) !== undefined;
    return isUnequal !== comparesNothing;
  }
  if (ts.isPrefixUnaryExpression(at)) {
    if (at === missing) return true;
    const inner = truth(at.operand, missing);
    return inner === undefined ? undefined : !inner;
  }
  return at === unwrapNode(missing) ? false : undefined;
}

function unwrapNode(node: ts.Node): ts.Node {
  return ts.isExpression(node) ? unwrap(node) : node;
}

/** Whether a value only decides which way is taken. */
export function isTest(node: ts.Expression): boolean {
  let at: ts.Node = node;
  while (ts.isParenthesizedExpression(at.parent) || isLogical(at.parent)) at = at.parent;
  const { parent } = at;
  if (ts.isIfStatement(parent) || ts.isWhileStatement(parent) || ts.isDoStatement(parent))
    return parent.expression === at;
  return (ts.isConditionalExpression(parent) || ts.isForStatement(parent)) && parent.condition === at;
}
