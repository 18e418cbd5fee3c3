import { ts } from "ts-morph";
import type { Snapshot } from "#ports/repository.ts";
import { onlySlip, type Slip, slipOf } from "../code/likeness.ts";
import { globalNames, identifiers, isGlobal, isReference, placesOfName } from "../code/names.ts";
import { type OpenFile, openFile } from "../code/project.ts";
import { functionAround, isFunction, lineOf, nameOf } from "../code/syntax.ts";
import type { TextEdit } from "../code/text.ts";
import type { Assessment, Cure } from "../editing.ts";
import type { Place } from "../places.ts";

/** Code moves a little between the version that failed and this one. */
const driftLinesMax = 25;
const placesMax = 200;

/** A name that nothing declares, where one name in scope is the only one that can have been meant. */
export async function cureVariable(name: string, place: Place, snapshot: Snapshot): Promise<Assessment> {
  const unknown = (because: string) => ({ kind: "unknown" as const, because });
  if (isGlobal(name)) return unknown(`\`${name}\` comes with the host or the build; here it runs without it`);
  const open = await openFile(place.path, snapshot);
  if (typeof open === "string") return unknown(open);
  const uses = undeclared(name, open);
  const at = failing(uses, place, open);
  if (typeof at === "string") return unknown(at);
  const slip = meantName(name, namesAt(at, open));
  if (slip === undefined)
    return unknown(`nothing declares \`${name}\`, and no one name in scope is near enough to be meant`);
  const declaration = declarationOf(slip.name, at, open);
  const same = uses.filter((use) => declarationOf(slip.name, use, open) === declaration);
  const misfit = misfits(same, slip.name, open);
  if (misfit !== undefined) return unknown(misfit);
  const elsewhere = await elsewhereIn(name, uses, open, snapshot);
  const slips = declaration === undefined ? undefined : misspeltDeclaration(declaration, slip.name, open);
  if (slips !== undefined && (await isRarer(slip.name, name, place.path, snapshot)))
    return cure({ open, at, slip, place, isDeclaration: true }, [slips]);
  if (slip.isOtherForm)
    return unknown(`\`${name}\` may be meant as \`${slip.name}\`, or as something that was never declared`);
  if (elsewhere !== undefined)
    return unknown(`\`${name}\` is a name of its own (${elsewhere}): its declaration or import is missing here`);
  return cure({ open, at, slip, place, isDeclaration: false }, same);
}

function undeclared(name: string, open: OpenFile): ts.Identifier[] {
  return identifiers(open.code.source, name).filter(
    (node) => isReference(node) && declarationOf(name, node, open) === undefined,
  );
}

function failing(
  uses: ts.Identifier[],
  { path, line, column, function: name }: Place,
  { code }: OpenFile,
): ts.Identifier | string {
  const here = uses.filter((use) => lineOf(code, use.getStart()) === line);
  const exact = here.find((use) => code.source.getLineAndCharacterOfPosition(use.getStart()).character + 1 === column);
  if (exact !== undefined) return exact;
  const [first] = here;
  if (first !== undefined) return first;
  const near = uses.filter((use) => {
    const fn = functionAround(use);
    const isSame = fn !== undefined && name !== "" && nameOf(fn) === name.split(".").at(-1);
    return isSame && Math.abs(lineOf(code, use.getStart()) - line) <= driftLinesMax;
  });
  return near[0] ?? `line ${line} of ${path} uses no such name; the code may have changed since`;
}

/** What the file declares is meant rather than what the language brings along, unless that is plainly nearer. */
function meantName(name: string, inScope: string[]): Slip | undefined {
  const own = onlySlip(name, inScope);
  const foreign = onlySlip(name, globalNames());
  if (own === undefined) return inScope.some((one) => slipOf(name, one) !== undefined) ? undefined : foreign;
  return foreign === undefined || own.steps <= foreign.steps ? own : undefined;
}

/** Values in scope, as far as this file declares or imports them. */
function namesAt(node: ts.Node, { checker, code }: OpenFile): string[] {
  return checker
    .getSymbolsInScope(node, ts.SymbolFlags.Value | ts.SymbolFlags.Alias)
    .filter((symbol) => isHere(symbol, code.source) && isValue(symbol, checker))
    .map((symbol) => symbol.name);
}

function isHere(symbol: ts.Symbol, source: ts.SourceFile): boolean {
  return symbol.declarations?.some((declaration) => declaration.getSourceFile() === source) === true;
}

function isValue(symbol: ts.Symbol, checker: ts.TypeChecker): boolean {
  if (!(symbol.flags & ts.SymbolFlags.Alias)) return true;
  if (symbol.declarations?.some(ts.isTypeOnlyImportOrExportDeclaration) === true) return false;
  const { flags } = checker.getAliasedSymbol(symbol);
  // What a package exports is not known here; it counts as a value.
  return (flags & ts.SymbolFlags.Value) !== 0 || (flags & ts.SymbolFlags.Type) === 0;
}

/** The name's declaration in this file that is in force at `node`. */
function declarationOf(name: string, node: ts.Node, { checker, code }: OpenFile): ts.Symbol | undefined {
  return checker
    .getSymbolsInScope(node, ts.SymbolFlags.Value | ts.SymbolFlags.Alias)
    .find((symbol) => symbol.name === name && isHere(symbol, code.source));
}

/** Why the name in scope cannot stand in all these places. */
function misfits(uses: ts.Identifier[], name: string, open: OpenFile): string | undefined {
  for (const use of uses) {
    const symbol = declarationOf(name, use, open);
    const declared = symbol?.valueDeclaration;
    const type = symbol === undefined ? undefined : open.checker.getTypeOfSymbolAtLocation(symbol, use);
    if (isWritten(use) && (declared === undefined || isConstant(declared)))
      return `\`${use.text}\` is written to, and \`${name}\` cannot be`;
    if (declared !== undefined && isInside(use, declared) && ts.isVariableDeclaration(declared))
      return `\`${name}\` is not there yet where \`${use.text}\` is used`;
    if (declared !== undefined && callsItself(use, declared))
      return `\`${name}\` would only call itself, without an end`;
    if (type !== undefined && !suits(use, type, open.checker))
      return `\`${name}\` is no value that could be used as \`${use.parent.getText().slice(0, 80)}\``;
  }
  return undefined;
}

/** The use is the very body of what it would be taken for: `const log = (text) => _log(text)`. */
function callsItself(use: ts.Identifier, declared: ts.Declaration): boolean {
  const fn = functionAround(use);
  return fn !== undefined && (fn === declared || fn.parent === declared);
}

function isInside(node: ts.Node, declared: ts.VariableDeclaration | ts.Node): boolean {
  const isLater = ts.isVariableDeclaration(declared) && declared.initializer !== undefined;
  if (!isLater || node.getStart() < declared.getStart() || node.getEnd() > declared.getEnd()) return false;
  for (let at: ts.Node = node; at !== declared && at.parent !== undefined; at = at.parent)
    if (isFunction(at)) return false;
  return true;
}

function isWritten(use: ts.Identifier): boolean {
  const { parent } = use;
  if (ts.isPostfixUnaryExpression(parent)) return true;
  if (ts.isPrefixUnaryExpression(parent))
    return parent.operator === ts.SyntaxKind.PlusPlusToken || parent.operator === ts.SyntaxKind.MinusMinusToken;
  if (!ts.isBinaryExpression(parent) || parent.left !== use) return false;
  const { kind } = parent.operatorToken;
  return kind >= ts.SyntaxKind.FirstAssignment && kind <= ts.SyntaxKind.LastAssignment;
}

function isConstant(declared: ts.Declaration): boolean {
  if (ts.isVariableDeclaration(declared)) return (ts.getCombinedNodeFlags(declared) & ts.NodeFlags.Const) !== 0;
  return !ts.isParameter(declared) && !ts.isBindingElement(declared);
}

/** A value of this type can be called, created or read from as the code does with it. */
function suits(use: ts.Identifier, type: ts.Type, checker: ts.TypeChecker): boolean {
  if (type.flags & (ts.TypeFlags.Any | ts.TypeFlags.Unknown)) return true;
  const { parent } = use;
  if (ts.isCallExpression(parent) && parent.expression === use)
    return type.getCallSignatures().length > 0 || type.isUnion();
  if (ts.isNewExpression(parent) && parent.expression === use)
    return type.getConstructSignatures().length > 0 || type.getCallSignatures().length > 0;
  if (ts.isPropertyAccessExpression(parent) && parent.expression === use) {
    const plain = checker.getApparentType(checker.getNonNullableType(type));
    return (
      checker.getPropertyOfType(plain, parent.name.text) !== undefined ||
      checker.getIndexTypeOfType(plain, ts.IndexKind.String) !== undefined ||
      isOpenEnded(plain)
    );
  }
  return true;
}

/** An empty object of plain JavaScript gets its properties later. */
function isOpenEnded(type: ts.Type): boolean {
  return type.getProperties().length === 0 || type.isUnion();
}

/** Where the name stands as something of its own, so that it is no slip. */
async function elsewhereIn(
  name: string,
  uses: ts.Identifier[],
  { code }: OpenFile,
  snapshot: Snapshot,
): Promise<string | undefined> {
  const known = new Set<ts.Node>(uses);
  const other = identifiers(code.source, name).find((node) => !known.has(node) && !isShorthand(node));
  if (other !== undefined) return `${code.path}:${lineOf(code, other.getStart())}`;
  const [place] = await placesOfName(name, snapshot, code.path);
  return place === undefined ? undefined : `${place.path}:${place.line}`;
}

function isShorthand({ parent }: ts.Identifier): boolean {
  return ts.isShorthandPropertyAssignment(parent);
}

/** A parameter or local variable that nothing uses under the name it has: then it is the declaration that is misspelt. */
function misspeltDeclaration(symbol: ts.Symbol, name: string, { code, checker }: OpenFile): ts.Identifier | undefined {
  const [declared, ...others] = symbol.declarations ?? [];
  if (declared === undefined || others.length > 0 || !(ts.isParameter(declared) || ts.isVariableDeclaration(declared)))
    return undefined;
  if (!ts.isIdentifier(declared.name) || functionAround(declared) === undefined) return undefined;
  const isUsed = identifiers(code.source, name).some(
    (node) => node !== declared.name && checker.getSymbolAtLocation(node) === symbol,
  );
  return isUsed ? undefined : declared.name;
}

/** The name stands nowhere else, not even in a longer one, while the other is usual. */
async function isRarer(name: string, usual: string, path: string, snapshot: Snapshot): Promise<boolean> {
  const elsewhere = async (text: string) => (await snapshot.search(text, placesMax)).some((one) => one.path !== path);
  return !(await elsewhere(name)) && (await elsewhere(usual));
}

interface Found {
  open: OpenFile;
  at: ts.Identifier;
  slip: Slip;
  place: Place;
  isDeclaration: boolean;
}

function cure({ open, at, slip, place, isDeclaration }: Found, nodes: ts.Identifier[]): Cure {
  const { code } = open;
  const [wrong, right] = isDeclaration ? [slip.name, at.text] : [at.text, slip.name];
  const line = lineOf(code, at.getStart());
  const symbol = declarationOf(slip.name, at, open);
  const declared = symbol?.declarations?.[0];
  const declaredLine = declared === undefined ? undefined : lineOf(code, declared.getStart());
  const evidence = [{ file: place.path, line, note: `\`${at.text}\` is used here, and nothing declares it` }];
  if (declaredLine !== undefined)
    evidence.push({ file: place.path, line: declaredLine, note: `\`${slip.name}\` is declared here` });
  const doubt = (line === place.line ? 0 : 20) + (slip.isOtherForm ? 18 : 0);
  return {
    kind: "cure",
    rootCause: `\`${at.text}\` is used at ${place.path}:${line}, but nothing of that name is declared; ${
      isDeclaration
        ? `\`${slip.name}\` (line ${declaredLine}) is what was meant to have that name: nothing else uses it`
        : `\`${slip.name}\`${declaredLine === undefined ? ", which the language brings along," : ` (line ${declaredLine})`} is the only name in scope that can be meant`
    }.`,
    evidence,
    strategy: `write \`${right}\` instead of \`${wrong}\`${nodes.length > 1 ? ` in ${nodes.length} places` : ""}`,
    subject: `Correct the name ${wrong} to ${right}`,
    stops: `The name \`${at.text}\` at ${place.path}:${line} is declared.`,
    confidence: (slip.steps < 2 ? 94 : 87) - doubt,
    changes: [{ path: place.path, edits: nodes.map((node) => replaced(node, right)) }],
  };
}

function replaced(node: ts.Identifier, text: string): TextEdit {
  return { start: node.getStart(), end: node.getEnd(), text };
}
