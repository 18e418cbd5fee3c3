import { ts } from "ts-morph";
import type { OpenFile } from "../code/project.ts";
import { declarationOf, unwrap } from "../code/syntax.ts";

/** A member asked of a value: `owner.name`, or `const { name } = owner`. */
export interface Reading {
  owner: ts.Expression;
  name: ts.Identifier;
  isCalled: boolean;
}

const stepsMax = 3;

/** Where a value was taken out of another one; `undefined` when it came in another way. */
export function readingOf(value: ts.Expression, open: OpenFile, steps = stepsMax): Reading | undefined {
  const at = unwrap(value);
  if (ts.isPropertyAccessExpression(at) && ts.isIdentifier(at.name))
    return { owner: at.expression, name: at.name, isCalled: false };
  if (!ts.isIdentifier(at) || steps === 0) return undefined;
  const binding = declarationOf(at.text, at);
  if (binding === undefined || binding.kind === "other") return undefined;
  const { element, node } = binding;
  if (binding.kind === "variable" && element === undefined) {
    const isConstant = (ts.getCombinedNodeFlags(node) & ts.NodeFlags.Const) !== 0;
    return isConstant && node.initializer !== undefined ? readingOf(node.initializer, open, steps - 1) : undefined;
  }
  if (element === undefined || element.initializer !== undefined || element.dotDotDotToken !== undefined)
    return undefined;
  const name = element.propertyName ?? element.name;
  const owner = binding.kind === "variable" && element.parent.parent === node ? node.initializer : undefined;
  return owner !== undefined && ts.isIdentifier(name) && ts.isObjectBindingPattern(element.parent)
    ? { owner, name, isCalled: false }
    : undefined;
}
