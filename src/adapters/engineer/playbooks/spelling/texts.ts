import { ts } from "ts-morph";
import { eachNode, parse, startLine } from "../code/syntax.ts";

/** A stretch of source text that people get to read, where it stands in its file. */
export interface VisibleText {
  path: string;
  start: number;
  /** As it stands in the source: what has to be replaced there. */
  raw: string;
  line: number;
  /** It goes into an answer to a request or into an error that becomes one. */
  isAnswer: boolean;
  /** It may be a single word: the place alone says that people read it. */
  isLabel: boolean;
}

const shown =
  /^(?:error|errors|message|msg|detail|details|reason|description|title|label|text|hint|help|helperText|placeholder|alt|tooltip|heading|subtitle|caption|content|summary|body|subject|statusMessage|statusText|aria-label|aria-description|children|success|warning|info|notice)$/;
const answers =
  /(?:^|\.)(?:json|send|status|end|render|error|Error|Exception|HTTPException|createError|notFound|fail|reject|abort)$|Error$|Exception$|Response$/;
const unseen =
  /(?:^|\.)(?:require|import|getElementById|querySelector|querySelectorAll|closest|matches|getAttribute|setAttribute|addEventListener|on|once|off|emit|cn|clsx|classNames|cva|twMerge|get|has|set|delete|getItem|setItem|debug|trace|Symbol|RegExp|createElement|test|describe|it|startsWith|endsWith|includes|indexOf|split|join|replace|replaceAll|match|query|execute|raw|prepare)$/;
const code =
  /^\s*(?:select|insert|update|delete|create|alter|drop|with|begin|query|mutation|fragment|subscription)\b[\s\S]*(?:\b(?:from|into|set|table|index|values|where)\b|\{)/i;
const address = /^(?:[a-z][\w+.-]*:|\/|\.{1,2}\/|#|@[\w-]+\/)|^\S*[/\\][\w./\\-]*$|\.\w{1,5}$/i;

/** The texts of one file that people read. Imports, keys, names of styles, addresses, queries and patterns are left out. */
export function visibleTexts(path: string, content: string): VisibleText[] {
  if (/\.json$/i.test(path)) return jsonTexts(path, content);
  const parsed = parse(path, content);
  if (parsed === undefined) return [];
  const found: VisibleText[] = [];
  eachNode(parsed.source, (node) => {
    if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node) || ts.isTypeNode(node)) return false;
    if (ts.isTaggedTemplateExpression(node)) return false;
    const raw = rawOf(node, content);
    if (raw === undefined || !isSeen(node)) return undefined;
    const isLabel = ts.isJsxText(node) || isShownName(node);
    if (!isWording(raw.text, isLabel)) return undefined;
    found.push({
      path,
      start: raw.start,
      raw: raw.text,
      line: startLine(parsed, node),
      isAnswer: isAnswer(node),
      isLabel,
    });
    return undefined;
  });
  return found;
}

/** The inside of a text as the source has it; escapes stay as they are and are no words. */
function rawOf(node: ts.Node, content: string): { start: number; text: string } | undefined {
  if (ts.isJsxText(node))
    return { start: node.getFullStart(), text: content.slice(node.getFullStart(), node.getEnd()) };
  const isPiece = ts.isTemplateHead(node) || ts.isTemplateMiddle(node) || ts.isTemplateTail(node);
  if (!ts.isStringLiteralLike(node) && !isPiece) return undefined;
  const start = node.getStart() + 1;
  const end = node.getEnd() - (ts.isTemplateHead(node) || ts.isTemplateMiddle(node) ? 2 : 1);
  return { start, text: content.slice(start, end) };
}

function isSeen(node: ts.Node): boolean {
  const { parent } = node;
  if (ts.isJsxText(node)) return true;
  if (ts.isJsxAttribute(parent)) return shown.test(parent.name.getText());
  if (ts.isExpressionStatement(parent) || ts.isCaseClause(parent) || ts.isExternalModuleReference(parent)) return false;
  if (
    (ts.isPropertyAssignment(parent) || ts.isPropertySignature(parent) || ts.isEnumMember(parent)) &&
    parent.name === node
  )
    return false;
  if (ts.isElementAccessExpression(parent) || ts.isLiteralTypeNode(parent)) return false;
  if (ts.isBinaryExpression(parent) && /^[!=]==?$|^in$/.test(parent.operatorToken.getText())) return false;
  const call = callAround(node);
  if (call === undefined) return true;
  const callee = call.expression.getText();
  return !unseen.test(callee) && !/^(?:console|logger?)\./.test(callee);
}

/** The call or construction that the text is handed to directly or as part of a template or a sum. */
function callAround(node: ts.Node): ts.CallExpression | ts.NewExpression | undefined {
  let at = node;
  while (ts.isTemplateExpression(at.parent) || ts.isTemplateSpan(at.parent) || ts.isBinaryExpression(at.parent))
    at = at.parent;
  return ts.isCallExpression(at.parent) || ts.isNewExpression(at.parent) ? at.parent : undefined;
}

function isShownName(node: ts.Node): boolean {
  const { parent } = node;
  if (ts.isPropertyAssignment(parent) || ts.isJsxAttribute(parent))
    return shown.test(parent.name.getText().replace(/^["']|["']$/g, ""));
  return false;
}

/** It is handed to something that answers or throws, or is the message of an answer. */
function isAnswer(node: ts.Node): boolean {
  if (isShownName(node) && /^(error|errors|message|msg|detail|reason|statusMessage)/.test(node.parent.getText()))
    return true;
  for (let at = node.parent; at !== undefined && !ts.isBlock(at); at = at.parent) {
    if ((ts.isCallExpression(at) || ts.isNewExpression(at)) && answers.test(at.expression.getText())) return true;
    if (ts.isThrowStatement(at)) return true;
  }
  return false;
}

/** Something written for people: words with blanks between them, or a single word where only a text can stand. */
function isWording(raw: string, isLabel: boolean): boolean {
  const text = raw.trim();
  if (text.length < 3 || !/[a-z]{3}/i.test(text) || code.test(text)) return false;
  if (/\s/.test(text)) return !/[{}<>;=]{2}|=>|--[a-z]/.test(text);
  return isLabel && !address.test(text) && /^[A-Za-z]+[.!?:…]?$/.test(text);
}

function jsonTexts(path: string, content: string): VisibleText[] {
  const source = ts.parseJsonText(path, content);
  const found: VisibleText[] = [];
  const keys = new Set<ts.Node>();
  eachNode(source, (node) => {
    if (ts.isPropertyAssignment(node)) keys.add(node.name);
    if (!ts.isStringLiteral(node) || keys.has(node)) return;
    const start = node.getStart(source) + 1;
    const raw = content.slice(start, node.getEnd() - 1);
    if (isWording(raw, true))
      found.push({
        path,
        start,
        raw,
        line: source.getLineAndCharacterOfPosition(start).line + 1,
        isAnswer: false,
        isLabel: true,
      });
  });
  return found;
}

/** The words of a text that can be misspelt: no placeholders, addresses, marks of a template, names in camel case or capitals. */
export function wordsOf(raw: string): { word: string; at: number }[] {
  const blank = (part: string) => " ".repeat(part.length);
  const plain = raw
    .replace(/\\(?:u\{?[\da-f]{1,6}\}?|x[\da-f]{2}|.)/gi, blank)
    .replace(/\S*(?::\/\/|@|www\.)\S*/g, blank)
    .replace(
      /\{\{?[^{}]{0,100}\}?\}|%\(?\w*\)?[sdifoOj]?|[$:#@][\w.-]+|<[^<>]{0,200}>|&\w{1,10};|`[^`]{0,100}`/g,
      blank,
    )
    .replace(/[\w-]*[_/\\.][\w./\\-]*[\w]/g, blank);
  const words: { word: string; at: number }[] = [];
  for (const { 0: word, index } of plain.matchAll(/[\p{L}\p{N}'’]+/gu)) {
    const bare = word.replace(/^['’]+|['’](?:s|d|m|ll|re|ve|t)?$|['’]+$/gu, "");
    const isCamel = /\p{Ll}\p{Lu}/u.test(bare);
    if (bare.length >= 4 && /^[A-Za-z]+$/.test(bare) && !isCamel && bare !== bare.toUpperCase())
      words.push({ word: bare, at: index + word.indexOf(bare) });
  }
  return words;
}
