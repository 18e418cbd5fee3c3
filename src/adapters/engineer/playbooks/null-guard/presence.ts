import { ts } from "ts-morph";
import { declarationOf, eachNode, isFunction, keyOf, someNode, statementsOf, unwrap } from "../code/syntax.ts";
import type { NullishError } from "./error-text.ts";

type Missing = NullishError["value"];

/** Whether control only gets to `node` when `key` is something: a test around it or before it says so. */
export function isGuarded(node: ts.Node, key: string, missing: Missing): boolean {
  for (let child = node, parent = node.parent; parent !== undefined; child = parent, parent = parent.parent) {
    if (isInProvenBranch(child, parent, key, missing)) return true;
    const statements = statementsOf(parent);
    if (statements !== undefined) {
      const before = statements.filter((statement) => statement.getEnd() <= child.getStart()).reverse();
      for (const statement of before) {
        const says = whatItSays(statement, key, missing);
        if (says !== undefined) return says;
      }
    }
    // What a function sees later is what its surroundings saw before only for names that nobody assigns again.
    if (isFunction(parent) && !isLasting(key, parent)) return false;
  }
  return false;
}

function isInProvenBranch(child: ts.Node, parent: ts.Node, key: string, missing: Missing): boolean {
  if (ts.isBinaryExpression(parent) && child === parent.right) {
    const kind = parent.operatorToken.kind;
    if (kind === ts.SyntaxKind.AmpersandAmpersandToken) return proves(parent.left, true, key, missing);
    if (kind === ts.SyntaxKind.BarBarToken) return proves(parent.left, false, key, missing);
  }
  if (ts.isConditionalExpression(parent)) {
    if (child === parent.whenTrue) return proves(parent.condition, true, key, missing);
    if (child === parent.whenFalse) return proves(parent.condition, false, key, missing);
  }
  if (ts.isIfStatement(parent) && child !== parent.expression) {
    return proves(parent.expression, child === parent.thenStatement, key, missing);
  }
  if (ts.isWhileStatement(parent) && child === parent.statement) return proves(parent.expression, true, key, missing);
  return false;
}

/** `true`: after this statement `key` is something; `false`: it may be nothing again; `undefined`: it says nothing about it. */
function whatItSays(statement: ts.Statement, key: string, missing: Missing): boolean | undefined {
  if (ts.isIfStatement(statement) && statement.elseStatement === undefined && leaves(statement.thenStatement)) {
    if (proves(statement.expression, false, key, missing)) return true;
  }
  if (ts.isExpressionStatement(statement)) {
    const at = unwrap(statement.expression);
    const [first] = ts.isCallExpression(at) ? at.arguments : [];
    const asserts = ts.isCallExpression(at) && /(^|\.)(assert(\.ok)?|invariant|ok)$/.test(at.expression.getText());
    if (asserts && first !== undefined && proves(first, true, key, missing)) return true;
    if (ts.isBinaryExpression(at) && keyOf(at.left) === key) return isAssignedSomething(at);
  }
  const stem = key.split(/[.[]/, 1)[0] ?? key;
  const isDeclared = ts.isVariableStatement(statement) && mentionsName(statement.declarationList, stem);
  if (isDeclared || assigns(statement, key, stem)) return false;
  // Others get their turn while this one waits, and may take a property away.
  return key !== stem && someNode(statement, ts.isAwaitExpression) ? false : undefined;
}

function isAssignedSomething({ operatorToken, right }: ts.BinaryExpression): boolean {
  const value = unwrap(right);
  const isLiteral =
    ts.isObjectLiteralExpression(value) ||
    ts.isArrayLiteralExpression(value) ||
    ts.isNewExpression(value) ||
    ts.isStringLiteralLike(value);
  if (isLiteral) return true;
  if (operatorToken.kind !== ts.SyntaxKind.EqualsToken || !ts.isBinaryExpression(value)) return false;
  const orElse = value.operatorToken.kind;
  const other = unwrap(value.right);
  return (
    (orElse === ts.SyntaxKind.BarBarToken || orElse === ts.SyntaxKind.QuestionQuestionToken) &&
    (ts.isObjectLiteralExpression(other) || ts.isArrayLiteralExpression(other) || ts.isStringLiteralLike(other))
  );
}

function mentionsName(list: ts.VariableDeclarationList, name: string): boolean {
  return list.declarations.some((declaration) =>
    someNode(declaration.name, (node) => ts.isIdentifier(node) && node.text === name),
  );
}

/** Whether a new value may get into `key` or into something it hangs on. */
export function assigns(root: ts.Node, key: string, stem: string): boolean {
  return someNode(root, (node) => {
    if (!ts.isBinaryExpression(node)) return false;
    const { kind } = node.operatorToken;
    if (kind < ts.SyntaxKind.FirstAssignment || kind > ts.SyntaxKind.LastAssignment) return false;
    const target = keyOf(node.left);
    return target !== undefined && (target === key || target === stem || key.startsWith(`${target}.`));
  });
}

/** Whether a name holds the same value for good: a constant, or a parameter or variable that is never assigned. */
function isLasting(key: string, fn: ts.Node): boolean {
  if (/[.["]/.test(key)) return false;
  const binding = declarationOf(key, fn);
  if (binding === undefined || binding.kind === "other") return binding?.kind === "other";
  if (binding.kind === "variable" && binding.node.parent.flags & ts.NodeFlags.Const) return true;
  return !assigns(fn.getSourceFile(), key, key);
}

/** Whether a statement never lets control past its end. */
export function leaves(statement: ts.Statement): boolean {
  if (ts.isBlock(statement)) {
    const last = statement.statements.at(-1);
    return last !== undefined && leaves(last);
  }
  if (ts.isIfStatement(statement)) {
    return statement.elseStatement !== undefined && leaves(statement.thenStatement) && leaves(statement.elseStatement);
  }
  if (ts.isExpressionStatement(statement) && ts.isCallExpression(statement.expression)) {
    return /^(notFound|redirect|permanentRedirect|unauthorized|forbidden|process\.exit|error|fail)$/.test(
      statement.expression.expression.getText(),
    );
  }
  return (
    ts.isReturnStatement(statement) ||
    ts.isThrowStatement(statement) ||
    ts.isContinueStatement(statement) ||
    ts.isBreakStatement(statement)
  );
}

/** Whether `test` turning out as `outcome` means that `key` is not `missing`. */
export function proves(test: ts.Expression, outcome: boolean, key: string, missing: Missing): boolean {
  const node = unwrap(test);
  if (ts.isPrefixUnaryExpression(node) && node.operator === ts.SyntaxKind.ExclamationToken) {
    return proves(node.operand, !outcome, key, missing);
  }
  if (ts.isBinaryExpression(node)) return provenByPair(node, outcome, key, missing);
  if (!outcome) return false;
  if (ts.isCallExpression(node)) {
    const [first] = node.arguments;
    const says = /^(Array\.isArray|Boolean|Buffer\.isBuffer|is[A-Z]\w*|\w+\.is[A-Z]\w*)$/.test(
      node.expression.getText(),
    );
    if (says && first !== undefined && keyOf(first) === key) return true;
  }
  return readsThrough(node, key);
}

function provenByPair(node: ts.BinaryExpression, outcome: boolean, key: string, missing: Missing): boolean {
  const { left, right, operatorToken } = node;
  const kind = operatorToken.kind;
  const both = (wanted: boolean) => [left, right].map((side) => proves(side, wanted, key, missing));
  if (kind === ts.SyntaxKind.AmpersandAmpersandToken) {
    return outcome ? both(true).includes(true) : !both(false).includes(false);
  }
  if (kind === ts.SyntaxKind.BarBarToken) return outcome ? !both(true).includes(false) : both(false).includes(true);
  if (kind === ts.SyntaxKind.InstanceOfKeyword) return outcome && keyOf(left) === key;
  if (kind === ts.SyntaxKind.InKeyword) return keyOf(right) === key;
  const isEqual = kind === ts.SyntaxKind.EqualsEqualsEqualsToken || kind === ts.SyntaxKind.EqualsEqualsToken;
  const isUnequal =
    kind === ts.SyntaxKind.ExclamationEqualsEqualsToken || kind === ts.SyntaxKind.ExclamationEqualsToken;
  if (!isEqual && !isUnequal)
    return outcome && isRelation(kind) && (readsThrough(left, key) || readsThrough(right, key));
  const same = outcome === isEqual;
  const isLoose = kind === ts.SyntaxKind.EqualsEqualsToken || kind === ts.SyntaxKind.ExclamationEqualsToken;
  return (
    provenByEquality(left, right, { same, isLoose, key, missing }) ||
    provenByEquality(right, left, { same, isLoose, key, missing })
  );
}

function provenByEquality(
  side: ts.Expression,
  other: ts.Expression,
  { same, isLoose, key, missing }: { same: boolean; isLoose: boolean; key: string; missing: Missing },
): boolean {
  const nothing = nothingOf(other);
  if (keyOf(side) === key && nothing !== undefined) return !same && (isLoose || nothing === missing);
  const at = unwrap(side);
  if (ts.isTypeOfExpression(at) && keyOf(at.expression) === key) {
    const type = ts.isStringLiteralLike(other) ? other.text : "";
    if (type === "undefined") return !same && missing === "undefined";
    return same && type !== "" && (type !== "object" || missing === "undefined");
  }
  if (nothing !== undefined) return !same && readsThrough(side, key) && (isLoose || nothing === "undefined");
  return same && isLiteral(other) && readsThrough(side, key);
}

/** `null`, `undefined` or `void 0` as written. */
export function nothingOf(node: ts.Expression): "undefined" | "null" | undefined {
  const at = unwrap(node);
  if (at.kind === ts.SyntaxKind.NullKeyword) return "null";
  return (ts.isIdentifier(at) && at.text === "undefined") || ts.isVoidExpression(at) ? "undefined" : undefined;
}

function isLiteral(node: ts.Expression): boolean {
  const at = unwrap(node);
  return ts.isStringLiteralLike(at) || ts.isNumericLiteral(at) || at.kind === ts.SyntaxKind.TrueKeyword;
}

function isRelation(kind: ts.SyntaxKind): boolean {
  return kind >= ts.SyntaxKind.LessThanToken && kind <= ts.SyntaxKind.GreaterThanEqualsToken;
}

/** Whether the value of `node` comes out of `key`, so that it cannot be had without it. */
function readsThrough(node: ts.Expression, key: string): boolean {
  for (let at = unwrap(node); ; ) {
    if (keyOf(at) === key) return true;
    if (!ts.isPropertyAccessExpression(at) && !ts.isElementAccessExpression(at) && !ts.isCallExpression(at))
      return false;
    at = unwrap(at.expression);
  }
}

/** Accesses to `key` below `root` that would fail if it were nothing, in the order of the text. */
export function bareReads(root: ts.Node, key: string, missing: Missing): ts.Node[] {
  const found: ts.Node[] = [];
  eachNode(root, (node) => {
    const isAccess = ts.isPropertyAccessExpression(node) || ts.isElementAccessExpression(node);
    if (!isAccess || node.questionDotToken !== undefined || keyOf(node.expression) !== key) return;
    if (!isGuarded(node, key, missing)) found.push(node);
  });
  return found;
}
