import { ts } from "ts-morph";
import type { Exports } from "../code/exports.ts";
import type { Import } from "../code/imports.ts";
import { identifiers, isReference } from "../code/names.ts";
import type { OpenFile } from "../code/project.ts";
import { lineEnd, nextLineStart, type TextEdit } from "../code/text.ts";

/** How an import is put right, and why. */
export interface Correction {
  because: string;
  certainty: number;
  edits: TextEdit[];
  strategy: string;
}

/** How a name comes into the importing file. */
export interface Binding {
  /** The element that takes it out: `a` or `a as b` of an import, `a` or `a: b` of a pattern; or the clause of a default import. */
  node: ts.ImportSpecifier | ts.BindingElement | ts.ImportClause | ts.VariableDeclaration;
  local: ts.Identifier;
  /** How many others are taken out beside it. */
  others: number;
}

/** Where the name is taken out of `wanted`; `undefined` when that cannot be read. */
export function bindingOf(name: string, { node }: Import, { code }: OpenFile): Binding | undefined {
  const declaration = node.parent;
  if (ts.isImportDeclaration(declaration)) {
    const clause = declaration.importClause;
    const named = clause?.namedBindings;
    const elements = named !== undefined && ts.isNamedImports(named) ? named.elements : undefined;
    const others = (elements?.length ?? 0) + (clause?.name === undefined ? 0 : 1) - 1;
    if (name === "default" && clause?.name !== undefined) return { node: clause, local: clause.name, others };
    const element = elements?.find((one) => (one.propertyName ?? one.name).text === name);
    return element === undefined ? undefined : { node: element, local: element.name, others };
  }
  const variable = ts.isAwaitExpression(declaration.parent) ? declaration.parent.parent : declaration.parent;
  if (
    !ts.isCallExpression(declaration) ||
    !ts.isVariableDeclaration(variable) ||
    variable.getSourceFile() !== code.source
  )
    return undefined;
  if (ts.isIdentifier(variable.name))
    return name === "default" ? { node: variable, local: variable.name, others: 0 } : undefined;
  const elements = ts.isObjectBindingPattern(variable.name) ? [...variable.name.elements] : [];
  const element = elements.find(
    (one) => (one.propertyName ?? one.name).getText() === name && one.dotDotDotToken === undefined,
  );
  if (element === undefined || !ts.isIdentifier(element.name)) return undefined;
  return { node: element, local: element.name, others: elements.length - 1 };
}

/** The default export was taken for a name, or a name for the default export. */
export function mixedUp(name: string, { node, local, others }: Binding, exported: Exports): Correction | undefined {
  const wants = local.text;
  if (others > 0) return undefined;
  const edit = (one: ts.Node, text: string): TextEdit[] => [{ start: one.getStart(), end: one.getEnd(), text }];
  if (name === "default" && exported.names.has(wants) && !exported.names.has("default") && exported.isComplete) {
    const because = `it has no default export, and exports \`${wants}\` by name (line ${exported.names.get(wants)})`;
    const strategy = `import \`${wants}\` by its name`;
    if (ts.isImportClause(node))
      return { because, certainty: 92, edits: edit(node.name ?? node, `{ ${wants} }`), strategy };
    return ts.isVariableDeclaration(node)
      ? { because, certainty: 92, edits: edit(node.name, `{ ${wants} }`), strategy }
      : undefined;
  }
  if (name === "default" || exported.names.has(name) || exported.defaultName !== name) return undefined;
  const because = `\`${name}\` is its default export, not one by name`;
  const strategy = `import \`${wants}\` as what the file exports by default`;
  if (ts.isImportSpecifier(node) && exported.names.has("default") && ts.isNamedImports(node.parent))
    return { because, certainty: 92, edits: edit(node.parent, wants), strategy };
  const isCommon = exported.isCommon && ts.isBindingElement(node) && ts.isObjectBindingPattern(node.parent);
  return isCommon ? { because, certainty: 90, edits: edit(node.parent, wants), strategy } : undefined;
}

/** The right name in the import, and wherever this file goes on to use it under its own. */
export function renaming({ node, local }: Binding, right: string, { checker, code }: OpenFile): TextEdit[] {
  const edit = (one: ts.Node, text: string): TextEdit => ({ start: one.getStart(), end: one.getEnd(), text });
  const isImport = ts.isImportSpecifier(node);
  if ((isImport || ts.isBindingElement(node)) && node.propertyName !== undefined)
    return [edit(node.propertyName, right)];
  const isSame = (one: ts.Identifier) => {
    const symbol = ts.isShorthandPropertyAssignment(one.parent)
      ? checker.getShorthandAssignmentValueSymbol(one.parent)
      : checker.getSymbolAtLocation(one);
    return symbol?.declarations?.includes(node) === true;
  };
  const uses = identifiers(code.source, local.text).filter((one) => one !== local && isReference(one) && isSame(one));
  const isTaken = [local, ...uses].some((one) =>
    checker
      .getSymbolsInScope(one, ts.SymbolFlags.Value | ts.SymbolFlags.Alias)
      .some(
        ({ name, declarations }) =>
          name === right && declarations?.some((declared) => declared.getSourceFile() === code.source),
      ),
  );
  const isPlain =
    !isTaken && uses.every(({ parent }) => !ts.isShorthandPropertyAssignment(parent) && !ts.isExportSpecifier(parent));
  if (!isPlain) return [edit(local, isImport ? `${right} as ${local.text}` : `${right}: ${local.text}`)];
  return [edit(local, right), ...uses.map((one) => edit(one, right))];
}

/** The import of another file, or one line more beside the import that the name is taken out of. */
export function moving(
  { node, local, others }: Binding,
  wanted: Import,
  specifier: string,
  { code }: OpenFile,
): TextEdit[] | undefined {
  const { node: literal } = wanted;
  if (others === 0)
    return ts.isImportClause(node)
      ? undefined
      : [{ start: literal.getStart() + 1, end: literal.getEnd() - 1, text: specifier }];
  if (
    !ts.isImportSpecifier(node) ||
    !ts.isImportDeclaration(literal.parent) ||
    !ts.isNamedImports(node.parent) ||
    node.parent.elements.length < 2
  )
    return undefined;
  const declaration = literal.parent;
  const { elements } = node.parent;
  const index = elements.indexOf(node);
  const next = elements[index + 1];
  const before = elements[index - 1];
  const removed =
    next !== undefined
      ? { start: node.getStart(), end: next.getStart(), text: "" }
      : { start: before?.getEnd() ?? node.getStart(), end: node.getEnd(), text: "" };
  const quote = literal.getText().charAt(0);
  const end = declaration.getText().endsWith(";") ? ";" : "";
  const isType = declaration.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword ? "type " : "";
  const line = `import ${isType}{ ${node.getText()} } from ${quote}${specifier}${quote}${end}${lineEnd(code.text)}`;
  const at = nextLineStart(code.text, declaration.getEnd());
  return local.text === "" ? undefined : [removed, { start: at, end: at, text: line }];
}
