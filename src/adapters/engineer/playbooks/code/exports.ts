import { ts } from "ts-morph";
import type { Snapshot } from "#ports/repository.ts";
import { type Alias, resolve } from "./project.ts";
import { eachNode, functionAround, parse } from "./syntax.ts";

/** What a file lets others import. */
export interface Exports {
  /** Names with the line that exports them; `default` is one of them. */
  names: Map<string, number>;
  /** Everything is known; otherwise there may be more than `names`. */
  isComplete: boolean;
  /** What the default export is called where it is declared. */
  defaultName: string | undefined;
  /** `module.exports = …`: what `require` gives is that value itself. */
  isCommon: boolean;
}

interface Found extends Exports {
  /** Files whose names are exported along. */
  stars: string[];
}

const depthMax = 4;
const starsMax = 30;

/** All that a file exports, with what it passes on from others; `undefined` when it cannot be read. */
export async function exportsOf(
  path: string,
  snapshot: Snapshot,
  project: { files: Set<string>; aliases: Alias[] },
  depth = depthMax,
): Promise<Exports | undefined> {
  const text = await snapshot.read(path);
  const code = text === undefined ? undefined : parse(path, text);
  if (code === undefined) return undefined;
  const found = exportsIn(code.source);
  for (const specifier of found.stars.slice(0, starsMax)) {
    const target = resolve(specifier, path, project.files, project.aliases);
    const passed =
      target === undefined || depth === 0 ? undefined : await exportsOf(target, snapshot, project, depth - 1);
    if (passed?.isComplete !== true) found.isComplete = false;
    for (const [name, line] of passed?.names ?? [])
      if (name !== "default" && !found.names.has(name)) found.names.set(name, line);
  }
  if (found.stars.length > starsMax) found.isComplete = false;
  return found;
}

function exportsIn(source: ts.SourceFile): Found {
  const found: Found = { names: new Map(), isComplete: true, defaultName: undefined, isCommon: false, stars: [] };
  for (const statement of source.statements) declared(statement, found, source);
  eachNode(source, (node) => common(node, found, source));
  return found;
}

function declared(statement: ts.Statement, found: Found, source: ts.SourceFile): void {
  const line = source.getLineAndCharacterOfPosition(statement.getStart()).line + 1;
  const add = (name: string) => found.names.set(name, line);
  if (ts.isExportAssignment(statement)) {
    if (statement.isExportEquals === true) found.isComplete = false;
    add("default");
    if (ts.isIdentifier(statement.expression)) found.defaultName = statement.expression.text;
    return;
  }
  if (ts.isExportDeclaration(statement)) {
    const { exportClause, moduleSpecifier } = statement;
    if (exportClause === undefined && moduleSpecifier !== undefined && ts.isStringLiteral(moduleSpecifier))
      found.stars.push(moduleSpecifier.text);
    if (exportClause !== undefined && ts.isNamespaceExport(exportClause)) add(exportClause.name.text);
    if (exportClause !== undefined && ts.isNamedExports(exportClause)) {
      for (const { name, propertyName } of exportClause.elements) {
        add(name.text);
        if (name.text === "default") found.defaultName = propertyName?.text;
      }
    }
    return;
  }
  if (!ts.canHaveModifiers(statement)) return;
  const kinds = ts.getModifiers(statement)?.map(({ kind }) => kind) ?? [];
  if (!kinds.includes(ts.SyntaxKind.ExportKeyword)) return;
  if (kinds.includes(ts.SyntaxKind.DefaultKeyword)) {
    add("default");
    if ((ts.isFunctionDeclaration(statement) || ts.isClassDeclaration(statement)) && statement.name !== undefined)
      found.defaultName = statement.name.text;
    return;
  }
  if (ts.isVariableStatement(statement)) {
    for (const { name } of statement.declarationList.declarations) boundNames(name, add);
  } else if (isNamedDeclaration(statement) && statement.name !== undefined) {
    add(statement.name.text);
  }
}

function isNamedDeclaration(node: ts.Node) {
  return (
    ts.isFunctionDeclaration(node) ||
    ts.isClassDeclaration(node) ||
    ts.isInterfaceDeclaration(node) ||
    ts.isTypeAliasDeclaration(node) ||
    ts.isEnumDeclaration(node) ||
    ts.isModuleDeclaration(node)
  );
}

function boundNames(pattern: ts.BindingName, add: (name: string) => unknown): void {
  if (ts.isIdentifier(pattern)) add(pattern.text);
  else for (const element of pattern.elements) if (!ts.isOmittedExpression(element)) boundNames(element.name, add);
}

/** `exports.a = …`, `module.exports = { … }` and the ways of which nothing can be said. */
function common(node: ts.Node, found: Found, source: ts.SourceFile): void {
  const line = source.getLineAndCharacterOfPosition(node.getStart()).line + 1;
  if (
    ts.isCallExpression(node) &&
    /^(?:Object\.(?:assign|defineProperty|defineProperties)|__exportStar|__export\w*)$/.test(node.expression.getText())
  ) {
    if (
      /^(?:module\.)?exports$/.test(node.arguments[0]?.getText() ?? "") ||
      /^__export/.test(node.expression.getText())
    ) {
      if (!/__esModule/.test(node.getText())) found.isComplete = false;
    }
  }
  if (ts.isElementAccessExpression(node) && /^(?:module\.)?exports$/.test(node.expression.getText()))
    found.isComplete = false;
  if (!ts.isBinaryExpression(node) || node.operatorToken.kind !== ts.SyntaxKind.EqualsToken) return;
  const target = node.left.getText();
  const name = /^(?:module\.)?exports\.([A-Za-z_$][\w$]*)$/.exec(target)?.[1];
  if (name !== undefined) {
    found.names.set(name, line);
    if (functionAround(node) !== undefined) found.isComplete = false;
  }
  if (target !== "module.exports" && target !== "exports") return;
  assigned(node.right, line, found);
  if (functionAround(node) !== undefined) found.isComplete = false;
}

function assigned(value: ts.Expression, line: number, found: Found): void {
  if (ts.isBinaryExpression(value) && value.operatorToken.kind === ts.SyntaxKind.EqualsToken) {
    assigned(value.right, line, found);
    return;
  }
  found.isCommon = true;
  if (ts.isObjectLiteralExpression(value)) {
    for (const property of value.properties) {
      const { name } = property;
      if (name !== undefined && (ts.isIdentifier(name) || ts.isStringLiteral(name))) found.names.set(name.text, line);
      else found.isComplete = false;
    }
    return;
  }
  const isNamed = ts.isFunctionExpression(value) || ts.isClassExpression(value);
  if (ts.isIdentifier(value)) found.defaultName = value.text;
  else if (isNamed && value.name !== undefined) found.defaultName = value.name.text;
  // Whatever else is given out may have any members.
  found.isComplete = false;
}
