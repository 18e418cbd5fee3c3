import { ts } from "ts-morph";
import { identifiers } from "./names.ts";
import { eachNode } from "./syntax.ts";

/** One place of a file that names another module. */
export interface Import {
  /** The text between the quotes, as a node with its quotes. */
  node: ts.StringLiteralLike;
  specifier: string;
  /** The names that are taken out of it; `default` for the whole default export. */
  names: Set<string>;
  /** Everything is taken, or nothing but its effects. */
  isWhole: boolean;
  /** The variable that holds everything that is taken. */
  holder: ts.Identifier | undefined;
  isRequire: boolean;
}

/** All modules that a file names in a way that can be read: imports, re-exports, `require`, `import()`. */
export function importsIn(source: ts.SourceFile): Import[] {
  const found: Import[] = [];
  eachNode(source, (node) => {
    if (
      (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) &&
      node.moduleSpecifier !== undefined &&
      ts.isStringLiteralLike(node.moduleSpecifier)
    ) {
      const names = ts.isImportDeclaration(node) ? importedNames(node) : passedNames(node);
      found.push({
        node: node.moduleSpecifier,
        specifier: node.moduleSpecifier.text,
        names: new Set(names),
        isWhole: names.length === 0,
        holder: namespaceOf(node),
        isRequire: false,
      });
    }
    if (ts.isCallExpression(node)) {
      const [first] = node.arguments;
      const isRequire = ts.isIdentifier(node.expression) && node.expression.text === "require";
      const isImport = node.expression.kind === ts.SyntaxKind.ImportKeyword;
      if ((isRequire || isImport) && first !== undefined && ts.isStringLiteralLike(first)) {
        const names = takenNames(node);
        found.push({
          node: first,
          specifier: first.text,
          names: new Set(names),
          isWhole: names.length === 0,
          holder: variableOf(node),
          isRequire,
        });
      }
    }
    if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument) && ts.isStringLiteral(node.argument.literal))
      found.push({
        node: node.argument.literal,
        specifier: node.argument.literal.text,
        names: new Set(),
        isWhole: true,
        holder: undefined,
        isRequire: false,
      });
  });
  return found;
}

/** What is read from a module that was taken as a whole. */
export function membersOf({ holder }: Import): Set<string> {
  const members = new Set<string>();
  for (const { parent } of holder === undefined ? [] : identifiers(holder.getSourceFile(), holder.text)) {
    if (
      ts.isPropertyAccessExpression(parent) &&
      ts.isIdentifier(parent.expression) &&
      parent.expression.text === holder?.text
    )
      members.add(parent.name.text);
  }
  return members;
}

function namespaceOf(node: ts.ImportDeclaration | ts.ExportDeclaration): ts.Identifier | undefined {
  const bindings = ts.isImportDeclaration(node) ? node.importClause?.namedBindings : undefined;
  return bindings !== undefined && ts.isNamespaceImport(bindings) ? bindings.name : undefined;
}

function variableOf(call: ts.CallExpression): ts.Identifier | undefined {
  const { parent } = ts.isAwaitExpression(call.parent) ? call.parent : call;
  return ts.isVariableDeclaration(parent) && ts.isIdentifier(parent.name) ? parent.name : undefined;
}

function importedNames({ importClause }: ts.ImportDeclaration): string[] {
  if (importClause === undefined) return [];
  const { name, namedBindings } = importClause;
  const named =
    namedBindings !== undefined && ts.isNamedImports(namedBindings)
      ? namedBindings.elements.map((one) => (one.propertyName ?? one.name).text)
      : [];
  return name === undefined ? named : ["default", ...named];
}

function passedNames({ exportClause }: ts.ExportDeclaration): string[] {
  return exportClause !== undefined && ts.isNamedExports(exportClause)
    ? exportClause.elements.map((one) => (one.propertyName ?? one.name).text)
    : [];
}

/** `const { a, b: c } = require(…)`, `require(…).a`. */
function takenNames(call: ts.CallExpression): string[] {
  let value: ts.Node = call;
  while (ts.isAwaitExpression(value.parent) || ts.isParenthesizedExpression(value.parent)) value = value.parent;
  const { parent } = value;
  if (ts.isPropertyAccessExpression(parent) && parent.expression === value) return [parent.name.text];
  if (!ts.isVariableDeclaration(parent) || !ts.isObjectBindingPattern(parent.name)) return [];
  return parent.name.elements.flatMap(({ name, propertyName, dotDotDotToken }) =>
    dotDotDotToken === undefined ? [(propertyName ?? name).getText()] : [],
  );
}
