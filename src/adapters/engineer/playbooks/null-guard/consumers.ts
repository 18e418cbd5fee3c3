import { ts } from "ts-morph";
import type { OpenFile } from "../code/project.ts";
import { eachNode, type FunctionNode, functionAround, isFunction, keyOf, someNode, unwrap } from "../code/syntax.ts";
import { asTest, isTest } from "./conditions.ts";
import { isGuarded, nothingOf } from "./presence.ts";
import { no, plainly, probably, type Use } from "./use.ts";

const depthMax = 4;
const referencesMax = 40;
/** The whole chain that ends early when one of its links is nothing: `a.b.c(d)` for `a.b`. */
export function chainAround(node: ts.Expression): ts.Expression {
  let at = node;
  for (;;) {
    const { parent } = at;
    const continues =
      (ts.isPropertyAccessExpression(parent) || ts.isElementAccessExpression(parent) || ts.isCallExpression(parent)) &&
      parent.expression === at;
    if (!continues && !ts.isNonNullExpression(parent)) return at;
    at = parent;
  }
}

/** What becomes of a value that may be `undefined` from now on. */
export function fateOf(node: ts.Expression, open: OpenFile, depth = 0): Use {
  const { parent } = node;
  if (depth > depthMax) return no("is used in too many places to follow");
  if (ts.isParenthesizedExpression(parent) || ts.isAwaitExpression(parent)) return fateOf(parent, open, depth);
  if (ts.isAsExpression(parent) || ts.isSatisfiesExpression(parent)) return fateOf(parent, open, depth);
  if (ts.isBinaryExpression(parent)) return inOperation(node, parent, open, depth);
  if (ts.isTypeOfExpression(parent)) return plainly("is only asked for its type");
  if (ts.isPrefixUnaryExpression(parent)) {
    return parent.operator === ts.SyntaxKind.ExclamationToken ? asTest(parent) : no("is reckoned with");
  }
  if (ts.isConditionalExpression(parent)) return inChoice(node, parent, open, depth);
  if (isTest(node)) return asTest(node);
  if (ts.isJsxExpression(parent)) return inMarkup(node, parent, open);
  if (ts.isTemplateSpan(parent)) return isLogged(parent) ? plainly("is only logged") : no("becomes part of a text");
  if (ts.isExpressionStatement(parent)) return asEffect(node);
  if (ts.isVariableDeclaration(parent)) return asVariable(parent, open, depth);
  if (ts.isPropertyAssignment(parent)) return asProperty(node, parent, open);
  if (ts.isReturnStatement(parent)) return asResult(node, functionAround(node), open);
  if (ts.isArrowFunction(parent)) return asResult(node, parent, open);
  if (ts.isCallExpression(parent) || ts.isNewExpression(parent)) return asArgument(node, parent, open);
  if (ts.isSpreadAssignment(parent)) return plainly("is spread into an object, where nothing adds nothing");
  if (ts.isDeleteExpression(parent)) return plainly("is deleted");
  return typed(node, open) ?? no("must be there");
}

function inOperation(node: ts.Expression, parent: ts.BinaryExpression, open: OpenFile, depth: number): Use {
  const kind = parent.operatorToken.kind;
  const isLeft = parent.left === node;
  if (kind === ts.SyntaxKind.QuestionQuestionToken || kind === ts.SyntaxKind.BarBarToken) {
    return isLeft
      ? plainly(`has a value to fall back on (${parent.operatorToken.getText()})`)
      : fateOf(parent, open, depth);
  }
  if (kind === ts.SyntaxKind.AmpersandAmpersandToken) {
    return isTest(parent) || (isLeft && isTest(parent)) ? asTest(parent) : fateOf(parent, open, depth);
  }
  const isEquality =
    kind === ts.SyntaxKind.EqualsEqualsEqualsToken ||
    kind === ts.SyntaxKind.ExclamationEqualsEqualsToken ||
    kind === ts.SyntaxKind.EqualsEqualsToken ||
    kind === ts.SyntaxKind.ExclamationEqualsToken;
  if (isEquality) return asTest(parent);
  if (kind === ts.SyntaxKind.InstanceOfKeyword && isLeft) return asTest(parent);
  if (kind >= ts.SyntaxKind.LessThanToken && kind <= ts.SyntaxKind.GreaterThanEqualsToken) {
    const outcome = asTest(parent);
    return outcome.accepts && isTest(parent) && !open.isStrict
      ? { ...outcome, sure: false }
      : no("is compared by size");
  }
  if (kind !== ts.SyntaxKind.EqualsToken) return no("is reckoned with");
  if (isLeft) return no("is assigned to");
  if (ts.isIdentifier(parent.left)) {
    const fn = functionAround(parent);
    return fn?.body === undefined
      ? no("is kept in the file's own state")
      : ofName(parent.left.text, fn.body, parent.getEnd(), open, depth);
  }
  return typed(node, open) ?? no("is kept in an object that others read");
}

function inChoice(node: ts.Expression, parent: ts.ConditionalExpression, open: OpenFile, depth: number): Use {
  if (parent.condition === node) return asTest(node);
  const other = parent.whenTrue === node ? parent.whenFalse : parent.whenTrue;
  return nothingOf(other) !== undefined ? plainly("may be nothing already") : fateOf(parent, open, depth);
}

function inMarkup(node: ts.Expression, parent: ts.JsxExpression, open: OpenFile): Use {
  if (!ts.isJsxAttribute(parent.parent)) return plainly("is rendered, where nothing shows nothing");
  const tag = parent.parent.parent.parent.tagName.getText();
  const isOwnElement = /^[a-z]/.test(tag) && !/^(key|value|checked)$/.test(parent.parent.name.getText());
  return isOwnElement
    ? plainly("is an attribute that may be left out")
    : (typed(node, open) ?? no("is a property of a component"));
}

/** Steps that have nothing to do when what they act on is not there. Any other would be left out silently. */
const harmless =
  /^(?:abort|blur|cancel|clear|close|destroy|disconnect|dispose|emit|end|focus|hide|kill|pause|release|remove|removeEventListener|removeListener|removeAllListeners|scrollIntoView|stop|terminate|unobserve|unref|unsubscribe)$/;

function asEffect(node: ts.Expression): Use {
  const at = unwrap(node);
  const called = ts.isCallExpression(at) ? unwrap(at.expression) : undefined;
  const name = called !== undefined && ts.isPropertyAccessExpression(called) ? called.name.text : "";
  return harmless.test(name) ? plainly("has nothing to end where nothing is") : no("would be left out silently");
}

function asVariable({ name, type, parent }: ts.VariableDeclaration, open: OpenFile, depth: number): Use {
  if (!ts.isIdentifier(name)) return no("is taken apart");
  if (type !== undefined && !/\b(undefined|any|unknown)\b/.test(type.getText()))
    return no("is declared as always there");
  const statement = parent.parent;
  const fn = functionAround(statement);
  const isExported =
    ts.isVariableStatement(statement) && statement.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword);
  if (isExported === true || fn?.body === undefined) return no("is part of the file's own state");
  return ofName(name.text, fn.body, parent.getEnd(), open, depth);
}

/** The uses of a variable decide together: the least sure counts. */
function ofName(name: string, scope: ts.Node, after: number, open: OpenFile, depth: number): Use {
  const references: ts.Identifier[] = [];
  eachNode(scope, (node) => {
    if (ts.isIdentifier(node) && node.text === name && node.getStart() >= after && isReference(node))
      references.push(node);
  });
  if (references.length === 0 || references.length > referencesMax)
    return no("goes on in ways that cannot be followed");
  let weakest = plainly(`is kept in \`${name}\`, which is only tested or may be nothing wherever it is used`);
  for (const reference of references) {
    if (isGuarded(reference, name, "undefined") || isPlainTarget(reference)) continue;
    const { parent } = reference;
    const isRead =
      (ts.isPropertyAccessExpression(parent) || ts.isElementAccessExpression(parent)) &&
      parent.expression === reference;
    if (
      (isRead && parent.questionDotToken === undefined) ||
      (ts.isCallExpression(parent) && parent.expression === reference)
    ) {
      return no(`is read from again in \`${parent.getText().slice(0, 60)}\``);
    }
    const use = fateOf(isRead ? chainAround(parent) : reference, open, depth + 1);
    if (!use.accepts) return use;
    if (!use.sure) weakest = { ...weakest, sure: false };
  }
  return weakest;
}

function isReference(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) return parent.expression === node;
  return !(ts.isPropertyAssignment(parent) && parent.name === node) && !ts.isBindingElement(parent);
}

function isPlainTarget({ parent }: ts.Identifier): boolean {
  return (
    ts.isBinaryExpression(parent) &&
    parent.operatorToken.kind === ts.SyntaxKind.EqualsToken &&
    ts.isIdentifier(parent.left) &&
    parent.left.text === keyOf(parent.left)
  );
}

function asProperty(node: ts.Expression, parent: ts.PropertyAssignment, open: OpenFile): Use {
  const says = typed(node, open);
  if (says !== undefined) return says;
  if (isLogged(parent)) return plainly("is only logged");
  if (open.isStrict && open.checker.getContextualType(node) !== undefined)
    return no("is a property that must be there");
  const optional = parent.parent.properties.some(
    (other) => other !== parent && ts.isPropertyAssignment(other) && mayBeNothing(other.initializer),
  );
  return optional
    ? plainly("is one of several properties that may be missing")
    : probably("is a property of a plain object");
}

/** Values that are `undefined` when there is none: a header, a fallback to nothing, an optional chain. */
function mayBeNothing(value: ts.Expression): boolean {
  const at = unwrap(value);
  if (ts.isConditionalExpression(at)) return [at.whenTrue, at.whenFalse].some((side) => nothingOf(side) !== undefined);
  if (ts.isBinaryExpression(at))
    return at.operatorToken.kind === ts.SyntaxKind.AmpersandAmpersandToken || nothingOf(at.right) !== undefined;
  if (ts.isElementAccessExpression(at)) return /\b(headers|query|params|cookies|env)\[/.test(at.getText());
  return someNode(at, (inner) => ts.isPropertyAccessExpression(inner) && inner.questionDotToken !== undefined);
}

function asResult(node: ts.Expression, fn: FunctionNode | undefined, open: OpenFile): Use {
  if (fn === undefined) return no("is the result");
  const says = typed(node, open);
  if (says?.accepts) return says;
  const call = fn.parent;
  if (ts.isCallExpression(call) && ts.isPropertyAccessExpression(call.expression)) {
    const method = call.expression.name.text;
    if (/^(filter|find|findIndex|findLast|some|every)$/.test(method))
      return plainly("decides for one entry of a list, and nothing means no");
    if (method === "forEach") return asEffect(node);
  }
  if (says !== undefined || fn.type !== undefined) return no("is a result that must be there");
  return answersNothing(fn)
    ? plainly("is the result of a function that answers nothing elsewhere too")
    : no("is a result that callers rely on");
}

/** Whether the function says `return`, `return null` or `return undefined` somewhere. */
function answersNothing(fn: FunctionNode): boolean {
  let found = false;
  if (fn.body === undefined) return false;
  eachNode(fn.body, (node) => {
    if (node !== fn.body && isFunction(node)) return false;
    if (ts.isReturnStatement(node)) found ||= node.expression === undefined || nothingOf(node.expression) !== undefined;
    return undefined;
  });
  return found;
}

const indifferent =
  /^(?:Array\.isArray|Boolean|Number\.is\w+|Object\.is|Buffer\.isBuffer|(?:\w+\.)?(?:setTag|setUser|setContext|addBreadcrumb))$/;

function asArgument(node: ts.Expression, call: ts.CallExpression | ts.NewExpression, open: OpenFile): Use {
  if (isLogged(call)) return plainly("is only logged");
  const callee = call.expression.getText();
  if (indifferent.test(callee)) return plainly(`goes to ${callee}, which takes anything`);
  if (ts.isNewExpression(call) && /^(Set|Map)$/.test(callee)) return plainly(`makes an empty ${callee}`);
  if (ts.isNewExpression(call) && call.arguments === undefined) return no("is what gets created");
  return typed(node, open) ?? no(`goes to ${callee.slice(0, 60)}, which may need it`);
}

function isLogged(node: ts.Node): boolean {
  for (let at: ts.Node = node; at !== undefined && !ts.isStatement(at); at = at.parent) {
    if (ts.isCallExpression(at) && /(^|\.)(console|log|logger)(\.\w+)?$/.test(at.expression.getText())) return true;
  }
  return false;
}

/** What the types say, where they say anything: `undefined` when they do not. */
function typed(node: ts.Expression, open: OpenFile): Use | undefined {
  if (!/\.[cm]?tsx?$/i.test(open.code.path)) return undefined;
  const type = open.checker.getContextualType(node) ?? resultType(node, open);
  if (type === undefined || type.flags & ts.TypeFlags.Any) return undefined;
  if (type.flags & ts.TypeFlags.Unknown) return probably("may be anything");
  const accepts = type.isUnion() ? type.types.some(isUndefined) : isUndefined(type);
  if (accepts) return plainly("may be undefined by its type");
  return open.isStrict ? no("must be there by its type") : undefined;
}

function resultType(node: ts.Expression, { checker }: OpenFile): ts.Type | undefined {
  const fn = ts.isArrowFunction(node.parent)
    ? node.parent
    : ts.isReturnStatement(node.parent)
      ? functionAround(node)
      : undefined;
  return fn?.type === undefined ? undefined : checker.getTypeFromTypeNode(fn.type);
}

function isUndefined(type: ts.Type): boolean {
  return (type.flags & (ts.TypeFlags.Undefined | ts.TypeFlags.Void)) !== 0;
}
