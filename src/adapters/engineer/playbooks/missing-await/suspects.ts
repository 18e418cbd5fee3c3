import { ts } from "ts-morph";
import type { OpenFile } from "../code/project.ts";
import { declarationOf, eachNode, isFunction, lineOf, unwrap } from "../code/syntax.ts";
import { accessAt } from "../null-guard/access.ts";
import type { Place } from "../places.ts";
import type { PromiseError } from "./error-text.ts";

/** An expression that may be a promise, and the member that its value would have to have. */
export interface Suspect {
  node: ts.Expression;
  wanted: { kind: "member"; name: string } | { kind: "iterator" } | { kind: "anything" };
}

const stepsMax = 3;
const takers = /^(?:Map|Set|WeakMap|WeakSet|URLSearchParams)$/;
const takingCalls = /^(?:Promise\.(?:all|allSettled|race|any)|Object\.fromEntries|Array\.from)$/;

/** What at the failing line can have been a promise. */
export function suspectsAt(place: Place, error: PromiseError, open: OpenFile): Suspect[] {
  switch (error.kind) {
    case "call":
      return callOwners(error.name, place.line, open);
    case "compiler":
      return memberOwners(error.name, place.line, open);
    case "iterate":
      return iterated(place.line, open);
    case "shown":
      return handedOver(place.line, open);
    case "read": {
      const access = accessAt(open.code, place, error.error);
      if (typeof access === "string" || access.found === "nearby") return [];
      const found = ownerOf(access.receiver, stepsMax);
      return found === undefined ? [] : [found];
    }
  }
}

function callOwners(name: string, line: number, { code }: OpenFile): Suspect[] {
  return memberOwners(name, line, { code }).filter(({ node }) => {
    const access = node.parent;
    return ts.isCallExpression(access.parent) && access.parent.expression === access;
  });
}

function memberOwners(name: string, line: number, { code }: Pick<OpenFile, "code">): Suspect[] {
  const found: Suspect[] = [];
  eachNode(code.source, (node) => {
    if (ts.isPropertyAccessExpression(node) && node.name.text === name && lineOf(code, node.name.getStart()) === line)
      found.push({ node: node.expression, wanted: { kind: "member", name } });
  });
  return found;
}

function iterated(line: number, { code }: OpenFile): Suspect[] {
  const found: Suspect[] = [];
  const add = (node: ts.Expression | undefined) => {
    if (node !== undefined && lineOf(code, node.getStart()) === line)
      found.push({ node, wanted: { kind: "iterator" } });
  };
  eachNode(code.source, (node) => {
    if (ts.isForOfStatement(node) && node.awaitModifier === undefined) add(node.expression);
    if (ts.isSpreadElement(node)) add(node.expression);
    if (ts.isVariableDeclaration(node) && ts.isArrayBindingPattern(node.name)) add(node.initializer);
    if (ts.isNewExpression(node) && takers.test(node.expression.getText())) add(node.arguments?.[0]);
    if (ts.isCallExpression(node) && takingCalls.test(node.expression.getText())) add(node.arguments[0]);
  });
  return found;
}

/** Everything of the failing line that is put into a text or handed to a call. */
function handedOver(line: number, { code }: OpenFile): Suspect[] {
  const found: Suspect[] = [];
  const add = (node: ts.Expression) => {
    if (lineOf(code, node.getStart()) === line || lineOf(code, node.getEnd()) === line)
      found.push({ node, wanted: { kind: "anything" } });
  };
  eachNode(code.source, (node) => {
    if (ts.isTemplateSpan(node)) add(node.expression);
    const isTaker = ts.isCallExpression(node) || ts.isNewExpression(node);
    if (isTaker && !/^Promise\./.test(node.expression.getText()))
      for (const argument of node.arguments ?? []) add(argument);
    if (ts.isBinaryExpression(node) && node.operatorToken.kind === ts.SyntaxKind.PlusToken) {
      add(node.left);
      add(node.right);
    }
    if (ts.isJsxExpression(node) && node.expression !== undefined) add(node.expression);
  });
  return found;
}

/** Whose member was missing: `owner.member.read`, `const { member } = owner; member.read`. */
function ownerOf(value: ts.Expression, steps: number): Suspect | undefined {
  const at = unwrap(value);
  if (ts.isPropertyAccessExpression(at)) return { node: at.expression, wanted: { kind: "member", name: at.name.text } };
  if (ts.isElementAccessExpression(at)) return { node: at.expression, wanted: { kind: "anything" } };
  if (!ts.isIdentifier(at) || steps === 0) return undefined;
  const binding = declarationOf(at.text, at);
  if (binding?.kind !== "variable" || binding.node.initializer === undefined) return undefined;
  const { element, node } = binding;
  const owner = binding.node.initializer;
  if (element === undefined) {
    const isConstant = (ts.getCombinedNodeFlags(node) & ts.NodeFlags.Const) !== 0;
    return isConstant && !isFunction(owner) ? ownerOf(owner, steps - 1) : undefined;
  }
  const isTop =
    element.parent.parent === node && element.initializer === undefined && ts.isObjectBindingPattern(element.parent);
  return isTop
    ? { node: owner, wanted: { kind: "member", name: (element.propertyName ?? element.name).getText() } }
    : undefined;
}
