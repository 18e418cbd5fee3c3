import { ts } from "ts-morph";
import {
  declarationOf,
  type FunctionNode,
  functionAround,
  rootOf,
  someNode,
  startLine,
  statementAround,
  statementsOf,
} from "../code/syntax.ts";
import { endsItsLine, endsWithSemicolons, guardText, indentAt, nextLineStart, quoteOf } from "../code/text.ts";
import { adapted, isSpoken, sentencesOf, statusOf } from "./answer.ts";
import type { Exit, NullTest } from "./exits.ts";
import { type Fault, touchesAccess } from "./fault.ts";
import { type Handler, handlerOf } from "./handler.ts";
import { isInline } from "./origin.ts";
import { type Draft, isTestedElsewhere, placeDoubt, type Surroundings } from "./plan.ts";
import { assigns, leaves } from "./presence.ts";
import { messageFor, type WantedStatus } from "./wording.ts";

/** Where a guard can stand, and what it tests. */
interface Spot {
  position: number;
  indent: string;
  fn: FunctionNode;
  /** A node at the place: names are looked up from here. */
  at: ts.Node;
  where: string;
}

/** In a function that answers requests: an early answer in the way this file, or the nearest one, gives such answers. */
export function answerGuard(surroundings: Surroundings): Draft | undefined {
  const { fault } = surroundings;
  const { origin } = fault;
  const status = statusFor(fault);
  const spot = spotFor(fault);
  if (status === undefined || spot === undefined || fault.key === undefined) return undefined;
  const handler = handlerOf(spot.fn, fault.code);
  if (handler === undefined) return undefined;
  const found = bestAnswer(surroundings, spot, status);
  const body = found?.body ?? ownAnswer(surroundings, handler, status);
  if (body === undefined) return undefined;
  const guard = {
    condition: conditionFor(surroundings, found?.exit),
    body,
    indent: spot.indent,
    braces: found?.exit.braces ?? usualBraces(surroundings),
    oneLine: found?.exit.oneLine ?? false,
  };
  const sure = found === undefined ? 75 : found.exit.code === fault.code ? 92 : 90;
  const doubt = origin.source === "call" ? 14 : origin.source === "session" ? 4 : 0;
  return {
    edits: [{ start: spot.position, end: spot.position, text: guardText(fault.code, guard) }],
    strategy: `guard ${spot.where}: when \`${fault.shown}\` is missing, answer ${answerInWords(found?.exit, status)}`,
    subject: `Answer ${status} when ${origin.noun === "" ? fault.shown : `the ${origin.noun}`} is missing`,
    confidence: sure - doubt - placeDoubt(fault),
    personBecause: touchesAccess(fault) || status === 401 ? "the change decides who gets in" : null,
  };
}

function answerInWords(model: Exit | undefined, status: WantedStatus): string {
  if (model === undefined) return `${status}`;
  const like = `in the way of ${model.code.path}:${startLine(model.code, model.statement)}`;
  return isSpoken(model) && statusOf(model) === undefined ? like : `${status} ${like}`;
}

/** 404 for what was looked up, 400 for what was not sent, 401 for nobody; nothing for another service's answers. */
function statusFor({ origin }: Fault): WantedStatus | undefined {
  switch (origin.source) {
    case "lookup":
    case "call":
      return 404;
    case "input":
      return 400;
    case "session":
      return 401;
    default:
      return undefined;
  }
}

/**
 * Right after the value got its name; before the failing statement where other ways through the function can do without
 * the value, or where it has no declaration of its own.
 */
export function spotFor(fault: Fault): Spot | undefined {
  const { code, access, key, origin } = fault;
  if (key === undefined || isInline(access.receiver)) return undefined;
  const declared = origin.statement;
  const { fn: outer } = origin;
  const isClear =
    declared !== undefined &&
    outer?.body !== undefined &&
    hasValue(declared, access.receiver) &&
    endsItsLine(code.text, declared.getEnd()) &&
    !isTestedElsewhere(outer.body, key, access.node) &&
    !isSetBetween(declared, access.node, key);
  // A part of what was sent is asked for where it is needed; a result is asked for where it arrives.
  const failing = statementAround(access.node);
  const isPart = origin.source === "input" && key.includes(".") && beforeFailing(fault, failing) !== undefined;
  if (isClear && !isPart) {
    const last = afterItsChecks(declared, access.receiver, code.text);
    const at = access.node;
    return {
      position: nextLineStart(code.text, last.getEnd()),
      indent: indentAt(code.text, declared.getStart()),
      fn: outer,
      at,
      where: "after the query",
    };
  }
  return beforeFailing(fault, failing);
}

function beforeFailing({ access, code }: Fault, failing: ts.Statement | undefined): Spot | undefined {
  const fn = functionAround(access.node);
  if (failing === undefined || fn === undefined || functionAround(failing) !== fn) return undefined;
  if (!isAlwaysReached(access.node, failing)) return undefined;
  const start = failing.getStart();
  const indent = indentAt(code.text, start);
  const isFirstOnItsLine = /^[ \t]*$/.test(code.text.slice(code.text.lastIndexOf("\n", start - 1) + 1, start));
  if (!isFirstOnItsLine) return undefined;
  return { position: start - indent.length, indent, fn, at: failing, where: "before the line that fails" };
}

/** Whether the declaration itself gives the value; `let found;` says nothing yet. */
function hasValue(statement: ts.Statement, receiver: ts.Expression): boolean {
  const root = rootOf(receiver);
  const binding = root === undefined ? undefined : declarationOf(root.text, receiver);
  return binding?.kind === "variable" && binding.node.initializer !== undefined && ts.isVariableStatement(statement);
}

function isSetBetween(declared: ts.Statement, node: ts.Node, key: string): boolean {
  const stem = key.split(/[.[]/, 1)[0] ?? key;
  const statements = statementsOf(declared.parent) ?? [];
  return statements.some(
    (statement) =>
      statement.getStart() > declared.getStart() &&
      statement.getStart() <= node.getStart() &&
      assigns(statement, key, stem),
  );
}

/** `if (error) return …` for the same query comes first: it says more than that nothing was found. */
function afterItsChecks(declared: ts.Statement, receiver: ts.Expression, text: string): ts.Statement {
  const statements = statementsOf(declared.parent) ?? [];
  const names = new Set<string>();
  if (ts.isVariableStatement(declared)) {
    for (const { name } of declared.declarationList.declarations) {
      if (!ts.isIdentifier(name))
        for (const element of name.elements) if (ts.isBindingElement(element)) names.add(element.name.getText());
    }
  }
  const own = rootOf(receiver)?.text;
  const mentions = (node: ts.Node, wanted: (name: string) => boolean) =>
    someNode(node, (at) => ts.isIdentifier(at) && wanted(at.text));
  let last = declared;
  for (const next of statements.slice(statements.indexOf(declared) + 1)) {
    const isCheck = ts.isIfStatement(next) && leaves(next.thenStatement) && next.elseStatement === undefined;
    if (!isCheck || !endsItsLine(text, next.getEnd())) break;
    if (!mentions(next.expression, (name) => names.has(name) && name !== own) || mentions(next, (name) => name === own))
      break;
    last = next;
  }
  return last;
}

/** Whether the statement cannot be gone through without coming by the access. */
function isAlwaysReached(node: ts.Node, statement: ts.Statement): boolean {
  for (let child = node; child !== statement; child = child.parent) {
    const { parent } = child;
    if (ts.isIfStatement(parent) && child !== parent.expression) return false;
    if (ts.isConditionalExpression(parent) && child !== parent.condition) return false;
    if (
      ts.isBinaryExpression(parent) &&
      child === parent.right &&
      /^(&&|\|\||\?\?)/.test(parent.operatorToken.getText())
    )
      return false;
    if (ts.isWhileStatement(parent) || ts.isDoStatement(parent) || ts.isForStatement(parent)) return false;
    if (ts.isTryStatement(parent) || ts.isSwitchStatement(parent)) return false;
  }
  return true;
}

function bestAnswer({ fault, own, nearby }: Surroundings, spot: Spot, status: WantedStatus) {
  const ranked = [...own, ...nearby]
    .map((exit, index) => ({ exit, rank: rankOf(exit, fault, spot, status) - index / 1_000 }))
    .sort((one, other) => other.rank - one.rank);
  const answers = ranked.filter(({ exit }) => statusOf(exit) !== undefined || (exit.fn === spot.fn && isSpoken(exit)));
  const examples = answers.filter(({ exit }) => statusOf(exit) === status).flatMap(({ exit }) => sentencesOf(exit));
  const others = answers.flatMap(({ exit }) => sentencesOf(exit));
  const wanted = {
    status,
    noun: fault.origin.noun,
    examples: examples.length > 0 ? examples : others,
    code: fault.code,
    fn: spot.fn,
    at: spot.at,
  };
  for (const { exit } of answers) {
    const body = adapted(exit, wanted);
    if (body !== undefined) return { exit, body };
  }
  return undefined;
}

/** The same status in the same file is the best model, then the same file, then the same status elsewhere. */
function rankOf(exit: Exit, fault: Fault, spot: Spot, status: WantedStatus): number {
  const isOwn = exit.code === fault.code;
  const isSame = statusOf(exit) === status || (exit.fn === spot.fn && isSpoken(exit));
  return (isOwn ? 4 : 0) + (isSame ? 3 : 0) + (exit.fn === spot.fn ? 1 : 0) + (exit.test !== undefined ? 0.5 : 0);
}

/** Where nothing nearby answers errors: the plain way of the framework, which a person should look at. */
function ownAnswer({ fault }: Surroundings, { style, through }: Handler, status: WantedStatus): string[] | undefined {
  const quote = quoteOf(fault.code.text);
  const end = endsWithSemicolons(fault.code.text) ? ";" : "";
  const body = `{ error: ${quote}${messageFor(status, fault.origin.noun, [])}${quote} }`;
  switch (style) {
    case "web":
      return [`return ${through}.json(${body}, { status: ${status} })${end}`];
    case "express":
      return [`return ${through}.status(${status}).json(${body})${end}`];
    case "fastify":
      return [`return ${through}.code(${status}).send(${body})${end}`];
    case "hono":
      return [`return ${through}.json(${body}, ${status})${end}`];
    case "other":
      return undefined;
  }
}

/** The test for a missing value, as this code writes it and as the value allows. */
export function conditionFor({ fault, own, nearby }: Surroundings, model: Exit | undefined): string {
  const { error, open, access } = fault;
  const shown = access.receiver.getText();
  const style = model?.test ?? usualTest(own) ?? usualTest(nearby) ?? "bang";
  const type = open.checker.getTypeAtLocation(access.receiver);
  if (style === "bang" && !mayBeEmpty(type, fault)) return `!${shown}`;
  if (style === "loose" || (style === "bang" && /[^=!]== ?null/.test(fault.code.text))) return `${shown} == null`;
  const parts = type.isUnion() ? type.types : [type];
  const mayBe = (flag: ts.TypeFlags) => parts.some(({ flags }) => flags & flag);
  const values = [
    ...(error.value !== "null" || mayBe(ts.TypeFlags.Undefined) ? ["undefined"] : []),
    ...(error.value !== "undefined" || mayBe(ts.TypeFlags.Null) ? ["null"] : []),
  ];
  return values.map((value) => `${shown} === ${value}`).join(" || ");
}

const textMethods =
  /^(length|trim|split|replace|toLowerCase|toUpperCase|toFixed|slice|substring|startsWith|endsWith|includes|match|charAt|toString)$/;

/** Texts and numbers: `!x` would take an empty text or a zero for a missing one. */
function mayBeEmpty(type: ts.Type, { error }: Fault): boolean {
  const parts = type.isUnion() ? type.types : [type];
  const plain = ts.TypeFlags.StringLike | ts.TypeFlags.NumberLike | ts.TypeFlags.BooleanLike;
  if (parts.some(({ flags }) => flags & plain)) return true;
  const isKnown = (type.flags & (ts.TypeFlags.Any | ts.TypeFlags.Unknown)) === 0;
  return !isKnown && textMethods.test(error.property ?? "");
}

function usualTest(exits: Exit[]): NullTest | undefined {
  const counts = new Map<NullTest, number>();
  for (const { test } of exits) if (test !== undefined) counts.set(test, (counts.get(test) ?? 0) + 1);
  return [...counts].sort((one, other) => other[1] - one[1])[0]?.[0];
}

function usualBraces({ own, nearby }: Surroundings): boolean {
  const exits = own.length > 0 ? own : nearby;
  return exits.length === 0 || exits.filter(({ braces }) => braces).length * 2 >= exits.length;
}
