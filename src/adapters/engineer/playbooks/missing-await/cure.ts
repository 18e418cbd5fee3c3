import { ts } from "ts-morph";
import type { Snapshot } from "#ports/repository.ts";
import { type OpenFile, openFile } from "../code/project.ts";
import { declarationOf, eachNode, lineOf, nameOf, unwrap } from "../code/syntax.ts";
import type { Assessment, Cure } from "../editing.ts";
import type { Place } from "../places.ts";
import { waitFor } from "./awaiting.ts";
import type { PromiseError } from "./error-text.ts";
import { type Promised, promised } from "./promises.ts";
import { type Suspect, suspectsAt } from "./suspects.ts";

/** The repair of a promise that was taken for its value at the innermost of these places. */
export async function cureAt(
  [place, ...callers]: [Place, ...Place[]],
  error: PromiseError,
  snapshot: Snapshot,
): Promise<Assessment> {
  const open = await openFile(place.path, snapshot);
  if (typeof open === "string") return error.kind === "shown" ? { kind: "unknown", because: open } : undefined;
  const found = await guilty(suspectsAt(place, error, open), open, snapshot);
  if (found === undefined) return fromCaller(place, callers, error, snapshot, open);
  if (typeof found === "string") return { kind: "unknown", because: found };
  const passed = parameterOf(found.suspect.node);
  if (passed !== undefined)
    return (
      (await fromCaller(place, callers, error, snapshot, open)) ?? { kind: "unknown", because: handedIn(passed.name) }
    );
  return cureOf(found, place, open, snapshot);
}

interface Guilty {
  suspect: Suspect;
  why: Promised;
}

/** The one suspect that is a promise; a sentence when there are several. */
async function guilty(suspects: Suspect[], open: OpenFile, snapshot: Snapshot): Promise<Guilty | string | undefined> {
  const found: Guilty[] = [];
  for (const suspect of suspects) {
    const why = isAwaited(suspect.node) ? undefined : await promised(suspect, open, snapshot);
    if (why !== undefined && found.every((other) => other.suspect.node.getText() !== suspect.node.getText()))
      found.push({ suspect, why });
  }
  const [first, second] = found;
  if (first === undefined || second === undefined) return first;
  return `several values on line ${lineOf(open.code, first.suspect.node.getStart())} are promises; which one was taken for its value is not known`;
}

function isAwaited(node: ts.Expression): boolean {
  return ts.isAwaitExpression(unwrap(node)) || ts.isAwaitExpression(node.parent);
}

function parameterOf(node: ts.Expression): { name: string; index: number; fn: string } | undefined {
  const at = unwrap(node);
  const binding = ts.isIdentifier(at) ? declarationOf(at.text, at) : undefined;
  if (binding?.kind !== "parameter" || binding.element !== undefined) return undefined;
  return { name: at.getText(), index: binding.fn.parameters.indexOf(binding.node), fn: nameOf(binding.fn) };
}

function handedIn(name: string): string {
  return `\`${name}\` is handed in as a promise: the fault lies with whoever passes it`;
}

/** The value came in as an argument: the line that called says whether a promise was passed there. */
async function fromCaller(
  place: Place,
  [caller]: Place[],
  error: PromiseError,
  snapshot: Snapshot,
  open: OpenFile,
): Promise<Assessment> {
  const passed = suspectsAt(place, error, open)
    .map(({ node, wanted }) => ({ parameter: parameterOf(node), wanted }))
    .find(({ parameter }) => parameter !== undefined);
  if (passed?.parameter === undefined || caller === undefined || passed.parameter.fn === "") return undefined;
  const calling = await openFile(caller.path, snapshot);
  if (typeof calling === "string") return undefined;
  const { index, fn } = passed.parameter;
  const arguments_: ts.Expression[] = [];
  eachNode(calling.code.source, (node) => {
    if (!ts.isCallExpression(node) || lineOf(calling.code, node.expression.getEnd()) !== caller.line) return;
    const called = ts.isPropertyAccessExpression(node.expression)
      ? node.expression.name.text
      : node.expression.getText();
    const argument = node.arguments[index];
    if (called === fn && argument !== undefined && !node.arguments.some(ts.isSpreadElement)) arguments_.push(argument);
  });
  const [only, ...others] = arguments_;
  if (only === undefined || others.length > 0) return undefined;
  const found = await guilty([{ node: only, wanted: passed.wanted }], calling, snapshot);
  if (found === undefined || typeof found === "string" || parameterOf(only) !== undefined) return undefined;
  return cureOf(found, caller, calling, snapshot);
}

async function cureOf(
  { suspect, why }: Guilty,
  place: Place,
  open: OpenFile,
  snapshot: Snapshot,
): Promise<Cure | { kind: "unknown"; because: string }> {
  const waiting = await waitFor(suspect.node, open, snapshot);
  if (typeof waiting === "string")
    return {
      kind: "unknown",
      because: `\`${suspect.node.getText().slice(0, 80)}\` is a promise at ${place.path}:${place.line}, but ${waiting}`,
    };
  const shown = suspect.node.getText().replace(/\s+/g, " ").slice(0, 100);
  const line = lineOf(open.code, waiting.at.getStart());
  const evidence = [{ file: place.path, line: place.line, note: `\`${shown}\` is used as a value here` }];
  if (line !== place.line)
    evidence.push({ file: place.path, line, note: `it comes from here, without a wait: ${waiting.shown}` });
  if (why.at !== undefined) evidence.push({ ...why.at, note: why.because });
  return {
    kind: "cure",
    rootCause: `\`${shown}\` is a promise at ${place.path}:${place.line} and is used as if it were its value: ${why.because}, and nothing waits for it.`,
    evidence,
    strategy: `wait for \`${waiting.shown}\` at line ${line}`,
    subject: `Wait for ${/^[\w$.]{1,40}/.exec(waiting.shown)?.[0] ?? "the promise"}`,
    stops: `What is used at ${place.path}:${place.line} is the value and no promise.`,
    confidence: why.certainty - waiting.doubt - (suspect.wanted.kind === "anything" ? 4 : 0),
    changes: [{ path: place.path, edits: waiting.edits }],
  };
}
