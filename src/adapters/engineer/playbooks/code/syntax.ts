import { ts } from "ts-morph";

/** One file of code as its tree and its text. */
export interface Code {
  path: string;
  text: string;
  source: ts.SourceFile;
}

export type FunctionNode =
  | ts.FunctionDeclaration
  | ts.FunctionExpression
  | ts.ArrowFunction
  | ts.MethodDeclaration
  | ts.ConstructorDeclaration
  | ts.AccessorDeclaration;

/** The tree of one file on its own; `undefined` when it does not parse or is nested beyond reason. */
export function parse(path: string, text: string): Code | undefined {
  try {
    const source = ts.createSourceFile(path, text, ts.ScriptTarget.ESNext, true, scriptKind(path));
    return hasSyntaxErrors(source) ? undefined : { path, text, source };
  } catch (error) {
    // The parser recurses: hostile nesting ends its stack.
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** What the parser noted down while it read: asking the compiler for it would print the whole file anew. */
function hasSyntaxErrors(source: ts.SourceFile): boolean {
  if ("parseDiagnostics" in source && Array.isArray(source.parseDiagnostics)) return source.parseDiagnostics.length > 0;
  throw new TypeError("The compiler no longer says what it could not parse.");
}

function scriptKind(path: string): ts.ScriptKind {
  if (/\.tsx$/i.test(path)) return ts.ScriptKind.TSX;
  // Plain JavaScript may hold JSX.
  return /\.[cm]?ts$/i.test(path) ? ts.ScriptKind.TS : ts.ScriptKind.JSX;
}

/** Every node below `root` and itself, in the order of the text; a visitor that answers `false` is not led further down. */
export function eachNode(root: ts.Node, visit: (node: ts.Node) => unknown): void {
  if (visit(root) === false) return;
  ts.forEachChild(root, (child) => eachNode(child, visit));
}

export function someNode(root: ts.Node, holds: (node: ts.Node) => boolean): boolean {
  return holds(root) || (ts.forEachChild(root, (child) => someNode(child, holds) || undefined) ?? false);
}

export function isFunction(node: ts.Node): node is FunctionNode {
  return (
    ts.isFunctionDeclaration(node) ||
    ts.isFunctionExpression(node) ||
    ts.isArrowFunction(node) ||
    ts.isMethodDeclaration(node) ||
    ts.isConstructorDeclaration(node) ||
    ts.isAccessor(node)
  );
}

/** The function whose body holds `node`; `undefined` at the top of a file. */
export function functionAround(node: ts.Node): FunctionNode | undefined {
  for (let at = node.parent; at !== undefined; at = at.parent) if (isFunction(at)) return at;
  return undefined;
}

/** What a function goes by: its own name, or that of the variable or property that holds it. */
export function nameOf(fn: FunctionNode): string {
  if (fn.name !== undefined) return fn.name.getText();
  const { parent } = fn;
  if (ts.isVariableDeclaration(parent) || ts.isPropertyAssignment(parent) || ts.isPropertyDeclaration(parent)) {
    return parent.name.getText();
  }
  return ts.isBinaryExpression(parent) ? (parent.left.getText().split(".").at(-1) ?? "") : "";
}

/** The statement in a list of statements that holds `node`: only beside such a one can another be put. */
export function statementAround(node: ts.Node): ts.Statement | undefined {
  for (let at = node; at.parent !== undefined; at = at.parent) {
    if (isFunction(at)) return undefined;
    if (ts.isStatement(at) && statementsOf(at.parent) !== undefined && !ts.isBlock(at)) return at;
  }
  return undefined;
}

/** The list of statements that `node` consists of, if it is such a list. */
export function statementsOf(node: ts.Node): readonly ts.Statement[] | undefined {
  if (ts.isBlock(node) || ts.isSourceFile(node) || ts.isCaseOrDefaultClause(node)) return node.statements;
  return undefined;
}

/** The expression without what changes nothing at run time: parentheses, assertions of type. */
export function unwrap(node: ts.Expression): ts.Expression {
  let at = node;
  while (
    ts.isParenthesizedExpression(at) ||
    ts.isAsExpression(at) ||
    ts.isSatisfiesExpression(at) ||
    ts.isNonNullExpression(at) ||
    ts.isTypeAssertionExpression(at)
  ) {
    at = at.expression;
  }
  return at;
}

/**
 * One text for each value that two looks find unchanged (`user`, `this.socket`, `rows[0].id`); `undefined` for calls and
 * everything else that may answer differently the next time.
 */
export function keyOf(node: ts.Expression): string | undefined {
  const at = unwrap(node);
  if (ts.isIdentifier(at)) return at.text;
  if (at.kind === ts.SyntaxKind.ThisKeyword) return "this";
  if (ts.isPropertyAccessExpression(at)) {
    const owner = keyOf(at.expression);
    return owner === undefined ? undefined : `${owner}.${at.name.text}`;
  }
  if (!ts.isElementAccessExpression(at)) return undefined;
  const owner = keyOf(at.expression);
  const index = unwrap(at.argumentExpression);
  if (owner === undefined) return undefined;
  if (ts.isStringLiteralLike(index))
    return /^[A-Za-z_$][\w$]*$/.test(index.text) ? `${owner}.${index.text}` : `${owner}["${index.text}"]`;
  if (ts.isNumericLiteral(index)) return `${owner}[${index.text}]`;
  const key = keyOf(index);
  return key === undefined ? undefined : `${owner}[${key}]`;
}

/** The first name of a chain: `req` of `req.body.user`. */
export function rootOf(node: ts.Expression): ts.Identifier | undefined {
  let at = unwrap(node);
  for (;;) {
    if (ts.isIdentifier(at)) return at;
    if (ts.isPropertyAccessExpression(at) || ts.isElementAccessExpression(at) || ts.isCallExpression(at))
      at = unwrap(at.expression);
    else if (ts.isAwaitExpression(at)) at = unwrap(at.expression);
    else return undefined;
  }
}

/** Line of a position, counted from 1. */
export function lineOf(code: Code, position: number): number {
  return code.source.getLineAndCharacterOfPosition(position).line + 1;
}

export function startLine(code: Code, node: ts.Node): number {
  return lineOf(code, node.getStart(code.source));
}

/** The name's declarations in this file that are in force at `at`, innermost scope first. */
export function declarationOf(name: string, at: ts.Node): Binding | undefined {
  for (let scope: ts.Node | undefined = at.parent; scope !== undefined; scope = scope.parent) {
    const found = bindingIn(scope, name, at);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Where a name gets its value. */
export type Binding =
  | { kind: "variable"; node: ts.VariableDeclaration; element: ts.BindingElement | undefined }
  | { kind: "parameter"; node: ts.ParameterDeclaration; element: ts.BindingElement | undefined; fn: FunctionNode }
  | { kind: "other"; node: ts.Node };

function bindingIn(scope: ts.Node, name: string, at: ts.Node): Binding | undefined {
  if (isFunction(scope)) {
    for (const node of scope.parameters) {
      const found = bound(node.name, name);
      if (found !== undefined) return { kind: "parameter", node, element: found.element, fn: scope };
    }
    if (scope.name?.getText() === name) return { kind: "other", node: scope };
  }
  if (ts.isForStatement(scope) || ts.isForOfStatement(scope) || ts.isForInStatement(scope)) {
    const { initializer } = scope;
    if (initializer !== undefined && ts.isVariableDeclarationList(initializer)) return inList(initializer, name);
  }
  if (ts.isCatchClause(scope) && scope.variableDeclaration !== undefined) {
    return bound(scope.variableDeclaration.name, name) === undefined ? undefined : { kind: "other", node: scope };
  }
  for (const statement of statementsOf(scope) ?? []) {
    const found = declaredBy(statement, name);
    if (found !== undefined && found.node !== at) return found;
  }
  return undefined;
}

function declaredBy(statement: ts.Statement, name: string): Binding | undefined {
  if (ts.isVariableStatement(statement)) return inList(statement.declarationList, name);
  if (ts.isFunctionDeclaration(statement) || ts.isClassDeclaration(statement) || ts.isEnumDeclaration(statement)) {
    return statement.name?.text === name ? { kind: "other", node: statement } : undefined;
  }
  if (!ts.isImportDeclaration(statement) || statement.importClause === undefined) return undefined;
  const { name: own, namedBindings } = statement.importClause;
  const names = [own?.text];
  if (namedBindings !== undefined && ts.isNamespaceImport(namedBindings)) names.push(namedBindings.name.text);
  else for (const element of namedBindings?.elements ?? []) names.push(element.name.text);
  return names.includes(name) ? { kind: "other", node: statement } : undefined;
}

function inList(list: ts.VariableDeclarationList, name: string): Binding | undefined {
  for (const node of list.declarations) {
    const found = bound(node.name, name);
    if (found !== undefined) return { kind: "variable", node, element: found.element };
  }
  return undefined;
}

function bound(pattern: ts.BindingName, name: string): { element: ts.BindingElement | undefined } | undefined {
  if (ts.isIdentifier(pattern)) return pattern.text === name ? { element: undefined } : undefined;
  for (const element of pattern.elements) {
    if (ts.isOmittedExpression(element)) continue;
    const found = bound(element.name, name);
    if (found !== undefined) return { element: found.element ?? element };
  }
  return undefined;
}
