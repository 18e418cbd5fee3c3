import { posix } from "node:path";
import { ts } from "ts-morph";
import type { Snapshot } from "#ports/repository.ts";
import { type Code, eachNode, functionAround, keyOf, statementAround, unwrap } from "../code/syntax.ts";
import type { TextEdit } from "../code/text.ts";
import { chainAround, fateOf } from "./consumers.ts";
import { touchesAccess } from "./fault.ts";
import { type Draft, placeDoubt, type Surroundings } from "./plan.ts";
import { bareReads, nothingOf } from "./presence.ts";
import type { Use } from "./use.ts";

/** Further reads of the same value that may be made optional along with the one that failed. */
const readsMax = 4;

/** Optional chaining where the value may be missing: only when everything that gets the result can do without it. */
export function optionalChain(surroundings: Surroundings): Draft | undefined {
  const { fault } = surroundings;
  const { access, key, code, error } = fault;
  if (access.form !== "access" && access.form !== "call") return undefined;
  const scope = functionAround(access.node)?.body ?? code.source;
  const missing = error.value === "nullish" ? "undefined" : error.value;
  const later = key === undefined || access.form === "call" ? [] : bareReads(scope, key, missing);
  const reads = [
    access.node,
    ...later.filter((node) => node !== access.node && node.getStart() >= access.node.getStart()),
  ];
  const together = reads.filter((node) => !isProvenBy(node, access.node));
  if (together.length > readsMax) return undefined;
  const uses = together.map((node) => use(node, surroundings));
  const refusal = uses.find(({ accepts }) => !accepts);
  const [first] = uses;
  if (refusal !== undefined || first === undefined) return undefined;
  const edits = together.map((node) => (surroundings.hasOptionalChaining ? optionalEdit(node) : classicEdit(node)));
  if (edits.some((edit) => edit === undefined)) return undefined;
  const isSure = uses.every(({ sure }) => sure);
  // Several parts of one missing thing: then the thing is missed, not a part.
  if (!isSure && together.length > 1) return undefined;
  const takesExit = first.because.includes("takes the exit");
  return {
    edits: edits.flatMap((edit) => (edit === undefined ? [] : [edit])),
    strategy: `read \`${fault.shown}\` only when it is there: the result ${first.because}`,
    subject: `Do not fail when ${fault.shown} is missing`,
    confidence: (takesExit ? 90 : isSure ? 86 : 72) - placeDoubt(fault),
    personBecause: touchesAccess(fault) ? "the surroundings decide who gets in" : null,
  };
}

function use(node: ts.Node, { fault }: Surroundings): Use {
  if (!ts.isPropertyAccessExpression(node) && !ts.isElementAccessExpression(node) && !ts.isCallExpression(node)) {
    return { accepts: false, sure: true, because: "is no read" };
  }
  const result = fateOf(chainAround(node), fault.open);
  const mention = result.accepts && fault.key !== undefined ? mentionElsewhere(node, fault.key) : undefined;
  if (mention === undefined) return result;
  return {
    accepts: mention !== "argument",
    sure: false,
    because: `${result.because}, though the other way uses it too`,
  };
}

/** The way that is taken without the value may hand the missing value on all the same. */
function mentionElsewhere(node: ts.Node, key: string): "argument" | "text" | undefined {
  let choice = node.parent;
  while (!ts.isConditionalExpression(choice) && !ts.isStatement(choice)) choice = choice.parent;
  if (!ts.isConditionalExpression(choice) || choice.condition.getEnd() < node.getEnd()) return undefined;
  let found: "argument" | "text" | undefined;
  eachNode(choice.whenFalse, (inner) => {
    if (!ts.isExpression(inner) || keyOf(inner) !== key) return;
    const isArgument = ts.isCallExpression(inner.parent) || ts.isNewExpression(inner.parent);
    if (found !== "argument") found = isArgument ? "argument" : "text";
  });
  return found;
}

/** With the first read optional, a later one in the same test's success is proven. Left to the final check. */
function isProvenBy(node: ts.Node, first: ts.Node): boolean {
  if (node === first) return false;
  const statement = statementAround(first);
  return statement !== undefined && ts.isIfStatement(statement) && node.getStart() > statement.thenStatement.getStart();
}

/** The read as one that gives nothing when there is nothing to read from. */
export function optionalEdit(node: ts.Node): TextEdit | undefined {
  if (ts.isPropertyAccessExpression(node)) {
    const dot = node.getChildren().find(({ kind }) => kind === ts.SyntaxKind.DotToken);
    return dot === undefined ? undefined : { start: dot.getStart(), end: dot.getEnd(), text: "?." };
  }
  if (ts.isElementAccessExpression(node)) {
    const open = node.getChildren().find(({ kind }) => kind === ts.SyntaxKind.OpenBracketToken);
    return open === undefined ? undefined : { start: open.getStart(), end: open.getStart(), text: "?." };
  }
  if (!ts.isCallExpression(node)) return undefined;
  const open = node.getChildren().find(({ kind }) => kind === ts.SyntaxKind.OpenParenToken);
  return open === undefined ? undefined : { start: open.getStart(), end: open.getStart(), text: "?." };
}

/** The same for code that must run where `?.` is not known yet. */
function classicEdit(node: ts.Node): TextEdit | undefined {
  if (!ts.isPropertyAccessExpression(node) && !ts.isElementAccessExpression(node)) return undefined;
  const receiver = node.expression;
  if (keyOf(receiver) === undefined) return undefined;
  const chain = chainAround(node);
  const { parent } = chain;
  const shown = receiver.getText();
  const at = chain.getStart();
  if (ts.isExpressionStatement(parent)) return { start: at, end: at, text: `if (${shown}) ` };
  if (ts.isBinaryExpression(parent) && /^[!=]==?$/.test(parent.operatorToken.getText()) && parent.left === chain) {
    if (nothingOf(parent.right) !== undefined || unwrap(parent.right) !== parent.right) return undefined;
    const isUnequal = parent.operatorToken.getText().startsWith("!");
    const { parent: around } = parent;
    // `!a || a.b !== c` and `a && a.b === c` bind as they should only next to operators of their own kind.
    const fits = ts.isIfStatement(around) || ts.isParenthesizedExpression(around) || ts.isReturnStatement(around);
    return fits ? { start: at, end: at, text: isUnequal ? `!${shown} || ` : `${shown} && ` } : undefined;
  }
  const isWhole =
    ts.isVariableDeclaration(parent) ||
    ts.isPropertyAssignment(parent) ||
    ts.isReturnStatement(parent) ||
    ts.isCallExpression(parent) ||
    ts.isArrowFunction(parent);
  if (!isWhole) return undefined;
  return { start: at, end: chain.getEnd(), text: `${shown} ? ${chain.getText()} : undefined` };
}

const modernNode = 14;
const hitsMax = 40;

/** Whether this code may be written with `?.`: it is compiled, it does so already, or it runs on engines that know it. */
export async function knowsOptionalChaining(code: Code, snapshot: Snapshot): Promise<boolean> {
  if (/\.[cm]?tsx?$|\.jsx$|\.mjs$/i.test(code.path)) return true;
  if (/\?\.[A-Za-z_$[(]|\?\? /.test(code.text)) return true;
  const root = posix.dirname(code.path).split("/")[0] ?? "";
  const used = (await snapshot.search("?.", hitsMax)).some(
    ({ path, text }) =>
      /\.[cm]?jsx?$/i.test(path) && path.startsWith(root === "." ? "" : `${root}/`) && /\w\?\.[A-Za-z_$[(]/.test(text),
  );
  if (used) return true;
  const engines = /"node"\s*:\s*"[^"\d]{0,5}(\d{1,3})/.exec((await snapshot.read("package.json")) ?? "")?.[1];
  if (engines !== undefined) return Number(engines) >= modernNode;
  return /\b(?:const|let|import|export|class|async)\b|=>/.test(code.text);
}
