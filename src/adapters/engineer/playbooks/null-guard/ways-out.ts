import { ts } from "ts-morph";
import {
  eachNode,
  type FunctionNode,
  isFunction,
  keyOf,
  someNode,
  startLine,
  statementAround,
  unwrap,
} from "../code/syntax.ts";
import { endsWithSemicolons, guardText, quoteOf } from "../code/text.ts";
import { chainAround } from "./consumers.ts";
import type { Exit } from "./exits.ts";
import { mayBeNothing, touchesAccess } from "./fault.ts";
import { conditionFor, spotFor } from "./guards.ts";
import { handlerOf } from "./handler.ts";
import { type Draft, placeDoubt, type Surroundings } from "./plan.ts";
import { leaves, nothingOf } from "./presence.ts";
import { capital } from "./wording.ts";

/** In any other function: the way out that it takes already when something is missing. */
export function sameWayOut(surroundings: Surroundings): Draft | undefined {
  const { fault, own } = surroundings;
  const spot = spotFor(fault);
  if (spot === undefined || fault.key === undefined || handlerOf(spot.fn, fault.code) !== undefined) return undefined;
  if (callsHooksAfter(spot.fn, spot.position)) return undefined;
  const possible = own.filter((exit) => exit.fn === spot.fn && isTransferable(exit, surroundings));
  const tests = possible.filter((exit) => exit.test !== undefined);
  // A function that answers nothing and is left early elsewhere may be left early here, whatever it asks for there.
  const models = tests.length > 0 ? tests : possible.filter(({ body }) => isBareExit(body[0]));
  const texts = new Set(models.map(({ body }) => body.map((statement) => statement.getText()).join("\n")));
  const [model] = models;
  // Several different ways out: which one belongs to this value cannot be told.
  if (model === undefined || texts.size !== 1) return undefined;
  if (tests.length === 0 && answersSomething(spot.fn)) return undefined;
  return guardDraft(
    surroundings,
    model,
    [...model.body].map((statement) => statement.getText()),
    {
      strategy: `guard ${spot.where}: leave as the function does at line ${startLine(fault.code, model.statement)}`,
      confidence: tests.length > 1 ? 86 : tests.length === 1 ? 82 : 76,
    },
  );
}

function isBareExit(statement: ts.Statement | undefined): boolean {
  if (statement === undefined) return false;
  return ts.isContinueStatement(statement) || (ts.isReturnStatement(statement) && statement.expression === undefined);
}

function answersSomething(fn: FunctionNode): boolean {
  let found = false;
  if (fn.body === undefined || !ts.isBlock(fn.body)) return true;
  eachNode(fn.body, (node) => {
    if (isFunction(node)) return false;
    if (ts.isReturnStatement(node)) found ||= node.expression !== undefined;
    return undefined;
  });
  return found;
}

/** Where the result may be null or undefined by its type, that is the answer when there is nothing to work on. */
export function answerNothing(surroundings: Surroundings): Draft | undefined {
  const { fault } = surroundings;
  const spot = spotFor(fault);
  if (spot === undefined || handlerOf(spot.fn, fault.code) !== undefined || callsHooksAfter(spot.fn, spot.position))
    return undefined;
  if (fault.origin.source === "parameter" || fault.origin.source === "unknown") return undefined;
  const nothing = nothingFrom(spot.fn, surroundings);
  if (nothing === undefined) return undefined;
  const end = endsWithSemicolons(fault.code.text) ? ";" : "";
  return guardDraft(surroundings, undefined, [`return ${nothing}${end}`], {
    strategy: `guard ${spot.where}: the function answers ${nothing} by its type when there is nothing`,
    confidence: 84,
  });
}

/** A module that throws errors of its own for what it cannot find throws one here too. */
export function throwLikeOthers(surroundings: Surroundings): Draft | undefined {
  const { fault, own } = surroundings;
  const spot = spotFor(fault);
  const { noun, source } = fault.origin;
  if (spot === undefined || source !== "lookup" || noun === "" || handlerOf(spot.fn, fault.code) !== undefined)
    return undefined;
  for (const model of own) {
    const [only, ...more] = model.body;
    if (model.test === undefined || only === undefined || more.length > 0 || !ts.isThrowStatement(only)) continue;
    const thrown = only.expression;
    const [message, ...others] = ts.isNewExpression(thrown) ? (thrown.arguments ?? []) : [];
    if (
      message === undefined ||
      others.length > 0 ||
      !/not ?found|does(?: not|n't) exist|no such/i.test(thrown.getText())
    )
      continue;
    const quote = quoteOf(fault.code.text);
    const text = `throw new ${ts.isNewExpression(thrown) ? thrown.expression.getText() : "Error"}(${quote}${capital(noun)} not found${quote})`;
    return guardDraft(surroundings, model, [only.getText().endsWith(";") ? `${text};` : text], {
      strategy: `guard ${spot.where}: throw what this module throws at line ${startLine(fault.code, model.statement)} for something that is not there`,
      confidence: 82,
    });
  }
  return undefined;
}

/** A test for being empty that ends the work: nothing at all is as empty. */
export function emptyOrMissing(surroundings: Surroundings): Draft | undefined {
  const { fault, own } = surroundings;
  const { access, key } = fault;
  const statement = statementAround(access.node);
  if (key === undefined || access.form !== "access" || statement === undefined || !ts.isIfStatement(statement))
    return undefined;
  const test = unwrap(statement.expression);
  if (
    !leaves(statement.thenStatement) ||
    !asksForEmptiness(test, chainAround(access.receiver)) ||
    test !== statement.expression
  )
    return undefined;
  if (someNode(statement.thenStatement, (node) => ts.isThrowStatement(node))) return undefined;
  const shown = access.receiver.getText();
  // `!x` would take a zero or `false` for empty as well.
  const isLoose = own.some((exit) => exit.test === "loose") || /[^=!]== ?null\b/.test(fault.code.text);
  const condition = isLoose ? `${shown} == null` : `${shown} === undefined || ${shown} === null`;
  const at = statement.expression.getStart();
  return {
    edits: [{ start: at, end: at, text: `${condition} || ` }],
    strategy: `take \`${shown}\` for empty when it is missing, as the test at line ${startLine(fault.code, statement)} does with empty ones`,
    subject: `Take a missing ${shown} for an empty one`,
    // Whoever hands a parameter in may be the one who is wrong.
    confidence: (fault.origin.source === "parameter" ? 72 : 81) - placeDoubt(fault),
    personBecause: touchesAccess(fault) ? "the surroundings decide who gets in" : null,
  };
}

/** `x.length === 0` · `x.size < 1` · `!x.length` · `x.trim() === ""`. */
function asksForEmptiness(test: ts.Expression, chain: ts.Expression): boolean {
  const isSize = /\.(length|size)$/.test(chain.getText());
  if (ts.isPrefixUnaryExpression(test)) return test.operand === chain && isSize;
  if (!ts.isBinaryExpression(test) || test.left !== chain) return false;
  const right = test.right.getText();
  const operator = test.operatorToken.getText();
  if (isSize) return (/^===?$/.test(operator) && right === "0") || (operator === "<" && right === "1");
  return /\.trim\(\)$/.test(chain.getText()) && /^===?$/.test(operator) && /^(""|'')$/.test(right);
}

/** `for (const one of list)`, `[...list]`, `Object.keys(options)`: nothing in it where the code says that it may be left out. */
export function emptyInstead({ fault, hasOptionalChaining }: Surroundings): Draft | undefined {
  const { access, open, code, key } = fault;
  if (key === undefined || (access.form !== "iterate" && access.form !== "convert")) return undefined;
  const empty = access.form === "iterate" ? "[]" : "{}";
  if (ts.isVariableDeclaration(access.node)) return undefined;
  const isOptional = open.isStrict && mayBeNothing(open.checker.getTypeAtLocation(unwrap(access.receiver)));
  let elsewhere: string | undefined;
  eachNode(code.source, (node) => {
    if (!ts.isBinaryExpression(node) || !/^(\|\||\?\?)$/.test(node.operatorToken.getText())) return;
    const isSame = keyOf(node.left)?.split(".").at(-1) === key.split(".").at(-1) && node.right.getText() === empty;
    if (isSame) elsewhere ??= node.operatorToken.getText();
  });
  if (!isOptional && elsewhere === undefined) return undefined;
  const operator = elsewhere ?? (hasOptionalChaining ? "??" : "||");
  const inPlace = `${unwrap(access.receiver).getText()} ${operator} ${empty}`;
  const text = ts.isSpreadElement(access.node) ? `(${inPlace})` : inPlace;
  return {
    edits: [{ start: access.receiver.getStart(), end: access.receiver.getEnd(), text }],
    strategy: `go through nothing when \`${fault.shown}\` is missing: ${isOptional ? "its type says that it may be left out" : "the same file does so elsewhere"}`,
    subject: `Take a missing ${fault.shown} for an empty one`,
    confidence: 82 - placeDoubt(fault),
    personBecause: touchesAccess(fault) ? "the surroundings decide who gets in" : null,
  };
}

function guardDraft(
  surroundings: Surroundings,
  model: Exit | undefined,
  body: string[],
  { strategy, confidence }: { strategy: string; confidence: number },
): Draft | undefined {
  const { fault, own } = surroundings;
  const spot = spotFor(fault);
  if (spot === undefined || fault.key === undefined) return undefined;
  const guard = {
    condition: conditionFor(surroundings, model),
    body,
    indent: spot.indent,
    braces: model?.braces ?? (own.length === 0 || own.some(({ braces }) => braces)),
    oneLine: model?.oneLine ?? false,
  };
  return {
    edits: [{ start: spot.position, end: spot.position, text: guardText(fault.code, guard) }],
    strategy,
    subject: `Handle a missing ${fault.origin.noun === "" ? fault.shown : fault.origin.noun}`,
    confidence: confidence - placeDoubt(fault),
    personBecause: touchesAccess(fault) ? "the surroundings decide who gets in" : null,
  };
}

/** Its statements mean the same at the new place: plain values only, and for a loop the same loop. */
function isTransferable(exit: Exit, { fault }: Surroundings): boolean {
  if (exit.body.length !== 1) return false;
  const [only] = exit.body;
  if (only === undefined || only.getText().includes("\n")) return false;
  if (ts.isContinueStatement(only) || ts.isBreakStatement(only))
    return loopAround(only) === loopAround(fault.access.node);
  if (loopAround(exit.statement) !== loopAround(fault.access.node)) return false;
  if (ts.isThrowStatement(only)) return false;
  if (!ts.isReturnStatement(only)) return false;
  const value = only.expression;
  if (value === undefined || nothingOf(value) !== undefined) return true;
  const isPlain = /^(true|false|''|""|``|\[\]|\{\}|-?\d+)$/.test(value.getText());
  // What a check of access says when it fails must not become the answer to something else.
  return isPlain && value.getText() !== "true";
}

function loopAround(node: ts.Node): ts.Node | undefined {
  for (let at = node.parent; at !== undefined && !isFunction(at); at = at.parent) {
    if (ts.isIterationStatement(at, false)) return at;
  }
  return undefined;
}

/** React counts hooks: a way out in front of one changes their number. */
function callsHooksAfter(fn: FunctionNode, position: number): boolean {
  return (
    fn.body !== undefined &&
    someNode(
      fn.body,
      (node) => ts.isCallExpression(node) && node.getStart() >= position && /^use[A-Z]/.test(node.expression.getText()),
    )
  );
}

function nothingFrom(fn: FunctionNode, { fault }: Surroundings): "null" | "undefined" | undefined {
  if (fn.type === undefined) return undefined;
  const { checker } = fault.open;
  const declared = checker.getTypeFromTypeNode(fn.type);
  const isAsync = fn.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.AsyncKeyword) === true;
  const type = isAsync ? (checker.getAwaitedType(declared) ?? declared) : declared;
  const parts = type.isUnion() ? type.types : [type];
  if (parts.some(({ flags }) => flags & ts.TypeFlags.Null)) return "null";
  return parts.length > 1 && parts.some(({ flags }) => flags & ts.TypeFlags.Undefined) ? "undefined" : undefined;
}
