import { ts } from "ts-morph";
import { someNode, textOf } from "./added-lines.ts";
import type { Mark } from "./marks.ts";

/** What shows only after the watch is over, now and then, or never ends: no test and no watch would see it. */

/** Longer than one look of the watch in production (spec.md §8). */
const delayMsMax = 5 * 60_000;
const clocks = /^(Date\.now\(\)|new Date\(\)|performance\.now\(\)|process\.(uptime|hrtime|hrtime\.bigint)\(\))$/;
const comparisons = new Set([
  ts.SyntaxKind.LessThanToken,
  ts.SyntaxKind.LessThanEqualsToken,
  ts.SyntaxKind.GreaterThanToken,
  ts.SyntaxKind.GreaterThanEqualsToken,
  ts.SyntaxKind.EqualsEqualsToken,
  ts.SyntaxKind.EqualsEqualsEqualsToken,
  ts.SyntaxKind.ExclamationEqualsToken,
  ts.SyntaxKind.ExclamationEqualsEqualsToken,
]);

export function timeMarks(node: ts.Node): Mark[] {
  return [delayMark(node), momentMark(node), endlessMark(node)].filter((mark) => mark !== undefined);
}

function delayMark(node: ts.Node): Mark | undefined {
  if (!ts.isCallExpression(node) || !/^(globalThis\.|window\.)?set(Timeout|Interval)$/.test(textOf(node.expression)))
    return undefined;
  const delayMs = numberOf(node.arguments[1]);
  if (delayMs === undefined || delayMs < delayMsMax) return undefined;
  return { kind: "process", note: `acts ${Math.round(delayMs / 60_000)} minutes later`, what: textOf(node) };
}

/** A moment that is written down, or chance, decides: what was tested is not what will run. */
function momentMark(node: ts.Node): Mark | undefined {
  if (!ts.isBinaryExpression(node) || !comparisons.has(node.operatorToken.kind)) return undefined;
  const sides: [ts.Expression, ts.Expression][] = [
    [node.left, node.right],
    [node.right, node.left],
  ];
  for (const [asked, given] of sides) {
    if (!isFixed(given)) continue;
    const what = textOf(node);
    if (asksClock(asked)) return { kind: "process", note: "behaves differently from a moment on", what };
    if (/Math\.random\(\)/.test(textOf(asked))) return { kind: "process", note: "behaves differently by chance", what };
  }
  return undefined;
}

/** Whether nothing but a clock decides the value: the time since something else is another matter. */
function asksClock(node: ts.Expression): boolean {
  let asks = false;
  let isElse = false;
  const open: ts.Node[] = [node];
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    if (clocks.test(textOf(at))) asks = true;
    else if (ts.isIdentifier(at) && !/^get\w+$/.test(at.text)) isElse = true;
    else at.forEachChild((child) => void open.push(child));
  }
  return asks && !isElse;
}

/** Numbers, texts, and dates made of them. */
function isFixed(node: ts.Expression): boolean {
  if (ts.isStringLiteralLike(node)) return true;
  if (numberOf(node) !== undefined) return true;
  const makes =
    (ts.isNewExpression(node) && textOf(node.expression) === "Date") ||
    (ts.isCallExpression(node) && /^Date\.(parse|UTC)$/.test(textOf(node.expression)));
  const given = makes ? (node.arguments ?? []) : [];
  if (given.length > 0) return given.every(isFixed);
  return ts.isPropertyAccessExpression(node) || ts.isCallExpression(node) ? isFixedInside(node) : false;
}

/** `new Date("2027-01-01").getTime()` is as fixed as its text. */
function isFixedInside(node: ts.PropertyAccessExpression | ts.CallExpression): boolean {
  const inner = ts.isCallExpression(node) ? node.expression : node;
  return ts.isPropertyAccessExpression(inner) && !ts.isIdentifier(inner.expression) && isFixed(inner.expression);
}

/** The value of a number or a product of numbers. */
function numberOf(node: ts.Expression | undefined): number | undefined {
  if (node === undefined) return undefined;
  if (ts.isNumericLiteral(node)) return Number(node.text);
  if (ts.isParenthesizedExpression(node)) return numberOf(node.expression);
  if (!ts.isBinaryExpression(node) || node.operatorToken.kind !== ts.SyntaxKind.AsteriskToken) return undefined;
  const [left, right] = [numberOf(node.left), numberOf(node.right)];
  return left === undefined || right === undefined ? undefined : left * right;
}

function endlessMark(node: ts.Node): Mark | undefined {
  const isEndless =
    (ts.isWhileStatement(node) && /^(true|1|!0)$/.test(textOf(node.expression))) ||
    (ts.isDoStatement(node) && /^(true|1|!0)$/.test(textOf(node.expression))) ||
    (ts.isForStatement(node) && node.condition === undefined);
  if (!isEndless) return undefined;
  const leaves = (part: ts.Node) =>
    ts.isBreakStatement(part) || ts.isReturnStatement(part) || ts.isThrowStatement(part);
  if (someNode(node.statement, leaves)) return undefined;
  return { kind: "process", note: "loops without end", what: textOf(node) };
}
