import { ts } from "ts-morph";
import { declarationOf, functionAround, parse, someNode, startLine, statementAround } from "../code/syntax.ts";
import { applyEdits, endsWithSemicolons, indentAt, lineEnd } from "../code/text.ts";
import { type Access, accessAt } from "./access.ts";
import type { Fault } from "./fault.ts";
import { answerGuard } from "./guards.ts";
import { isInline, originOf } from "./origin.ts";
import type { Draft, Surroundings } from "./plan.ts";

/**
 * `const { id } = await findUser(name);` and `(await findUser(name)).id`: the value has no name that could be tested.
 * It gets one on a line of its own, and the guard follows.
 */
export function hoistedGuard(surroundings: Surroundings): Draft | undefined {
  const { fault } = surroundings;
  const { code, access, origin } = fault;
  const statement = statementAround(access.node);
  if (
    statement === undefined ||
    !isInline(access.receiver) ||
    fault.key !== undefined ||
    !comesFirst(access, statement)
  )
    return undefined;
  const name = freeName(origin.noun, statement);
  if (name === undefined) return undefined;
  const start = statement.getStart();
  const indent = indentAt(code.text, start);
  const value = ts.isParenthesizedExpression(access.receiver) ? access.receiver.expression : access.receiver;
  const line = `const ${name} = ${value.getText()}${endsWithSemicolons(code.text) ? ";" : ""}${lineEnd(code.text)}${indent}`;
  const edits = [
    { start, end: start, text: line },
    { start: access.receiver.getStart(), end: access.receiver.getEnd(), text: name },
  ];
  const draft = guardOn(surroundings, applyEdits(code.text, edits), start, line.length, name);
  if (draft === undefined) return undefined;
  const [guard] = draft.edits;
  if (guard === undefined) return undefined;
  return {
    ...draft,
    edits: [{ start, end: start, text: `${line}${guard.text.trimStart()}${indent}` }, ...edits.slice(1)],
  };
}

/** Asks for the guard that the code would get if the value had its name already. */
function guardOn(
  surroundings: Surroundings,
  text: string,
  start: number,
  shift: number,
  name: string,
): Draft | undefined {
  const { fault } = surroundings;
  const named = parse(fault.code.path, text);
  if (named === undefined) return undefined;
  const at = named.source.getLineAndCharacterOfPosition(start + shift);
  const place = {
    ...fault.place,
    line: at.line + 1 + (fault.place.line - startLine(fault.code, statementOf(fault))),
    column: null,
  };
  const access = accessAt(named, place, fault.error);
  if (typeof access === "string" || access.receiver.getText() !== name) return undefined;
  const origin = { ...originOf(access.receiver, named), noun: fault.origin.noun, source: fault.origin.source };
  const own = surroundings.own;
  const moved: Fault = {
    ...fault,
    code: named,
    access: { ...access, found: fault.access.found },
    key: name,
    shown: name,
    origin,
  };
  return answerGuard({ ...surroundings, own, fault: moved });
}

function statementOf({ access }: Fault): ts.Node {
  return statementAround(access.node) ?? access.node;
}

/** Nothing of the statement has run when the value is had: pulling it to the front changes no order. */
function comesFirst({ receiver, node }: Access, statement: ts.Statement): boolean {
  const isReached =
    ts.isVariableStatement(statement) || ts.isReturnStatement(statement) || ts.isExpressionStatement(statement);
  if (!isReached || functionAround(node) !== functionAround(statement)) return false;
  for (let child: ts.Node = receiver; child !== statement; child = child.parent) {
    const { parent } = child;
    if (ts.isConditionalExpression(parent) && child !== parent.condition) return false;
    if (
      ts.isBinaryExpression(parent) &&
      child === parent.right &&
      /^(&&|\|\||\?\?)/.test(parent.operatorToken.getText())
    )
      return false;
  }
  return !someNode(
    statement,
    (other) => (ts.isCallExpression(other) || ts.isAwaitExpression(other)) && other.getEnd() < receiver.getStart(),
  );
}

/** The noun as a name that means nothing else here. */
function freeName(noun: string, at: ts.Statement): string | undefined {
  const words = (noun === "" ? "found" : noun).split(" ");
  const name = words.map((word, index) => (index === 0 ? word : word.charAt(0).toUpperCase() + word.slice(1))).join("");
  if (!/^[a-z][A-Za-z0-9]{0,60}$/.test(name) || declarationOf(name, at) !== undefined) return undefined;
  return someNode(
    at.getSourceFile(),
    (node) =>
      ts.isIdentifier(node) &&
      node.text === name &&
      node.parent.getStart() >= at.getStart() &&
      node.getEnd() <= at.getEnd() &&
      !ts.isPropertyAccessExpression(node.parent) &&
      !ts.isBindingElement(node.parent),
  )
    ? undefined
    : name;
}
