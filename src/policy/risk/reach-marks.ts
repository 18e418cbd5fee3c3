import { ts } from "ts-morph";
import { isTestFile, textOf } from "./added-lines.ts";
import { isOnlyAName, lastNameOf, type Mark } from "./marks.ts";

/** Ways out of the program's own business: the process, files, what all code shares, and code that nobody can read here. */

/** What a fix may ask of the process without anybody looking; `env` is judged by name elsewhere. */
const harmlessOfProcess =
  /^(env|nextTick|hrtime|memoryUsage|cwd|versions?|platform|arch|pid|stdout|stderr|emitWarning|argv)$/;
const makersOfCode = /^(WebAssembly|SharedWorker|Worker|createRequire|importScripts|Reflect)$/;
const sharedObjects =
  /^(globalThis|global|self|console|process|Object|Array|String|Number|Boolean|Function|Promise|Date|Math|JSON|Symbol|Error|Map|Set|RegExp|Sentry)$/;
const behindGlobal = /^(process|eval|Function|require|module|Reflect|WebAssembly)$/;
const fileModules = /^(node:)?(fs|fs\/promises|module|os|v8|wasi)$|^(fs-extra|graceful-fs|rimraf|del)$/;
const fileWork =
  /^((read|write|append|copy)File|read(dir|link)|rm(dir)?|unlink|rename|cp|ch(mod|own)|symlink|truncate|mkdir|open|create(Read|Write)Stream)(Sync)?$/;
const fileOwners = /^(fs|fsp|fsPromises|promises|fs\.promises)$/;
const foreignSource = /^(data|https?|file|blob):/i;
const silencers = /^Sentry\.(close|init|endSession)$/;

export function reachMarks(node: ts.Node, path: string): Mark[] {
  return [
    processMark(node, path),
    makerMark(node),
    constructorMark(node),
    sharedMark(node),
    sourceMark(node),
    fileMark(node),
    silenceMark(node),
  ].filter((mark) => mark !== undefined);
}

/** `process` ends, replaces and observes the whole program, by whatever name its parts are taken. */
function processMark(node: ts.Node, path: string): Mark | undefined {
  if (!ts.isIdentifier(node) || node.text !== "process" || isOnlyAName(node)) return undefined;
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent) && harmlessOfProcess.test(parent.name.text)) return undefined;
  const use = textOf(parent);
  const kind = isTestFile(path) ? "skipped_test" : "process";
  return { kind, note: `uses the process: ${use.slice(0, 60)}`, what: use };
}

function makerMark(node: ts.Node): Mark | undefined {
  if (!ts.isIdentifier(node) || !makersOfCode.test(node.text) || isOnlyAName(node)) return undefined;
  return { kind: "eval", note: `uses ${node.text}`, what: textOf(node.parent) };
}

/** Each object leads to the maker of functions by its constructor, and to all others of its kind by its prototype. */
function constructorMark(node: ts.Node): Mark | undefined {
  const what = textOf(node.parent ?? node);
  if (ts.isPropertyAccessExpression(node)) {
    const { text } = node.name;
    const goesOn = ts.isPropertyAccessExpression(node.parent) ? node.parent.name.text : "";
    if (text === "__proto__") return { kind: "eval", note: "reaches a prototype", what };
    if (text === "prototype" && !/^(hasOwnProperty|toString|propertyIsEnumerable)$/.test(goesOn))
      return { kind: "eval", note: "reaches a prototype", what };
    // Naming a class is harmless, everything else that leads over a constructor is not.
    if (text === "constructor" && goesOn !== "name") return { kind: "eval", note: "reaches a constructor", what };
    return undefined;
  }
  if (ts.isStringLiteralLike(node) && /^(constructor|__proto__)$/.test(node.text))
    return { kind: "eval", note: `names ${node.text} in a text`, what };
  const changes = /^(Object|Reflect)\.(defineProperty|defineProperties|setPrototypeOf)$/;
  if (ts.isCallExpression(node) && changes.test(textOf(node.expression)))
    return { kind: "eval", note: `calls ${textOf(node.expression)}`, what: textOf(node) };
  return undefined;
}

/** What is changed there is changed for every request and every library. */
function sharedMark(node: ts.Node): Mark | undefined {
  if (ts.isElementAccessExpression(node) && /^(globalThis|global|self|window)$/.test(textOf(node.expression)))
    return { kind: "eval", note: "reaches a global by its name in a text", what: textOf(node) };
  if (ts.isPropertyAccessExpression(node) && /^(globalThis|global)$/.test(textOf(node.expression))) {
    return behindGlobal.test(node.name.text)
      ? { kind: "eval", note: `reaches ${textOf(node)}`, what: textOf(node) }
      : undefined;
  }
  if (!ts.isBinaryExpression(node) || !isAssignment(node.operatorToken.kind)) return undefined;
  const root = rootOf(node.left);
  if (root === undefined || root === node.left || !sharedObjects.test(root.text)) return undefined;
  return { kind: "process", note: `replaces ${textOf(node.left).slice(0, 60)}`, what: textOf(node) };
}

function isAssignment(kind: ts.SyntaxKind): boolean {
  return kind >= ts.SyntaxKind.FirstAssignment && kind <= ts.SyntaxKind.LastAssignment;
}

function rootOf(node: ts.Expression): ts.Identifier | undefined {
  let at = node;
  while (ts.isPropertyAccessExpression(at) || ts.isElementAccessExpression(at)) at = at.expression;
  return ts.isIdentifier(at) ? at : undefined;
}

function sourceMark(node: ts.Node): Mark | undefined {
  if (!ts.isStringLiteralLike(node)) return undefined;
  const { parent } = node;
  const imports =
    ts.isImportDeclaration(parent) ||
    ts.isExportDeclaration(parent) ||
    (ts.isCallExpression(parent) && /^(import|require)$/.test(textOf(parent.expression)));
  if (!imports) return undefined;
  if (foreignSource.test(node.text)) return { kind: "eval", note: "loads code from an address", what: node.text };
  if (fileModules.test(node.text)) return { kind: "process", note: `uses ${node.text}`, what: `import ${node.text}` };
  return undefined;
}

function fileMark(node: ts.Node): Mark | undefined {
  if (!ts.isCallExpression(node)) return undefined;
  const name = lastNameOf(node.expression);
  if (!fileWork.test(name)) return undefined;
  const owner = ts.isPropertyAccessExpression(node.expression) ? textOf(node.expression.expression) : "";
  const isFile = fileOwners.test(owner) || /Sync$/.test(name) || (owner === "" && /File$|Stream$/.test(name));
  return isFile ? { kind: "process", note: `works on files with ${name}`, what: textOf(node) } : undefined;
}

function silenceMark(node: ts.Node): Mark | undefined {
  if (!ts.isCallExpression(node) || !silencers.test(textOf(node.expression))) return undefined;
  return { kind: "swallowed_error", note: `calls ${textOf(node.expression)}`, what: textOf(node) };
}
