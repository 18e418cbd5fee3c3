import { ts } from "ts-morph";
import type { Snapshot } from "#ports/repository.ts";
import { eachNode } from "./syntax.ts";

const placesMax = 200;
/** Built, locked or written for readers: a name there is no use of it. */
const noUse =
  /\.(?:md|mdx|txt|map|lock|snap|svg|log)$|(?:^|\/)(?:package-lock\.json|dist|build|coverage|vendor)(?:\/|$)|\.min\./i;

/** A name that any JavaScript engine, Node or browser brings along. */
const globals = new Set(
  `AbortController AbortSignal Array ArrayBuffer Atomics BigInt BigInt64Array Blob Boolean Buffer DOMParser DataView Date Element Error
  Event EventTarget File FormData Function Headers HTMLElement Infinity Intl Iterator JSON Map Math MutationObserver NaN Node Number Object
  Promise Proxy RangeError ReadableStream ReferenceError Reflect RegExp Request Response Set SharedArrayBuffer String Symbol SyntaxError
  TextDecoder TextEncoder TypeError URL URLSearchParams Uint16Array Uint32Array Uint8Array WeakMap WeakRef WeakSet WebSocket Worker
  XMLHttpRequest __dirname __filename addEventListener alert arguments atob btoa cancelAnimationFrame clearImmediate clearInterval
  clearTimeout console crypto customElements decodeURI decodeURIComponent document encodeURI encodeURIComponent eval exports fetch global
  globalThis history indexedDB isFinite isNaN localStorage location module navigator parseFloat parseInt performance process
  queueMicrotask removeEventListener requestAnimationFrame require self sessionStorage setImmediate setInterval setTimeout
  structuredClone undefined unescape window`.split(/\s+/),
);

/** Names that only some hosts or builds bring along: when one is missing, the host is another one. */
const hosts = new Set([
  "React",
  "jQuery",
  "$",
  "_",
  "Deno",
  "Bun",
  "chrome",
  "describe",
  "it",
  "test",
  "expect",
  "jest",
  "vi",
  "h",
  "d3",
  "L",
]);

/** What the engine brings along under that name; a report that it is missing tells of the host, not of a slip. */
export function isGlobal(name: string): boolean {
  return globals.has(name) || hosts.has(name);
}

/** The engine's own names. */
export function globalNames(): Iterable<string> {
  return globals;
}

/** A value is read or written under this name here; keys, labels, types and declarations are something else. */
export function isReference(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent) || ts.isQualifiedName(parent)) return isOwner(node);
  if (ts.isPropertyAssignment(parent) || ts.isMetaProperty(parent))
    return !ts.isMetaProperty(parent) && parent.initializer === node;
  if (ts.isShorthandPropertyAssignment(parent))
    return parent.name === node || parent.objectAssignmentInitializer === node;
  if (ts.isBindingElement(parent) || ts.isParameter(parent) || ts.isVariableDeclaration(parent))
    return parent.initializer === node;
  if (ts.isPropertyDeclaration(parent) || ts.isEnumMember(parent)) return parent.initializer === node;
  if (ts.isExportSpecifier(parent))
    return (parent.propertyName ?? parent.name) === node && parent.parent.parent.moduleSpecifier === undefined;
  if (
    ts.isJsxAttribute(parent) ||
    ts.isImportSpecifier(parent) ||
    ts.isImportClause(parent) ||
    ts.isNamespaceImport(parent)
  )
    return false;
  if (ts.isLabeledStatement(parent) || ts.isBreakOrContinueStatement(parent)) return false;
  if (ts.isJsxOpeningLikeElement(parent) || ts.isJsxClosingElement(parent)) return /^[A-Z_$]/.test(node.text);
  return !ts.isTypeNode(parent) && !isNamed(parent, node);
}

function isOwner(node: ts.Identifier): boolean {
  const { parent } = node;
  return ts.isPropertyAccessExpression(parent) ? parent.expression === node : false;
}

function isNamed(parent: ts.Node, node: ts.Identifier): boolean {
  return (
    (ts.isFunctionLike(parent) ||
      ts.isClassLike(parent) ||
      ts.isInterfaceDeclaration(parent) ||
      ts.isTypeAliasDeclaration(parent) ||
      ts.isTypeParameterDeclaration(parent) ||
      ts.isEnumDeclaration(parent) ||
      ts.isModuleDeclaration(parent) ||
      ts.isImportEqualsDeclaration(parent) ||
      ts.isNamespaceExport(parent)) &&
    parent.name === node
  );
}

/** Every identifier of that name below `root`, whatever it stands for. */
export function identifiers(root: ts.Node, name: string): ts.Identifier[] {
  const found: ts.Identifier[] = [];
  eachNode(root, (node) => {
    if (ts.isIdentifier(node) && node.text === name) found.push(node);
  });
  return found;
}

/** Where else in the repository a name stands as a whole word; texts for readers do not count. */
export async function placesOfName(
  name: string,
  snapshot: Snapshot,
  except: string,
): Promise<{ path: string; line: number; text: string }[]> {
  const word = wholeWord(name);
  const places = await snapshot.search(name, placesMax);
  return places.filter(
    ({ path, text }) => path !== except && !noUse.test(path) && !/^\s*(?:\/\/|\*|\/\*)/.test(text) && word.test(text),
  );
}

/** Finds a name that no other letter of a name touches. */
export function wholeWord(name: string): RegExp {
  return new RegExp(`(?<![\\w$])${name.replace(/[$\\^*+?.()|[\]{}]/g, "\\$&")}(?![\\w$])`);
}
