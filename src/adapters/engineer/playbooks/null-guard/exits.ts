import { posix } from "node:path";
import { ts } from "ts-morph";
import type { Snapshot } from "#ports/repository.ts";
import { type Code, eachNode, type FunctionNode, functionAround, parse, unwrap } from "../code/syntax.ts";
import { isSourceFile, isTestFile } from "../places.ts";
import { leaves, nothingOf } from "./presence.ts";

/** An early end that the code already uses: `if (…) { return …; }`, and how such things are said here. */
export interface Exit {
  code: Code;
  statement: ts.IfStatement;
  /** What is done then; the last one leaves. */
  body: readonly ts.Statement[];
  braces: boolean;
  oneLine: boolean;
  fn: FunctionNode | undefined;
  /** The test asks whether something is missing. */
  test: NullTest | undefined;
}

/** `!x` · `x == null` · `x === undefined`. */
export type NullTest = "bang" | "loose" | "strict";

const bodyStatementsMax = 3;
const siblingsMax = 30;
const siblingCharactersMax = 200_000;

/** Every early end in a file, in the order of the text. Those in a `catch` answer another question. */
export function exitsIn(code: Code): Exit[] {
  const exits: Exit[] = [];
  eachNode(code.source, (node) => {
    if (ts.isCatchClause(node)) return false;
    if (!ts.isIfStatement(node) || node.elseStatement !== undefined || !leaves(node.thenStatement)) return undefined;
    const braces = ts.isBlock(node.thenStatement);
    const body = ts.isBlock(node.thenStatement) ? node.thenStatement.statements : [node.thenStatement];
    if (body.length > bodyStatementsMax) return undefined;
    const oneLine = !node.getText(code.source).includes("\n");
    exits.push({
      code,
      statement: node,
      body,
      braces,
      oneLine,
      fn: functionAround(node),
      test: nullTestOf(node.expression),
    });
    return undefined;
  });
  return exits;
}

/** How a test asks for a missing value, if that is what it does. */
export function nullTestOf(test: ts.Expression): NullTest | undefined {
  const at = unwrap(test);
  if (ts.isPrefixUnaryExpression(at) && at.operator === ts.SyntaxKind.ExclamationToken) {
    const inner = unwrap(at.operand);
    return ts.isIdentifier(inner) || ts.isPropertyAccessExpression(inner) || ts.isElementAccessExpression(inner)
      ? "bang"
      : undefined;
  }
  if (!ts.isBinaryExpression(at)) return undefined;
  const { kind } = at.operatorToken;
  if (kind === ts.SyntaxKind.BarBarToken) return nullTestOf(at.left) ?? nullTestOf(at.right);
  if (nothingOf(at.right) === undefined && nothingOf(at.left) === undefined) return undefined;
  if (kind === ts.SyntaxKind.EqualsEqualsToken) return "loose";
  return kind === ts.SyntaxKind.EqualsEqualsEqualsToken ? "strict" : undefined;
}

/** The files nearest to `path` that are likely to do the same kind of work, nearest first. */
export async function siblingsOf(path: string, snapshot: Snapshot): Promise<Code[]> {
  const folder = posix.dirname(path);
  const name = posix.basename(path);
  const near = (await snapshot.list())
    .filter((other) => other !== path && isSourceFile(other) && !isTestFile(other))
    .map((other) => ({
      other,
      rank: nearness(folder, posix.dirname(other)) + (posix.basename(other) === name ? 1.5 : 0),
    }))
    .filter(({ rank }) => rank > 0)
    .sort((one, two) => two.rank - one.rank || one.other.localeCompare(two.other))
    .slice(0, siblingsMax);
  const codes: Code[] = [];
  for (const { other } of near) {
    const text = await snapshot.read(other);
    if (text === undefined || text.length > siblingCharactersMax) continue;
    const code = parse(other, text);
    if (code !== undefined) codes.push(code);
  }
  return codes;
}

/** Shared folders, less the steps to get from one to the other. */
function nearness(folder: string, other: string): number {
  const [one, two] = [folder.split("/"), other.split("/")];
  let shared = 0;
  while (shared < one.length && one[shared] === two[shared]) shared += 1;
  return shared - (one.length - shared + (two.length - shared)) / 10;
}
