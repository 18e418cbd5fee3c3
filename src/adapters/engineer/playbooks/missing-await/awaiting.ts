import { posix } from "node:path";
import { ts } from "ts-morph";
import type { Snapshot } from "#ports/repository.ts";
import { identifiers } from "../code/names.ts";
import type { OpenFile } from "../code/project.ts";
import { declarationOf, type FunctionNode, functionAround, someNode, unwrap } from "../code/syntax.ts";
import type { TextEdit } from "../code/text.ts";

/** How the wait is put in: the edits, and how much less sure they make the repair. */
export interface Waiting {
  edits: TextEdit[];
  /** What is awaited, as the code writes it. */
  shown: string;
  at: ts.Node;
  doubt: number;
}

const routeFile = /(?:^|\/)app\/(?:.*\/)?route\.[cm]?[jt]s$/;
const pageFile = /(?:^|\/)app\/(?:.*\/)?(?:page|layout|template|default)\.[cm]?[jt]sx?$/;
const methods = /^(?:GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS|generateMetadata|generateStaticParams)$/;
const registering = /\.(?:get|post|put|patch|delete|all|use|on|once|addEventListener|head|options|route)$/;

/** Puts an `await` in front of what gives the promise; a sentence when that cannot be done without changing more. */
export async function waitFor(node: ts.Expression, open: OpenFile, snapshot: Snapshot): Promise<Waiting | string> {
  const at = unwrap(node);
  if (ts.isElementAccessExpression(at)) return waitForAll(at, open, snapshot);
  if (!ts.isIdentifier(at)) return placed(at, open, snapshot);
  const binding = declarationOf(at.text, at);
  if (binding?.kind === "parameter")
    return `\`${at.text}\` is handed in as a promise: the fault lies with whoever passes it`;
  if (binding?.kind !== "variable" || binding.element !== undefined || binding.node.initializer === undefined)
    return `where \`${at.text}\` got its promise is not plain`;
  const isConstant = (ts.getCombinedNodeFlags(binding.node) & ts.NodeFlags.Const) !== 0;
  if (!isConstant && isReassigned(at, binding.node, open)) return `\`${at.text}\` gets several values`;
  if (isKeptAsPromise(at, binding.node, open)) return placed(at, open, snapshot);
  return placed(unwrap(binding.node.initializer), open, snapshot);
}

/** It may hold something else by the time it is used. */
function isReassigned(failing: ts.Identifier, declared: ts.VariableDeclaration, { code }: OpenFile): boolean {
  const isSameFlow = functionAround(declared) === functionAround(failing) && !isInLoop(failing, declared);
  return identifiers(code.source, failing.text).some(
    ({ parent, pos }) =>
      ts.isBinaryExpression(parent) &&
      parent.operatorToken.kind === ts.SyntaxKind.EqualsToken &&
      parent.left.getText() === failing.text &&
      (!isSameFlow || (pos > declared.pos && parent.end < failing.pos)),
  );
}

/** The use may come around again, after a later assignment. */
function isInLoop(node: ts.Node, declared: ts.Node): boolean {
  for (let at = node.parent; at !== undefined; at = at.parent) {
    if (ts.isIterationStatement(at, false)) return !(at.pos <= declared.pos && declared.end <= at.end);
  }
  return false;
}

/** Other uses wait for it themselves, or hand it on as a promise. */
function isKeptAsPromise(failing: ts.Identifier, declared: ts.VariableDeclaration, open: OpenFile): boolean {
  const symbol = open.checker.getSymbolAtLocation(failing);
  return identifiers(open.code.source, failing.text).some((node) => {
    if (node === failing || node === declared.name || open.checker.getSymbolAtLocation(node) !== symbol) return false;
    const { parent } = node;
    if (ts.isAwaitExpression(parent) || ts.isArrayLiteralExpression(parent) || ts.isExportSpecifier(parent))
      return true;
    return ts.isPropertyAccessExpression(parent) && /^(?:then|catch|finally)$/.test(parent.name.text);
  });
}

/** `users[0].name` where `users` is `ids.map(async …)`: all of them are waited for where the list is made. */
async function waitForAll(
  { expression }: ts.ElementAccessExpression,
  open: OpenFile,
  snapshot: Snapshot,
): Promise<Waiting | string> {
  const list = unwrap(expression);
  const binding = ts.isIdentifier(list) ? declarationOf(list.text, list) : undefined;
  const made = binding?.kind === "variable" && binding.element === undefined ? binding.node.initializer : undefined;
  const isConstant = binding?.kind === "variable" && (ts.getCombinedNodeFlags(binding.node) & ts.NodeFlags.Const) !== 0;
  if (made === undefined || !isConstant || !ts.isCallExpression(made) || !/\.map$/.test(made.expression.getText()))
    return "where the list got its promises is not plain";
  if (binding?.kind === "variable" && ts.isIdentifier(list) && isKeptAsPromise(list, binding.node, open))
    return "the list is kept as one of promises elsewhere";
  const fn = await awaitingFunction(made, open, snapshot);
  if (typeof fn === "string") return fn;
  return {
    edits: [
      { start: made.getStart(), end: made.getStart(), text: "await Promise.all(" },
      { start: made.getEnd(), end: made.getEnd(), text: ")" },
      ...fn.edits,
    ],
    shown: made.expression.getText().replace(/\s+/g, " ").slice(0, 100),
    at: made,
    doubt: fn.doubt,
  };
}

async function placed(node: ts.Expression, open: OpenFile, snapshot: Snapshot): Promise<Waiting | string> {
  const fn = await awaitingFunction(node, open, snapshot);
  if (typeof fn === "string") return fn;
  const start = node.getStart();
  const end = node.getEnd();
  const { parent } = node;
  const binds =
    ((ts.isPropertyAccessExpression(parent) ||
      ts.isElementAccessExpression(parent) ||
      ts.isCallExpression(parent) ||
      ts.isNonNullExpression(parent)) &&
      parent.expression === node) ||
    ts.isTaggedTemplateExpression(parent);
  // `await` binds more tightly than these.
  const isLoose = ts.isBinaryExpression(node) || ts.isConditionalExpression(node) || ts.isArrowFunction(node);
  const text = isLoose ? "await (" : "await ";
  const edits: TextEdit[] =
    binds && !ts.isParenthesizedExpression(parent)
      ? [
          { start, end: start, text: `(${text}` },
          { start: end, end, text: isLoose ? "))" : ")" },
        ]
      : [{ start, end: start, text }, ...(isLoose ? [{ start: end, end, text: ")" }] : [])];
  return {
    edits: [...edits, ...fn.edits],
    shown: node.getText().replace(/\s+/g, " ").slice(0, 100),
    at: node,
    doubt: fn.doubt,
  };
}

/** The edits that let the function around `node` wait; none when it does already. */
async function awaitingFunction(
  node: ts.Node,
  { code }: OpenFile,
  snapshot: Snapshot,
): Promise<{ edits: TextEdit[]; doubt: number } | string> {
  const fn = functionAround(node);
  if (fn === undefined) {
    if (someNode(code.source, (one) => ts.isClassDeclaration(one) && one.pos <= node.pos && node.end <= one.end))
      return "a class body cannot wait";
    return (await isModule(code.path, code.text, snapshot))
      ? { edits: [], doubt: 4 }
      : "a script cannot wait at its top";
  }
  if (isInParameter(node, fn)) return "a default value cannot wait";
  if (fn.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.AsyncKeyword)) return { edits: [], doubt: 0 };
  if (ts.isConstructorDeclaration(fn) || ts.isAccessor(fn)) return "a constructor or getter cannot wait";
  if (ts.isMethodDeclaration(fn) || fn.asteriskToken !== undefined) return notAsync;
  const doubt = doubtOfAsync(fn, code.path, code.text);
  if (doubt === undefined) return notAsync;
  const start = ts.isFunctionDeclaration(fn) ? (keywordOf(fn)?.getStart() ?? fn.getStart()) : fn.getStart();
  const edits: TextEdit[] = [{ start, end: start, text: "async " }];
  if (fn.type !== undefined && !/^Promise\b/.test(fn.type.getText()))
    edits.push({ start: fn.type.getStart(), end: fn.type.getEnd(), text: `Promise<${fn.type.getText()}>` });
  return { edits, doubt };
}

const notAsync = "the function around is not async, and making it so would change what its callers get";

function keywordOf(fn: FunctionNode): ts.Node | undefined {
  return fn.getChildren().find(({ kind }) => kind === ts.SyntaxKind.FunctionKeyword);
}

function isInParameter(node: ts.Node, fn: FunctionNode): boolean {
  return fn.parameters.some((parameter) => parameter.pos <= node.pos && node.end <= parameter.end);
}

/** Whoever calls it waits for what it gives anyway, or takes nothing from it; `undefined` when that is not known. */
function doubtOfAsync(fn: FunctionNode, path: string, text: string): number | undefined {
  const isExported =
    ts.isFunctionDeclaration(fn) && fn.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword) === true;
  const name = fn.name?.getText() ?? "";
  if (isExported && routeFile.test(path) && methods.test(name)) return 6;
  const isDefault =
    ts.isFunctionDeclaration(fn) && fn.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.DefaultKeyword) === true;
  if (pageFile.test(path) && (isDefault || methods.test(name)) && !/^\s*["']use client["']/.test(text)) return 8;
  const { parent } = fn;
  const isHandler =
    ts.isCallExpression(parent) &&
    parent.arguments.at(-1) === fn &&
    registering.test(parent.expression.getText()) &&
    ts.isExpressionStatement(parent.parent);
  // An error that is thrown after a wait no longer reaches the one who calls it.
  return isHandler ? 20 : undefined;
}

async function isModule(path: string, text: string, snapshot: Snapshot): Promise<boolean> {
  if (/\.m[jt]s$/.test(path)) return true;
  if (/\.c[jt]s$/.test(path) || !/^\s*(?:import|export)\b/m.test(text)) return false;
  for (let folder = posix.dirname(path); ; folder = posix.dirname(folder)) {
    const manifest = await snapshot.read(posix.join(folder, "package.json"));
    if (manifest !== undefined) return /"type"\s*:\s*"module"/.test(manifest);
    if (folder === "." || folder === "/") return false;
  }
}
