import { ts } from "ts-morph";
import type { Snapshot } from "#ports/repository.ts";
import { importsIn } from "../code/imports.ts";
import { identifiers } from "../code/names.ts";
import { type OpenFile, openFile, pathAliases, resolve } from "../code/project.ts";
import { eachNode, type FunctionNode, lineOf, nameOf } from "../code/syntax.ts";
import { fateOf } from "../null-guard/consumers.ts";
import { nothingOf } from "../null-guard/presence.ts";
import { isSourceFile, isTestFile } from "../places.ts";

/** What those who call a function expect when there is nothing. */
export interface Expected {
  nothing: "undefined" | "null";
  because: string;
  evidence: { file: string; line: number; note: string }[];
  certainty: number;
}

const placesMax = 100;
const filesMax = 6;
const callsMax = 12;

/** What `fn` may answer when there is nothing; a sentence when somebody relies on an answer, or nobody is known to ask. */
export async function expectedBy(fn: FunctionNode, open: OpenFile, snapshot: Snapshot): Promise<Expected | string> {
  const name = nameOf(fn);
  if (!/^[A-Za-z_$][\w$]*$/.test(name)) return "who gets the answer is not known";
  const documented = documentedNothing(fn, open);
  if (documented !== undefined) return documented;
  const calls = await callsOf(name, fn, open, snapshot);
  if (typeof calls === "string") return calls;
  const [first] = calls;
  if (first === undefined) return `nothing in the repository calls \`${name}\`, so nothing says what it may answer`;
  const evidence: Expected["evidence"] = [];
  for (const { call, from } of calls) {
    const line = lineOf(from.code, call.getStart());
    const use = fateOf(call, from);
    if (!use.accepts || !use.sure) return `its answer at ${from.code.path}:${line} ${use.because}`;
    if (testsForNull(call))
      return `its answer at ${from.code.path}:${line} is compared with null, which undefined is not`;
    evidence.push({ file: from.code.path, line, note: `the answer ${use.because}` });
  }
  const many = calls.length === 1 ? "the only one who calls" : `all ${calls.length} who call`;
  return {
    nothing: "undefined",
    because: `${many} \`${name}\` can do with no answer`,
    evidence: evidence.slice(0, 5),
    certainty: calls.length > 1 ? 86 : 82,
  };
}

/** The function's own comment or type says that it may answer nothing. */
function documentedNothing(fn: FunctionNode, { checker, code }: OpenFile): Expected | undefined {
  const type = fn.type ?? ts.getJSDocReturnType(fn);
  if (type === undefined) return undefined;
  const declared = checker.getTypeFromTypeNode(type);
  const isAsync = fn.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.AsyncKeyword) === true;
  const answer = isAsync ? (checker.getAwaitedType(declared) ?? declared) : declared;
  const parts = answer.isUnion() ? answer.types : [];
  const isNull = parts.some(({ flags }) => flags & ts.TypeFlags.Null);
  if (!isNull && !parts.some(({ flags }) => flags & ts.TypeFlags.Undefined)) return undefined;
  const line = lineOf(code, type.getStart());
  return {
    nothing: isNull ? "null" : "undefined",
    because: `line ${line} says that it may answer nothing`,
    evidence: [{ file: code.path, line, note: type.getText().slice(0, 200) }],
    certainty: 86,
  };
}

interface Call {
  call: ts.CallExpression;
  from: OpenFile;
}

async function callsOf(name: string, fn: FunctionNode, open: OpenFile, snapshot: Snapshot): Promise<Call[] | string> {
  if (ts.isMethodDeclaration(fn) || ts.isConstructorDeclaration(fn) || ts.isAccessor(fn))
    return "who calls a method cannot be told from its name";
  const found: Call[] = callsIn(name, open).map((call) => ({ call, from: open }));
  const files = new Set(await snapshot.list());
  const paths = new Set(
    (await snapshot.search(name, placesMax))
      .map(({ path }) => path)
      .filter((path) => path !== open.code.path && isSourceFile(path) && !isTestFile(path)),
  );
  if (paths.size > filesMax * 3) return `\`${name}\` stands in too many files to look at all`;
  for (const path of paths) {
    const from = await openFile(path, snapshot);
    if (typeof from === "string") return `${from}, and it may call \`${name}\``;
    const aliases = await pathAliases(snapshot, path);
    const imports = importsIn(from.code.source).some(
      (one) => resolve(one.specifier, path, files, aliases) === open.code.path,
    );
    if (!imports) continue;
    // Handed on, it is called by others that are not seen here.
    if (isHandedOn(name, from)) return `${path} hands \`${name}\` on`;
    found.push(...callsIn(name, from).map((call) => ({ call, from })));
  }
  if (isHandedOn(name, open)) return `${open.code.path} hands \`${name}\` on`;
  return found.length > callsMax ? `\`${name}\` is called in too many places to look at all` : found;
}

function callsIn(name: string, { code }: OpenFile): ts.CallExpression[] {
  const found: ts.CallExpression[] = [];
  eachNode(code.source, (node) => {
    if (!ts.isCallExpression(node)) return;
    const { expression } = node;
    if (
      (ts.isIdentifier(expression) && expression.text === name) ||
      (ts.isPropertyAccessExpression(expression) && expression.name.text === name)
    )
      found.push(node);
  });
  return found;
}

/** The function itself is given away: as an argument, in a list, under another name. */
function isHandedOn(name: string, { code }: OpenFile): boolean {
  let found = false;
  eachNode(code.source, (node) => {
    if (!ts.isIdentifier(node) || node.text !== name) return;
    const { parent } = node;
    const isArgument = ts.isCallExpression(parent) && parent.expression !== node;
    found ||=
      isArgument ||
      ts.isArrayLiteralExpression(parent) ||
      (ts.isVariableDeclaration(parent) && parent.initializer === node) ||
      (ts.isExportSpecifier(parent) && parent.parent.parent.moduleSpecifier !== undefined);
  });
  return found;
}

/** `=== null` does not hold for undefined. */
function testsForNull(call: ts.CallExpression): boolean {
  let at: ts.Node = call;
  while (ts.isParenthesizedExpression(at.parent) || ts.isAwaitExpression(at.parent)) at = at.parent;
  const uses: ts.Node[] = [at];
  if (ts.isVariableDeclaration(at.parent) && ts.isIdentifier(at.parent.name))
    uses.push(...identifiers(at.getSourceFile(), at.parent.name.text));
  return uses.some(
    ({ parent }) =>
      ts.isBinaryExpression(parent) &&
      /^[!=]==$/.test(parent.operatorToken.getText()) &&
      (nothingOf(parent.right) ?? nothingOf(parent.left)) === "null",
  );
}
