import { ts } from "ts-morph";
import type { Snapshot } from "#ports/repository.ts";
import {
  declarationOf,
  eachNode,
  type FunctionNode,
  functionAround,
  keyOf,
  lineOf,
  parse,
  unwrap,
} from "../code/syntax.ts";
import { applyEdits, type TextEdit } from "../code/text.ts";
import type { Assessment } from "../editing.ts";
import { knowsOptionalChaining, optionalEdit } from "../null-guard/chaining.ts";
import { chainAround } from "../null-guard/consumers.ts";
import type { NullishError } from "../null-guard/error-text.ts";
import { type Fault, locate } from "../null-guard/fault.ts";
import { placeDoubt } from "../null-guard/plan.ts";
import { bareReads } from "../null-guard/presence.ts";
import type { Place } from "../places.ts";
import { expectedBy } from "./callers.ts";

/** `rows[0].id`, `cache.get(key).name`: nothing instead of a failure, where everyone who asks reckons with nothing. */
export async function cureEntry(error: NullishError, place: Place, snapshot: Snapshot): Promise<Assessment> {
  const located = await locate(place, error, snapshot);
  if (located.kind !== "fault") return undefined;
  const { fault } = located;
  const entry = entryOf(fault.access.receiver);
  if (entry === undefined || fault.access.found === "nearby") return undefined;
  if (!(await knowsOptionalChaining(fault.code, snapshot))) return undefined;
  return emptyList(fault, entry) ?? (await emptyAnswer(fault, entry, snapshot));
}

/** The list or map that was asked, and the call or index that asked it. */
interface Entry {
  asked: ts.Expression;
  owner: ts.Expression;
}

/** The receiver is an entry of a list or map, or a constant that was given one. */
function entryOf(receiver: ts.Expression): Entry | undefined {
  const at = unwrap(receiver);
  if (ts.isElementAccessExpression(at)) return { asked: at, owner: at.expression };
  if (ts.isCallExpression(at) && ts.isPropertyAccessExpression(at.expression)) {
    const isEntry = /^(?:at|get|pop|shift|find|findLast|match|exec)$/.test(at.expression.name.text);
    return isEntry ? { asked: at, owner: at.expression.expression } : undefined;
  }
  const binding = ts.isIdentifier(at) ? declarationOf(at.text, at) : undefined;
  if (binding?.kind !== "variable" || binding.node.initializer === undefined) return undefined;
  if ((ts.getCombinedNodeFlags(binding.node) & ts.NodeFlags.Const) === 0) return undefined;
  const { element, node } = binding;
  if (element === undefined) return entryOf(node.initializer ?? at);
  const isEntry =
    ts.isArrayBindingPattern(element.parent) && element.parent.parent === node && element.initializer === undefined;
  return isEntry && node.initializer !== undefined ? { asked: at, owner: node.initializer } : undefined;
}

const ofEmptyLists =
  /^(?:concat|entries|filter|flat|flatMap|forEach|includes|indexOf|join|keys|length|map|slice|some|toReversed|toSorted|values)$/;

/** A list under a key: none is an empty one where the same file says so elsewhere of the same map. */
function emptyList(fault: Fault, { asked, owner }: Entry): Assessment {
  const { access, code, place } = fault;
  const key = keyOf(owner);
  const { node } = access;
  const isListRead = ts.isPropertyAccessExpression(node) && ofEmptyLists.test(node.name.text);
  if (key === undefined || unwrap(access.receiver) !== asked || !(isListRead || access.form === "iterate"))
    return undefined;
  const model = fallbackOf(key, asked, code.source);
  if (model === undefined) return undefined;
  const line = lineOf(code, model.getStart());
  const operator = model.operatorToken.getText();
  const text = `${asked.getText()} ${operator} []`;
  const isSpread = ts.isSpreadElement(access.receiver.parent);
  const inner =
    isListRead && !ts.isParenthesizedExpression(access.receiver) ? `(${text})` : isSpread ? `(${text})` : text;
  const edit: TextEdit = { start: access.receiver.getStart(), end: access.receiver.getEnd(), text: inner };
  return {
    kind: "cure",
    rootCause: `\`${fault.shown}\` at ${place.path}:${fault.line} is not there for every key, and nothing tests it before; line ${line} takes a missing one for an empty list.`,
    evidence: [
      { file: place.path, line: fault.line, note: `\`${fault.shown}\` is taken for a list` },
      { file: place.path, line, note: `a missing one is an empty list here: ${model.getText().slice(0, 200)}` },
    ],
    strategy: `take a missing \`${fault.shown}\` for an empty list, as line ${line} does`,
    subject: `Take a missing ${keyOf(owner)} entry for an empty list`,
    stops: `A missing \`${fault.shown}\` at ${place.path}:${fault.line} counts as an empty list.`,
    confidence: 86 - placeDoubt(fault),
    changes: [{ path: code.path, edits: [edit] }],
  };
}

/** `map.get(x) ?? []` on the same map elsewhere in the file. */
function fallbackOf(key: string, asked: ts.Expression, source: ts.SourceFile): ts.BinaryExpression | undefined {
  let found: ts.BinaryExpression | undefined;
  eachNode(source, (node) => {
    if (found !== undefined || !ts.isBinaryExpression(node)) return found === undefined;
    const isFallback = /^(?:\?\?|\|\|)$/.test(node.operatorToken.getText()) && node.right.getText() === "[]";
    const left = isFallback ? entryOf(node.left) : undefined;
    if (left !== undefined && left.asked !== asked && keyOf(left.owner) === key && left.asked.kind === asked.kind)
      found = node;
    return found === undefined;
  });
  return found;
}

/** The entry's part is the function's answer, and all who call it can do with none. */
async function emptyAnswer(fault: Fault, entry: Entry, snapshot: Snapshot): Promise<Assessment> {
  const { access, code, place, key, error } = fault;
  if (access.form !== "access") return undefined;
  if (!ts.isPropertyAccessExpression(access.node) && !ts.isElementAccessExpression(access.node)) return undefined;
  const chain = chainAround(access.node);
  const fn = functionAround(access.node);
  if (fn === undefined || !isAnswer(chain, fn)) return undefined;
  const missing = error.value === "nullish" ? "undefined" : error.value;
  const scope = fn.body ?? fn;
  const reads = key === undefined ? [access.node] : bareReads(scope, key, missing);
  if (reads.some((read) => read !== access.node)) return undefined;
  const expected = await expectedBy(fn, fault.open, snapshot);
  if (typeof expected === "string")
    return {
      kind: "unknown",
      because: `\`${fault.shown}\` is not there at ${place.path}:${fault.line}, and ${expected}`,
    };
  const edits = optionalChainOf(access.node, chain, expected.nothing);
  if (edits === undefined || parse(code.path, applyEdits(code.text, edits)) === undefined) return undefined;
  return {
    kind: "cure",
    rootCause: `\`${entry.asked.getText().replace(/\s+/g, " ").slice(0, 120)}\` at ${place.path}:${fault.line} finds no entry, and nothing tests it before; ${expected.because}.`,
    evidence: [
      { file: place.path, line: fault.line, note: `\`${fault.shown}\` is read here without a test` },
      ...expected.evidence,
    ],
    strategy: `answer ${expected.nothing} when there is no such entry: ${expected.because}`,
    subject: `Answer ${expected.nothing} when ${fault.shown} is not there`,
    stops: `Reading from \`${fault.shown}\` at ${place.path}:${fault.line} does not fail any more.`,
    confidence: expected.certainty - placeDoubt(fault),
    changes: [{ path: code.path, edits }],
  };
}

/** `return entry.part`, `() => entry.part`, with or without a wait around it. */
function isAnswer(chain: ts.Expression, fn: FunctionNode): boolean {
  let at: ts.Node = chain;
  while (
    ts.isParenthesizedExpression(at.parent) ||
    ts.isAwaitExpression(at.parent) ||
    ts.isNonNullExpression(at.parent)
  )
    at = at.parent;
  return (
    (ts.isReturnStatement(at.parent) && functionAround(at.parent) === fn) ||
    (ts.isArrowFunction(at.parent) && at.parent === fn)
  );
}

function optionalChainOf(node: ts.Node, chain: ts.Expression, nothing: "undefined" | "null"): TextEdit[] | undefined {
  const edit = optionalEdit(node);
  if (edit === undefined) return undefined;
  const receiver =
    ts.isPropertyAccessExpression(node) || ts.isElementAccessExpression(node) ? node.expression : undefined;
  // The sign that it is always there was wrong.
  const claim =
    receiver !== undefined && ts.isNonNullExpression(receiver)
      ? [{ start: receiver.getEnd() - 1, end: receiver.getEnd(), text: "" }]
      : [];
  if (nothing === "undefined") return [edit, ...claim];
  const { parent } = chain;
  if (!ts.isReturnStatement(parent) && !ts.isArrowFunction(parent)) return undefined;
  return [edit, ...claim, { start: chain.getEnd(), end: chain.getEnd(), text: " ?? null" }];
}
