import { ts } from "ts-morph";
import { type Code, declarationOf, eachNode, type FunctionNode, someNode } from "../code/syntax.ts";
import { applyEdits, indentAt, quoteOf, type TextEdit } from "../code/text.ts";
import type { Exit } from "./exits.ts";
import { codeFor, messageFor, nameOfStatus, statusOfName, type WantedStatus } from "./wording.ts";

/** Where an answer is to be put, and what it has to say. */
export interface Wanted {
  status: WantedStatus;
  noun: string;
  /** Sentences of other answers, nearest first. */
  examples: string[];
  code: Code;
  /** The function that will answer, and a node at the place. */
  fn: FunctionNode;
  at: ts.Node;
}

const messageNames = /^(error|message|msg|detail|details|reason|description|statusMessage|title|statusText|text)$/i;
const ownGlobals =
  /^(Response|Error|TypeError|RangeError|JSON|String|Number|Object|Array|Promise|URL|Date|console|undefined|null|process|Headers|require|module|exports)$/;

/** The status that an exit answers with; `undefined` when it is no error answer. */
export function statusOf(exit: Exit): number | undefined {
  for (const statement of exit.body) {
    let status: number | undefined;
    eachNode(statement, (node) => {
      status ??= statusIn(node);
    });
    if (status !== undefined) return status;
  }
  return undefined;
}

/** A helper that is told in words what is missing, and knows the status itself: `return logAndRespond("No such group")`. */
export function isSpoken(exit: Exit): boolean {
  const [only, ...more] = exit.body;
  if (exit.test === undefined || only === undefined || more.length > 0 || !ts.isReturnStatement(only)) return false;
  const call = only.expression;
  return (
    call !== undefined &&
    ts.isCallExpression(call) &&
    call.arguments.length > 0 &&
    call.arguments.every((argument) => ts.isStringLiteralLike(argument) || ts.isTemplateExpression(argument)) &&
    /not ?found|no such|missing|required|does(?: not|n't) exist/i.test(call.getText())
  );
}

function statusIn(node: ts.Node): number | undefined {
  if (ts.isNumericLiteral(node)) return /^[45]\d\d$/.test(node.text) ? Number(node.text) : undefined;
  if (ts.isPropertyAccessExpression(node))
    return /^[A-Z][A-Z_]+$/.test(node.name.text) ? statusOfName(node.name.text) : undefined;
  if (ts.isNewExpression(node) || ts.isCallExpression(node)) {
    const callee = node.expression;
    const name = ts.isPropertyAccessExpression(callee) ? callee.name.text : callee.getText();
    return /^[A-Za-z]{3,40}$/.test(name) && name !== "gone" ? statusOfName(name) : undefined;
  }
  return ts.isStringLiteralLike(node) && /^[A-Z]+(_[A-Z]+)+$|^(UNAUTHORIZED|FORBIDDEN|CONFLICT)$/.test(node.text)
    ? statusOfName(node.text)
    : undefined;
}

/** The sentences that an exit's answer holds. */
export function sentencesOf(exit: Exit): string[] {
  const found: string[] = [];
  for (const statement of exit.body) {
    eachNode(statement, (node) => {
      if (ts.isStringLiteralLike(node) && isSentence(node.text)) found.push(node.text);
    });
  }
  return found;
}

/** The exit's statements, saying what is wanted; `undefined` when they cannot be made to say it at that place. */
export function adapted(exit: Exit, wanted: Wanted): string[] | undefined {
  if (statusOf(exit) === undefined && !isSpoken(exit)) return undefined;
  const edits: TextEdit[] = [];
  const replaced = new Set<ts.Node>();
  for (const statement of exit.body) {
    const made = changes(statement, wanted, replaced);
    if (made === undefined) return undefined;
    edits.push(...made);
  }
  const renamed = renames(exit, wanted, replaced);
  if (renamed === undefined) return undefined;
  return textOf(exit, [...edits, ...renamed]);
}

function textOf({ code, body }: Exit, edits: TextEdit[]): string[] {
  return body.map((statement) => {
    const start = statement.getStart(code.source);
    const own = edits
      .filter((edit) => edit.start >= start && edit.end <= statement.getEnd())
      .map((edit) => ({ ...edit, start: edit.start - start, end: edit.end - start }));
    const indent = indentAt(code.text, start);
    return applyEdits(statement.getText(code.source), own)
      .split(/\r?\n/)
      .map((line, index) => (index > 0 && line.startsWith(indent) ? line.slice(indent.length) : line))
      .join("\n");
  });
}

function changes(statement: ts.Statement, wanted: Wanted, replaced: Set<ts.Node>): TextEdit[] | undefined {
  const edits: TextEdit[] = [];
  let possible = true;
  const put = (node: ts.Node, text: string) => {
    edits.push({ start: node.getStart(), end: node.getEnd(), text });
    replaced.add(node);
  };
  eachNode(statement, (node) => {
    if (!possible || replaced.has(node)) return false;
    const status = statusIn(node);
    if (status !== undefined && status !== wanted.status && !putStatus(node, wanted.status, put)) possible = false;
    if (status === undefined) possible = putText(node, wanted, put) && possible;
    return possible && !replaced.has(node);
  });
  // Two sentences in one answer: which of them says what is missing cannot be told.
  const sentences = edits.filter(({ text }) => /^["'`][A-Z].* /.test(text));
  return possible && sentences.length <= 1 ? edits : undefined;
}

type Put = (node: ts.Node, text: string) => void;

function putStatus(node: ts.Node, status: WantedStatus, put: Put): boolean {
  if (ts.isNumericLiteral(node)) put(node, String(status));
  else if (ts.isPropertyAccessExpression(node)) put(node.name, nameOfStatus(status, node.name.text));
  else if (ts.isStringLiteralLike(node)) put(node, quotedLike(node, nameOfStatus(status, node.text)));
  // A class or function of another name would have to exist and to be imported.
  else return false;
  return true;
}

/** Says what is missing where the answer had its own sentence; `false` when it holds something that may not be copied. */
function putText(node: ts.Node, wanted: Wanted, put: Put): boolean {
  if (ts.isPropertyAssignment(node) || ts.isShorthandPropertyAssignment(node)) return putProperty(node, wanted, put);
  const isText = ts.isStringLiteralLike(node) || ts.isTemplateExpression(node);
  if (isText && !ts.isPropertyAssignment(node.parent)) return putLiteral(node, wanted, put);
  const isArgument =
    (ts.isCallExpression(node.parent) || ts.isNewExpression(node.parent)) && node.parent.expression !== node;
  if (isArgument && ts.isIdentifier(node) && /^(error|message|msg|err|reason)$/.test(node.text)) {
    put(node, quoted(wanted));
  }
  return true;
}

function putProperty(node: ts.PropertyAssignment | ts.ShorthandPropertyAssignment, wanted: Wanted, put: Put): boolean {
  const name = node.name.getText().replace(/^["']|["']$/g, "");
  if (ts.isShorthandPropertyAssignment(node)) {
    if (messageNames.test(name)) put(node, `${name}: ${quoted(wanted)}`);
    return true;
  }
  const value = node.initializer;
  if (ts.isStringLiteralLike(value) || ts.isTemplateExpression(value)) return putLiteral(value, wanted, put);
  if (messageNames.test(name) && (ts.isIdentifier(value) || ts.isPropertyAccessExpression(value)))
    put(value, quoted(wanted));
  return true;
}

function putLiteral(node: ts.StringLiteralLike | ts.TemplateExpression, wanted: Wanted, put: Put): boolean {
  if (ts.isTemplateExpression(node) || isSentence(node.text)) {
    put(node, quotedLike(node, sentence(wanted)));
    return true;
  }
  const code = codeFor(node.text, wanted.noun);
  if (code !== undefined) {
    put(node, quotedLike(node, code));
    return true;
  }
  // Types of content, names of headers and the like are the same for every answer; any other code says something specific.
  return (
    node.text === "" ||
    /^[a-z]+\/[\w.+-]+|^(application|content-type|Content-Type|error|fail|failure|warning|danger|utf-?8|no-store)\b/i.test(
      node.text,
    )
  );
}

function quoted(wanted: Wanted): string {
  const quote = quoteOf(wanted.code.text);
  return `${quote}${sentence(wanted)}${quote}`;
}

function sentence({ status, noun, examples }: Wanted): string {
  return messageFor(status, noun, examples);
}

function isSentence(text: string): boolean {
  return (
    /[A-Za-z]/.test(text) &&
    (/\s/.test(text.trim()) || /^(Unauthori[sz]ed|Forbidden|Unauthenticated)[.!]?$/.test(text)) &&
    !/^[\w-]+:\/\//.test(text)
  );
}

function quotedLike(node: ts.Node, text: string): string {
  const quote = node.getText().charAt(0);
  return quote === "'" || quote === '"' ? `${quote}${text.replaceAll(quote, `\\${quote}`)}${quote}` : `"${text}"`;
}

/** Makes the names in the exit mean the same at the new place; `undefined` when one of them is not to be had there. */
function renames(exit: Exit, wanted: Wanted, replaced: Set<ts.Node>): TextEdit[] | undefined {
  const edits: TextEdit[] = [];
  let possible = true;
  for (const statement of exit.body) {
    eachNode(statement, (node) => {
      if (replaced.has(node) || !possible) return false;
      if (!ts.isIdentifier(node) || !isFree(node)) return undefined;
      if (exit.body.some((other) => other !== statement && declares(other, node.text))) return undefined;
      const name = nameThere(node, exit, wanted);
      if (name === undefined) possible = false;
      else if (name !== node.text) edits.push({ start: node.getStart(), end: node.getEnd(), text: name });
      return undefined;
    });
  }
  return possible ? edits : undefined;
}

function isFree(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) return parent.expression === node;
  if (ts.isPropertyAssignment(parent)) return parent.initializer === node;
  return !ts.isVariableDeclaration(parent) || parent.name !== node;
}

function declares(statement: ts.Statement, name: string): boolean {
  return someNode(statement, (node) => ts.isVariableDeclaration(node) && node.name.getText() === name);
}

function nameThere(node: ts.Identifier, exit: Exit, wanted: Wanted): string | undefined {
  const name = node.text;
  const here = declarationOf(name, node);
  if (here === undefined) return ownGlobals.test(name) ? name : undefined;
  const there = declarationOf(name, wanted.at);
  if (exit.code === wanted.code && there?.node === here.node) {
    return here.kind !== "variable" || here.node.getEnd() <= wanted.at.getStart() ? name : undefined;
  }
  if (here.kind === "parameter" && exit.fn !== undefined) {
    const index = exit.fn.parameters.indexOf(here.node);
    const same = wanted.fn.parameters[index];
    return same !== undefined && ts.isIdentifier(same.name) && ts.isIdentifier(here.node.name)
      ? same.name.text
      : undefined;
  }
  // The same import, or a declaration at the top of the same file.
  if (
    there?.kind === "other" &&
    ts.isImportDeclaration(there.node) &&
    here.kind === "other" &&
    ts.isImportDeclaration(here.node)
  )
    return name;
  const isTop = (binding: typeof here) =>
    binding.kind === "variable" && ts.isSourceFile(binding.node.parent.parent.parent);
  return there !== undefined && isTop(there) && isTop(here) && /require\(/.test(there.node.getText())
    ? name
    : undefined;
}
