import { ts } from "ts-morph";
import { type Code, eachNode, functionAround, keyOf, lineOf } from "../code/syntax.ts";
import type { Fault } from "./fault.ts";
import { isGuarded } from "./presence.ts";

/** Less than what ships by itself (spec.md §9): who guards one of two places may leave half of the bug. */
export const twinConfidence = 75;

/**
 * Where else a part of the same name is asked for the same property without a test: `method.toLowerCase()` beside
 * `req.method.toLowerCase()`, or `res.headers.upgrade.toLowerCase()` in a file near by. What is missing here may be missing there. Only
 * for parts of something: two values that were looked up have nothing in common but their name.
 */
export function twinOf(fault: Fault, near: Code[]): { path: string; line: number } | undefined {
  const { code, key, error, origin, access } = fault;
  const names = key?.split(".") ?? [];
  const [owner, part] = names.slice(-2);
  if (error.property === null || owner === undefined || part === undefined) return undefined;
  if (origin.source === "lookup" || origin.source === "session") return undefined;
  const own = namedFunctionAround(access.node);
  for (const other of [code, ...near]) {
    const endings = other === code ? [part] : [`${owner}.${part}`];
    const node = untestedRead(other, { endings, property: error.property, except: own });
    if (node !== undefined) return { path: other.path, line: lineOf(other, node.name.getStart()) };
  }
  return undefined;
}

function untestedRead(
  { source }: Code,
  { endings, property, except }: { endings: string[]; property: string; except: ts.Node },
): ts.PropertyAccessExpression | undefined {
  let found: ts.PropertyAccessExpression | undefined;
  eachNode(source, (node) => {
    if (found !== undefined || node === except) return false;
    if (!ts.isPropertyAccessExpression(node) || node.name.text !== property || node.questionDotToken !== undefined)
      return undefined;
    const key = keyOf(node.expression);
    const isSame = key !== undefined && endings.some((ending) => key === ending || key.endsWith(`.${ending}`));
    if (isSame && !isGuarded(node, key, "undefined")) found = node;
    return undefined;
  });
  return found;
}

/** Past the callbacks, which end together with the function that a person would name. */
function namedFunctionAround(node: ts.Node): ts.Node {
  let at = functionAround(node);
  while (at !== undefined && ts.isCallExpression(at.parent)) at = functionAround(at);
  return at ?? node;
}
