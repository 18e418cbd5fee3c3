import { ts } from "ts-morph";
import type { Snapshot } from "#ports/repository.ts";
import { identifiers, placesOfName } from "../code/names.ts";
import { type OpenFile, openFile } from "../code/project.ts";
import { eachNode, lineOf } from "../code/syntax.ts";
import type { TextEdit } from "../code/text.ts";
import type { Assessment, Cure } from "../editing.ts";
import { accessAt } from "../null-guard/access.ts";
import type { NullishError } from "../null-guard/error-text.ts";
import type { Place } from "../places.ts";
import { type Kinship, meantMember } from "./members.ts";
import { type Reading, readingOf } from "./reading.ts";

/** `order.totl()`: a member that was called is no function, because another one was meant. */
export async function cureMember(name: string, place: Place, snapshot: Snapshot): Promise<Assessment> {
  const open = await openFile(place.path, snapshot);
  if (typeof open === "string") return { kind: "unknown", because: open };
  const calls: Reading[] = [];
  eachNode(open.code.source, (node) => {
    const isCall =
      (ts.isCallExpression(node) || ts.isNewExpression(node)) && ts.isPropertyAccessExpression(node.expression);
    if (!isCall || !ts.isPropertyAccessExpression(node.expression)) return;
    const { name: called, expression: owner } = node.expression;
    if (called.text === name && ts.isIdentifier(called) && lineOf(open.code, called.getStart()) === place.line)
      calls.push({ owner, name: called, isCalled: true });
  });
  return cureReadings(calls, place, open, snapshot);
}

/** `order.itmes.length`: what was read from is not there, because another member was meant. */
export async function cureRead(error: NullishError, place: Place, snapshot: Snapshot): Promise<Assessment> {
  const open = await openFile(place.path, snapshot);
  if (typeof open === "string" || error.value === "null") return undefined;
  const access = accessAt(open.code, place, error);
  if (typeof access === "string" || access.found === "nearby") return undefined;
  const reading = readingOf(access.receiver, open);
  return reading === undefined ? undefined : cureReadings([reading], place, open, snapshot);
}

/** The name that the compiler refused at this very place. */
export function cureReading(reading: Reading, place: Place, open: OpenFile, snapshot: Snapshot): Promise<Assessment> {
  return cureReadings([reading], place, open, snapshot);
}

async function cureReadings(
  readings: Reading[],
  place: Place,
  open: OpenFile,
  snapshot: Snapshot,
): Promise<Assessment> {
  const [reading] = readings;
  if (reading === undefined || new Set(readings.map(({ owner }) => owner.getText())).size !== 1) return undefined;
  const wrong = reading.name.text;
  const meant = await meantMember(reading, open, snapshot);
  if (meant === undefined) return undefined;
  if (typeof meant === "string") return { kind: "unknown", because: meant };
  const same = sameReadings(reading, meant, open);
  if (typeof same === "string") return { kind: "unknown", because: same };
  const [elsewhere] = await placesOfName(wrong, snapshot, place.path);
  if (elsewhere !== undefined) {
    return {
      kind: "unknown",
      because: `\`${wrong}\` is a name of its own (${elsewhere.path}:${elsewhere.line}), so it may not be misspelt here`,
    };
  }
  const edits = same.flatMap((one) => renamed(one, meant.slip.name, open));
  return cure({ reading, meant, place, open }, edits);
}

/** All reads of the misspelt member; a sentence when the name stands for anything else as well. */
function sameReadings(reading: Reading, meant: Kinship, open: OpenFile): Reading[] | string {
  const found: Reading[] = [];
  for (const node of identifiers(open.code.source, reading.name.text)) {
    const { parent } = node;
    if (node === reading.name || isLocal(node, reading, open)) continue;
    const isSame = ts.isPropertyAccessExpression(parent) && parent.name === node && meant.isKin(parent.expression);
    if (!isSame)
      return `\`${node.text}\` means something else too (${open.code.path}:${lineOf(open.code, node.getStart())}), so it may not be misspelt`;
    if (isTarget(parent)) return `\`${parent.getText().slice(0, 80)}\` is written to, so it is no slip`;
    found.push({ owner: parent.expression, name: node, isCalled: false });
  }
  return [reading, ...found];
}

/** A use of the very variable that the misspelt member was put into under its own name. */
function isLocal(node: ts.Identifier, { name }: Reading, { checker }: OpenFile): boolean {
  if (!ts.isBindingElement(name.parent) || name.parent.propertyName !== undefined) return false;
  const declared = checker.getSymbolAtLocation(name);
  const used = ts.isShorthandPropertyAssignment(node.parent)
    ? checker.getShorthandAssignmentValueSymbol(node.parent)
    : checker.getSymbolAtLocation(node);
  return declared !== undefined && declared === used;
}

function isTarget(node: ts.Node): boolean {
  const { parent } = node;
  if (ts.isDeleteExpression(parent)) return true;
  if (!ts.isBinaryExpression(parent) || parent.left !== node) return false;
  const { kind } = parent.operatorToken;
  return kind >= ts.SyntaxKind.FirstAssignment && kind <= ts.SyntaxKind.LastAssignment;
}

/** `const { itmes } = order` goes on under the right name, or under its own where others rely on that. */
function renamed(reading: Reading, right: string, open: OpenFile): TextEdit[] {
  const { name } = reading;
  const whole = { start: name.getStart(), end: name.getEnd(), text: right };
  const { parent } = name;
  if (!ts.isBindingElement(parent) || parent.propertyName !== undefined) return [whole];
  const uses = identifiers(open.code.source, name.text).filter((node) => node !== name && isLocal(node, reading, open));
  const isFree = uses.every(
    (use) =>
      !ts.isShorthandPropertyAssignment(use.parent) &&
      !ts.isExportSpecifier(use.parent) &&
      !isInScope(right, use, open),
  );
  if (!isFree || isInScope(right, name, open)) return [{ ...whole, text: `${right}: ${name.text}` }];
  return [whole, ...uses.map((use) => ({ start: use.getStart(), end: use.getEnd(), text: right }))];
}

function isInScope(name: string, at: ts.Node, { checker, code }: OpenFile): boolean {
  return checker
    .getSymbolsInScope(at, ts.SymbolFlags.Value | ts.SymbolFlags.Alias)
    .some((symbol) => symbol.name === name && symbol.declarations?.some((one) => one.getSourceFile() === code.source));
}

interface Found {
  reading: Reading;
  meant: Kinship;
  place: Place;
  open: OpenFile;
}

function cure({ reading, meant, place, open }: Found, edits: TextEdit[]): Cure {
  const { slip, shown, at, certainty } = meant;
  const wrong = reading.name.text;
  const line = lineOf(open.code, reading.name.getStart());
  const evidence = [
    {
      file: place.path,
      line,
      note: `\`${wrong}\` is asked of \`${reading.owner.getText().slice(0, 120)}\`, which has no such member`,
    },
  ];
  if (at !== undefined) evidence.push({ ...at, note: `\`${slip.name}\` is declared here` });
  return {
    kind: "cure",
    rootCause: `\`${reading.owner.getText().replace(/\s+/g, " ").slice(0, 120)}\` has no \`${wrong}\` (${place.path}:${line}): ${shown}.`,
    evidence,
    strategy: `write \`${slip.name}\` instead of \`${wrong}\``,
    subject: `Correct the name ${wrong} to ${slip.name}`,
    stops: `What is asked for at ${place.path}:${line} is there.`,
    confidence: certainty - (slip.steps >= 2 ? 6 : 0),
    changes: [{ path: place.path, edits }],
  };
}
