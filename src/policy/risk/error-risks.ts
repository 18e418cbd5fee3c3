import { ts } from "ts-morph";
import type { Risk } from "#domain/fix.ts";
import { eachNode, isTestFile, linesSpanned, type ReviewedFile, someNode, textOf } from "./added-lines.ts";

const tells = /error|warn|fatal|report|capture|notify|reject|fail|next|abort|track|setError|rethrow/i;
const silences = /@ts-(ignore|nocheck|expect-error)|eslint-disable|biome-ignore|(istanbul|c8|v8) ignore/;

/** Errors that would be hidden instead of cured: the fix has to remove the cause (spec.md §18.1). */
export function errorRisks(file: ReviewedFile): Risk[] {
  const { path, syntax, added } = file;
  const risks: Risk[] = [];
  for (const { line, text } of added) {
    if (silences.test(text)) risks.push({ kind: "swallowed_error", path, line, note: "silences a checker" });
  }
  if (syntax.after === undefined || isTestFile(path)) return risks;
  const after = syntax.after;
  const addedLines = new Set(added.map(({ line }) => line));
  eachNode(after, (node) => {
    const note = swallows(node);
    if (note === undefined) return;
    const { first, last } = linesSpanned(node, after);
    let line: number | undefined;
    for (let at = first; at <= last && line === undefined; at++) if (addedLines.has(at)) line = at;
    if (line !== undefined) risks.push({ kind: "swallowed_error", path, line, note });
  });
  return risks;
}

function swallows(node: ts.Node): string | undefined {
  if (ts.isTryStatement(node) && node.finallyBlock !== undefined && someNode(node.finallyBlock, ts.isReturnStatement))
    return "returns from finally, whatever was thrown";
  if (ts.isExpressionStatement(node) && /^(await\s+)?Promise\.allSettled\s*\(/.test(textOf(node)))
    return "waits for promises and does not look whether they failed";
  if (ts.isCatchClause(node)) {
    const variable = node.variableDeclaration?.name;
    return handles(node.block, variable && textOf(variable)) ? undefined : "catches an error and goes on silently";
  }
  if (!ts.isCallExpression(node) || !ts.isPropertyAccessExpression(node.expression)) return undefined;
  const { name, expression: owner } = node.expression;
  const [first, second] = node.arguments;
  const handler = name.text === "catch" ? first : name.text === "then" ? second : undefined;
  if (handler !== undefined && (ts.isArrowFunction(handler) || ts.isFunctionExpression(handler))) {
    const variable = handler.parameters[0]?.name;
    return handles(handler.body, variable && textOf(variable)) ? undefined : "catches a rejection and goes on silently";
  }
  if (handler !== undefined && /^(noop|_\.noop|Boolean|String)$/.test(textOf(handler)))
    return "catches a rejection and goes on silently";
  const global =
    textOf(owner) === "process" &&
    name.text === "on" &&
    /uncaughtException|unhandledRejection/.test(first === undefined ? "" : textOf(first));
  return global ? "catches every uncaught error of the process" : undefined;
}

/**
 * An error is handled when it is thrown on, told to someone who acts on it, or answered with a status that says so. A line
 * in a log is not enough: the error would vanish from detection, and the watch would call the claim held.
 */
function handles(body: ts.Node, variable: string | undefined): boolean {
  const isHandled = (node: ts.Node): boolean => {
    if (ts.isThrowStatement(node)) return true;
    if (ts.isNumericLiteral(node)) return /^[45]\d\d$/.test(node.text);
    if (ts.isReturnStatement(node))
      return variable !== undefined && node.expression !== undefined && mentions(node.expression, variable);
    if (!ts.isCallExpression(node)) return false;
    const called = textOf(node.expression);
    if (/^(notFound|badRequest|unauthorized|forbidden)$/.test(called)) return true;
    const passesOn = variable === undefined || node.arguments.some((argument) => mentions(argument, variable));
    return passesOn && tells.test(called) && !/^(console|log|logger)\b/.test(called);
  };
  return someNode(body, isHandled);
}

function mentions(root: ts.Node, variable: string): boolean {
  return someNode(root, (node) => ts.isIdentifier(node) && node.text === variable);
}
