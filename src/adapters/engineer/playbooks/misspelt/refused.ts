import { ts } from "ts-morph";
import type { Snapshot } from "#ports/repository.ts";
import { slipOf } from "../code/likeness.ts";
import { type OpenFile, openFile } from "../code/project.ts";
import { eachNode, lineOf } from "../code/syntax.ts";
import type { Assessment, Cure } from "../editing.ts";
import type { Place } from "../places.ts";
import type { NameError } from "./error-text.ts";
import { cureReading } from "./member.ts";
import { cureVariable } from "./variable.ts";

type Refused = Extract<NameError, { kind: "compiler" }>;

/** What only the compiler's report says is checked by nothing else: a person decides. */
const hearsayConfidence = 70;

/** The compiler refused a name. What it takes for meant must be what the code itself shows. */
export async function cureRefused(error: Refused, path: string, snapshot: Snapshot): Promise<Assessment> {
  const open = await openFile(path, snapshot);
  if (typeof open === "string") return { kind: "unknown", because: open };
  const node = nameAt(error, open);
  if (node === undefined)
    return {
      kind: "unknown",
      because: `${path}:${error.line} holds no \`${error.name}\`; the code may have changed since`,
    };
  const place: Place = { path, line: error.line, column: error.column, function: "", through: null };
  const found = await assessed(node, place, open, snapshot);
  if (found?.kind === "cure") {
    const agrees =
      error.suggestion === null ||
      found.changes.some(({ edits }) => edits.some(({ text }) => text.startsWith(error.suggestion ?? "")));
    return agrees
      ? found
      : {
          kind: "unknown",
          because: `the compiler takes \`${error.suggestion}\` for meant, the code says something else`,
        };
  }
  return (
    (found === undefined ? hearsay(node, error, place) : undefined) ??
    found ?? { kind: "unknown", because: `no one name can be meant by \`${error.name}\`` }
  );
}

function nameAt({ name, line, column }: Refused, { code }: OpenFile): ts.Identifier | undefined {
  const found: ts.Identifier[] = [];
  eachNode(code.source, (node) => {
    if (ts.isIdentifier(node) && node.text === name && lineOf(code, node.getStart()) === line) found.push(node);
  });
  return (
    found.find((node) => code.source.getLineAndCharacterOfPosition(node.getStart()).character + 1 === column) ??
    (found.length === 1 ? found[0] : undefined)
  );
}

async function assessed(node: ts.Identifier, place: Place, open: OpenFile, snapshot: Snapshot): Promise<Assessment> {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent) && parent.name === node) {
    const isCalled = ts.isCallExpression(parent.parent) && parent.parent.expression === parent;
    return cureReading({ owner: parent.expression, name: node, isCalled }, place, open, snapshot);
  }
  if (ts.isBindingElement(parent) && ts.isObjectBindingPattern(parent.parent)) {
    const declared = parent.parent.parent;
    const owner = ts.isVariableDeclaration(declared) ? declared.initializer : undefined;
    return owner === undefined ? undefined : cureReading({ owner, name: node, isCalled: false }, place, open, snapshot);
  }
  if (ts.isPropertyAssignment(parent) && parent.name === node) return undefined;
  const found = await cureVariable(node.text, place, snapshot);
  return found?.kind === "cure" ? found : undefined;
}

/** The types came from a package that is not at hand, so the compiler's own words are all there is. */
function hearsay(node: ts.Identifier, { name, suggestion }: Refused, place: Place): Cure | undefined {
  const slip = suggestion === null ? undefined : slipOf(name, suggestion);
  if (slip === undefined || slip.isOtherForm) return undefined;
  return {
    kind: "cure",
    rootCause: `The compiler knows no \`${name}\` at ${place.path}:${place.line} and takes \`${slip.name}\` for meant.`,
    evidence: [{ file: place.path, line: place.line, note: `\`${name}\` stands here` }],
    strategy: `write \`${slip.name}\` instead of \`${name}\``,
    subject: `Correct the name ${name} to ${slip.name}`,
    stops: `The compiler accepts the name at ${place.path}:${place.line}.`,
    confidence: hearsayConfidence,
    changes: [{ path: place.path, edits: [{ start: node.getStart(), end: node.getEnd(), text: slip.name }] }],
  };
}
