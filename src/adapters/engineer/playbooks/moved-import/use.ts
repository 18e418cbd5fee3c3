import { ts } from "ts-morph";
import type { Snapshot } from "#ports/repository.ts";
import { importsIn } from "../code/imports.ts";
import { identifiers, isReference } from "../code/names.ts";
import { declarationOf, lineOf, parse } from "../code/syntax.ts";
import type { Assessment } from "../editing.ts";
import type { Place } from "../places.ts";
import { cureMissingName } from "./missing-name.ts";
import { modulesOf } from "./project.ts";

/** Something imported is called, created or extended, and is no such thing: the file it comes from may not have it. */
export async function cureUse(name: string, place: Place, snapshot: Snapshot): Promise<Assessment> {
  const text = await snapshot.read(place.path);
  const code = text === undefined ? undefined : parse(place.path, text);
  if (code === undefined) return undefined;
  const used = usedAt(name, place, code.source).find((node) => lineOf(code, node.getStart()) === place.line);
  const binding = used === undefined ? undefined : declarationOf(used.text, used);
  if (used === undefined || binding === undefined) return undefined;
  const declared =
    binding.kind === "variable"
      ? binding.node
      : binding.kind === "other" && ts.isImportDeclaration(binding.node)
        ? binding.node
        : undefined;
  if (declared === undefined) return undefined;
  const wanted = importsIn(code.source).find(({ node }) => declared.pos <= node.pos && node.end <= declared.end);
  if (wanted === undefined) return undefined;
  const taken = takenAs(used.text, declared);
  const found =
    taken === undefined
      ? undefined
      : await cureMissingName(taken, wanted, place.path, await modulesOf(snapshot, place.path));
  // A name that the file has after all is another playbook's matter.
  return found?.kind === "cure" ? found : undefined;
}

function usedAt(name: string, place: Place, source: ts.SourceFile): ts.Identifier[] {
  const isUse = (node: ts.Identifier) => {
    const { parent } = node;
    const isCalled = (ts.isCallExpression(parent) || ts.isNewExpression(parent)) && parent.expression === node;
    return isReference(node) && (isCalled || ts.isExpressionWithTypeArguments(parent));
  };
  if (name !== "default" && name !== "undefined") return identifiers(source, name).filter(isUse);
  const found: ts.Identifier[] = [];
  const start = source.getLineStarts()[place.line - 1];
  if (start === undefined) return [];
  const visit = (node: ts.Node): void => {
    if (
      ts.isIdentifier(node) &&
      isUse(node) &&
      source.getLineAndCharacterOfPosition(node.getStart()).line + 1 === place.line
    )
      found.push(node);
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found.length === 1 ? found : [];
}

/** Under which name it is taken out of its file; `default` for the whole. */
function takenAs(local: string, declared: ts.VariableDeclaration | ts.ImportDeclaration): string | undefined {
  if (ts.isVariableDeclaration(declared)) {
    if (ts.isIdentifier(declared.name)) return "default";
    const element = ts.isObjectBindingPattern(declared.name)
      ? declared.name.elements.find((one) => one.name.getText() === local)
      : undefined;
    return element === undefined ? undefined : (element.propertyName ?? element.name).getText();
  }
  const clause = declared.importClause;
  if (clause?.name?.text === local) return "default";
  const named = clause?.namedBindings;
  const element =
    named !== undefined && ts.isNamedImports(named) ? named.elements.find((one) => one.name.text === local) : undefined;
  return element === undefined ? undefined : (element.propertyName ?? element.name).text;
}
