import { ts } from "ts-morph";
import type { Risk } from "#domain/fix.ts";

/** Something noteworthy that a node does. `what` identifies it: what the file did before, it may go on doing. */
export interface Mark {
  kind: Risk["kind"];
  note: string;
  what: string;
}

/** The name of a property is not a reference to what is called so. */
export function isOnlyAName(node: ts.Identifier): boolean {
  const { parent } = node;
  const named =
    ts.isPropertyAccessExpression(parent) ||
    ts.isPropertyAssignment(parent) ||
    ts.isPropertySignature(parent) ||
    ts.isMethodDeclaration(parent) ||
    ts.isMethodSignature(parent);
  return named && parent.name === node;
}

/** The last name of what is called or read: `c` of `a.b.c`. */
export function lastNameOf(node: ts.Expression): string {
  if (ts.isIdentifier(node)) return node.text;
  return ts.isPropertyAccessExpression(node) ? node.name.text : "";
}
