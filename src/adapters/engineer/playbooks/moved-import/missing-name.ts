import { ts } from "ts-morph";
import type { Exports } from "../code/exports.ts";
import { type Import, importsIn } from "../code/imports.ts";
import { onlySlip, slipOf } from "../code/likeness.ts";
import { identifiers, isReference, wholeWord } from "../code/names.ts";
import { type OpenFile, openFile } from "../code/project.ts";
import { lineOf } from "../code/syntax.ts";
import { lineEnd, nextLineStart, type TextEdit } from "../code/text.ts";
import type { Assessment, Cure } from "../editing.ts";
import { isSourceFile, isTestFile } from "../places.ts";
import { exportsAt, fileOf, type Modules, mannerOf, packageOf, specifierFor } from "./project.ts";

const placesMax = 200;
const historyMax = 30;
const codeEnding = /\.[cm]?[jt]sx?$/;

/** `name` is taken out of the file that `wanted` means, which does not give it. */
export async function cureMissingName(
  name: string,
  given: Import,
  importer: string,
  modules: Modules,
): Promise<Assessment> {
  const unknown = (because: string) => ({ kind: "unknown" as const, because });
  if (isTestFile(importer)) return unknown(`${importer} is a test, and tests are never changed`);
  const target = fileOf(given.specifier, importer, modules);
  if (target === undefined) return undefined;
  const exported = await exportsAt(target, modules);
  if (exported?.names.has(name) === true) return unknown(`${target} exports \`${name}\` in this version`);
  const open = await openFile(importer, modules.snapshot);
  if (typeof open === "string") return unknown(open);
  const wanted = importsIn(open.code.source).find(({ node }) => node.pos === given.node.pos);
  const binding = wanted === undefined ? undefined : bindingOf(name, wanted, open);
  if (wanted === undefined || binding === undefined || exported === undefined)
    return unknown(`how \`${name}\` gets into ${importer} cannot be read`);
  const mixed = mixedUp(name, binding, exported);
  if (mixed !== undefined) return cure({ open, wanted, target, name, ...mixed });
  if (!exported.isComplete) return unknown(`what else ${target} exports cannot be read`);
  const slip =
    name === "default"
      ? undefined
      : onlySlip(
          name,
          [...exported.names.keys()].filter((one) => one !== "default"),
        );
  const moved = name === "default" ? [] : await exportersOf(name, importer, target, modules);
  if (slip !== undefined && !slip.isOtherForm && moved.length === 0) {
    const because = `of all that ${target} exports only \`${slip.name}\` (line ${exported.names.get(slip.name)}) can be meant`;
    return cure({
      open,
      wanted,
      target,
      name,
      because,
      certainty: slip.steps < 2 ? 93 : 86,
      edits: renaming(binding, slip.name, open),
      strategy: `import \`${slip.name}\` instead of \`${name}\``,
    });
  }
  const [only, ...others] = moved;
  const isNear = [...exported.names.keys()].some((one) => slipOf(name, one) !== undefined);
  if (only === undefined || others.length > 0 || isNear)
    return unknown(
      only === undefined
        ? `${target} exports no \`${name}\`, and nothing that could be meant by it`
        : `what is meant by \`${name}\` is not plain`,
    );
  const manner = mannerOf(
    importsIn(open.code.source).map(({ specifier }) => specifier),
    modules,
    codeEnding.test(wanted.specifier),
  );
  const edits = moving(binding, wanted, specifierFor(only, importer, wanted.specifier, modules, manner), open);
  if (edits === undefined)
    return unknown(`\`${name}\` is imported together with other things in a way that cannot be parted`);
  const commit = await sharedCommit(target, only, modules);
  const because = `${only} is the only file that exports it${commit === undefined ? "" : `, and the commit ${commit.slice(0, 10)} touched both`}`;
  return cure({
    open,
    wanted,
    target,
    name,
    because,
    certainty: commit === undefined ? 82 : 90,
    edits,
    strategy: `import \`${name}\` from ${only}`,
  });
}

/** How a name comes into the importing file. */
interface Binding {
  /** The element that takes it out: `a` or `a as b` of an import, `a` or `a: b` of a pattern; or the clause of a default import. */
  node: ts.ImportSpecifier | ts.BindingElement | ts.ImportClause | ts.VariableDeclaration;
  local: ts.Identifier;
  /** How many others are taken out beside it. */
  others: number;
}

function bindingOf(name: string, { node }: Import, { code }: OpenFile): Binding | undefined {
  const declaration = node.parent;
  if (ts.isImportDeclaration(declaration)) {
    const clause = declaration.importClause;
    const named = clause?.namedBindings;
    const elements = named !== undefined && ts.isNamedImports(named) ? named.elements : undefined;
    const others = (elements?.length ?? 0) + (clause?.name === undefined ? 0 : 1) - 1;
    if (name === "default" && clause?.name !== undefined) return { node: clause, local: clause.name, others };
    const element = elements?.find((one) => (one.propertyName ?? one.name).text === name);
    return element === undefined ? undefined : { node: element, local: element.name, others };
  }
  const variable = ts.isAwaitExpression(declaration.parent) ? declaration.parent.parent : declaration.parent;
  if (
    !ts.isCallExpression(declaration) ||
    !ts.isVariableDeclaration(variable) ||
    variable.getSourceFile() !== code.source
  )
    return undefined;
  if (ts.isIdentifier(variable.name))
    return name === "default" ? { node: variable, local: variable.name, others: 0 } : undefined;
  const elements = ts.isObjectBindingPattern(variable.name) ? [...variable.name.elements] : [];
  const element = elements.find(
    (one) => (one.propertyName ?? one.name).getText() === name && one.dotDotDotToken === undefined,
  );
  if (element === undefined || !ts.isIdentifier(element.name)) return undefined;
  return { node: element, local: element.name, others: elements.length - 1 };
}

/** The default export was taken for a name, or a name for the default export. */
function mixedUp(
  name: string,
  { node, local, others }: Binding,
  exported: Exports,
): { because: string; certainty: number; edits: TextEdit[]; strategy: string } | undefined {
  const wants = local.text;
  if (others > 0) return undefined;
  const edit = (one: ts.Node, text: string): TextEdit[] => [{ start: one.getStart(), end: one.getEnd(), text }];
  if (name === "default" && exported.names.has(wants) && !exported.names.has("default") && exported.isComplete) {
    const because = `it has no default export, and exports \`${wants}\` by name (line ${exported.names.get(wants)})`;
    const strategy = `import \`${wants}\` by its name`;
    if (ts.isImportClause(node))
      return { because, certainty: 92, edits: edit(node.name ?? node, `{ ${wants} }`), strategy };
    return ts.isVariableDeclaration(node)
      ? { because, certainty: 92, edits: edit(node.name, `{ ${wants} }`), strategy }
      : undefined;
  }
  if (name === "default" || exported.names.has(name) || exported.defaultName !== name) return undefined;
  const because = `\`${name}\` is its default export, not one by name`;
  const strategy = `import \`${wants}\` as what the file exports by default`;
  if (ts.isImportSpecifier(node) && exported.names.has("default") && ts.isNamedImports(node.parent))
    return { because, certainty: 92, edits: edit(node.parent, wants), strategy };
  const isCommon = exported.isCommon && ts.isBindingElement(node) && ts.isObjectBindingPattern(node.parent);
  return isCommon ? { because, certainty: 90, edits: edit(node.parent, wants), strategy } : undefined;
}

/** The right name in the import, and wherever this file goes on to use it under its own. */
function renaming({ node, local }: Binding, right: string, { checker, code }: OpenFile): TextEdit[] {
  const edit = (one: ts.Node, text: string): TextEdit => ({ start: one.getStart(), end: one.getEnd(), text });
  const isImport = ts.isImportSpecifier(node);
  if ((isImport || ts.isBindingElement(node)) && node.propertyName !== undefined)
    return [edit(node.propertyName, right)];
  const isSame = (one: ts.Identifier) => {
    const symbol = ts.isShorthandPropertyAssignment(one.parent)
      ? checker.getShorthandAssignmentValueSymbol(one.parent)
      : checker.getSymbolAtLocation(one);
    return symbol?.declarations?.includes(node as ts.Declaration) === true;
  };
  const uses = identifiers(code.source, local.text).filter((one) => one !== local && isReference(one) && isSame(one));
  const isTaken = [local, ...uses].some((one) =>
    checker
      .getSymbolsInScope(one, ts.SymbolFlags.Value | ts.SymbolFlags.Alias)
      .some(
        ({ name, declarations }) =>
          name === right && declarations?.some((declared) => declared.getSourceFile() === code.source),
      ),
  );
  const isPlain =
    !isTaken && uses.every(({ parent }) => !ts.isShorthandPropertyAssignment(parent) && !ts.isExportSpecifier(parent));
  if (!isPlain) return [edit(local, isImport ? `${right} as ${local.text}` : `${right}: ${local.text}`)];
  return [edit(local, right), ...uses.map((one) => edit(one, right))];
}

/** Files, tests aside, that export the name themselves. */
async function exportersOf(name: string, importer: string, target: string, modules: Modules): Promise<string[]> {
  const word = wholeWord(name);
  const own = packageOf(importer, modules);
  const isCandidate = (path: string) =>
    isSourceFile(path) && !isTestFile(path) && path !== importer && path !== target && packageOf(path, modules) === own;
  const says = (text: string) => word.test(text) && /export/.test(text) && !/\bfrom\s*["']/.test(text);
  const places = await modules.snapshot.search(name, placesMax);
  const paths = new Set(places.filter(({ path, text }) => says(text) && isCandidate(path)).map(({ path }) => path));
  const found: string[] = [];
  for (const path of [...paths].slice(0, 12))
    if ((await exportsAt(path, modules))?.names.has(name) === true) found.push(path);
  return found;
}

/** The import of another file, or one line more beside the import that the name is taken out of. */
function moving(
  { node, local, others }: Binding,
  wanted: Import,
  specifier: string,
  { code }: OpenFile,
): TextEdit[] | undefined {
  const { node: literal } = wanted;
  if (others === 0)
    return ts.isImportClause(node)
      ? undefined
      : [{ start: literal.getStart() + 1, end: literal.getEnd() - 1, text: specifier }];
  if (
    !ts.isImportSpecifier(node) ||
    !ts.isImportDeclaration(literal.parent) ||
    !ts.isNamedImports(node.parent) ||
    node.parent.elements.length < 2
  )
    return undefined;
  const declaration = literal.parent;
  const { elements } = node.parent;
  const index = elements.indexOf(node);
  const next = elements[index + 1];
  const before = elements[index - 1];
  const removed =
    next !== undefined
      ? { start: node.getStart(), end: next.getStart(), text: "" }
      : { start: before?.getEnd() ?? node.getStart(), end: node.getEnd(), text: "" };
  const quote = literal.getText().charAt(0);
  const end = declaration.getText().endsWith(";") ? ";" : "";
  const isType = declaration.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword ? "type " : "";
  const line = `import ${isType}{ ${node.getText()} } from ${quote}${specifier}${quote}${end}${lineEnd(code.text)}`;
  const at = nextLineStart(code.text, declaration.getEnd());
  return local.text === "" ? undefined : [removed, { start: at, end: at, text: line }];
}

async function sharedCommit(one: string, other: string, { snapshot }: Modules): Promise<string | undefined> {
  const ours = new Set((await snapshot.history(one, historyMax)).map(({ commit }) => commit));
  return (await snapshot.history(other, historyMax)).find(({ commit }) => ours.has(commit))?.commit;
}

interface Known {
  open: OpenFile;
  wanted: Import;
  target: string;
  name: string;
  because: string;
  certainty: number;
  edits: TextEdit[];
  strategy: string;
}

function cure({ open, wanted, target, name, because, certainty, edits, strategy }: Known): Cure {
  const line = lineOf(open.code, wanted.node.getStart());
  const shown = name === "default" ? "default export" : `\`${name}\``;
  return {
    kind: "cure",
    rootCause: `${open.code.path}:${line} imports ${name === "default" ? "the default export" : shown} of ${target}, which has none: ${because}.`,
    evidence: [
      { file: open.code.path, line, note: `${shown} is imported here from \`${wanted.specifier}\`` },
      { file: target, line: 1, note: `exports no ${shown}` },
    ],
    strategy,
    subject: strategy.replaceAll("`", "").replace(/^i/, "I"),
    stops: `What ${open.code.path}:${line} imports is there.`,
    confidence: certainty,
    changes: [{ path: open.code.path, edits }],
  };
}
