import { ts } from "ts-morph";
import type { Snapshot } from "#ports/repository.ts";
import type { OpenFile } from "../code/project.ts";
import { declarationOf, keyOf, lineOf, unwrap } from "../code/syntax.ts";
import { isSourceFile, isTestFile } from "../places.ts";
import type { Suspect } from "./suspects.ts";

/** Why an expression is a promise, and how sure that is. */
export interface Promised {
  because: string;
  at: { file: string; line: number } | undefined;
  certainty: number;
}

const placesMax = 200;
const awaitedMin = 2;
/** Shorter names are given to many functions. */
const tellingLettersMin = 7;
const promisedModules = /^(?:node:)?(?:fs|timers|stream|dns|readline)\/promises$/;

/** Whether `suspect` is a promise whose value has what is wanted; `undefined` when nothing says so. */
export async function promised(
  { node, wanted }: Suspect,
  open: OpenFile,
  snapshot: Snapshot,
): Promise<Promised | undefined> {
  const { checker } = open;
  const type = entryType(node, checker) ?? checker.getTypeAtLocation(node);
  if (type.flags & (ts.TypeFlags.Any | ts.TypeFlags.Unknown)) return byUse(node, open, snapshot);
  if (!isPromise(type, checker)) return undefined;
  const value = checker.getAwaitedType(type);
  if (wanted.kind === "member" && checker.getPropertyOfType(checker.getApparentType(type), wanted.name) !== undefined)
    return undefined;
  if (value === undefined || !has(value, wanted, checker)) return undefined;
  const declared = declaredAt(node, open);
  return { because: "its type says that it is a promise", at: declared, certainty: 93 };
}

/** What an entry of `list.map(callback)` is, even where nothing says what the list holds. */
function entryType(node: ts.Expression, checker: ts.TypeChecker): ts.Type | undefined {
  const at = unwrap(node);
  const made = ts.isElementAccessExpression(at) ? givenBy(at.expression) : undefined;
  if (made === undefined || !ts.isCallExpression(made) || !/\.map$/.test(made.expression.getText())) return undefined;
  const [callback] = made.arguments;
  const [signature] = callback === undefined ? [] : checker.getTypeAtLocation(callback).getCallSignatures();
  return signature?.getReturnType();
}

/** `Promise<…>` and nothing else. */
export function isPromise(type: ts.Type, checker: ts.TypeChecker): boolean {
  const parts = type.isUnion()
    ? type.types.filter(({ flags }) => !(flags & (ts.TypeFlags.Undefined | ts.TypeFlags.Null)))
    : [type];
  return (
    parts.length > 0 &&
    parts.every(
      (part) =>
        /^Promise(?:Like)?$/.test(part.getSymbol()?.name ?? "") &&
        checker.getPropertyOfType(part, "then") !== undefined,
    )
  );
}

function has(value: ts.Type, wanted: Suspect["wanted"], checker: ts.TypeChecker): boolean {
  if (value.flags & (ts.TypeFlags.Any | ts.TypeFlags.Unknown) || wanted.kind === "anything")
    return (value.flags & ts.TypeFlags.VoidLike) === 0;
  const plain = checker.getApparentType(checker.getNonNullableType(value));
  if (wanted.kind === "member")
    return (
      checker.getPropertyOfType(plain, wanted.name) !== undefined ||
      checker.getIndexTypeOfType(plain, ts.IndexKind.String) !== undefined
    );
  return checker.getPropertiesOfType(plain).some(({ escapedName }) => String(escapedName).startsWith("__@iterator"));
}

/** Nothing says what the called function gives; but everybody else waits for it. */
async function byUse(node: ts.Expression, open: OpenFile, snapshot: Snapshot): Promise<Promised | undefined> {
  const call = unwrap(givenBy(node) ?? node);
  if (!ts.isCallExpression(call)) return undefined;
  const module = moduleOf(call.expression);
  if (module !== undefined)
    return { because: `all functions of ${module} give promises`, at: undefined, certainty: 92 };
  return (await byDeclaration(call, open, snapshot)) ?? (await byOthers(call, open, snapshot));
}

/** One function of that name is declared in the whole repository, and it is an async one. */
async function byDeclaration(
  call: ts.CallExpression,
  open: OpenFile,
  snapshot: Snapshot,
): Promise<Promised | undefined> {
  const callee = unwrap(call.expression);
  const name = ts.isPropertyAccessExpression(callee) ? callee.name.text : "";
  if (name.length < tellingLettersMin) return undefined;
  const declared: { path: string; line: number; isAsync: boolean }[] = [];
  const plain = new RegExp(
    `(?:^|[^\\w$])(?:(async)\\s+)?(?:function\\*?\\s+${name}\\s*\\(|${name}\\s*(?:=|:)\\s*(?:(async)\\b|function\\b|\\(|[\\w$]+\\s*=>)|(?<![.\\w$])${name}\\s*\\([^()]*\\)\\s*(?::[^{]*)?\\{)`,
  );
  for (const { path, line, text } of await snapshot.search(name, placesMax)) {
    const found = isSourceFile(path) && !isTestFile(path) ? plain.exec(text) : null;
    if (found !== null) declared.push({ path, line, isAsync: (found[1] ?? found[2]) !== undefined });
  }
  const [only, ...others] = declared;
  if (only === undefined || others.length > 0 || !only.isAsync) return undefined;
  const at = { file: only.path, line: only.line };
  if (only.path === open.code.path && only.line === lineOf(open.code, call.getStart())) return undefined;
  return {
    because: `\`${name}\` is async, and the only function of that name (${only.path}:${only.line})`,
    at,
    certainty: 87,
  };
}

async function byOthers(call: ts.CallExpression, open: OpenFile, snapshot: Snapshot): Promise<Promised | undefined> {
  const callee = keyOf(call.expression);
  if (callee === undefined || callee.length > 100 || callee.length < 3) return undefined;
  const own = lineOf(open.code, call.expression.getEnd());
  const awaited: { path: string; line: number }[] = [];
  for (const { path, line, text } of await snapshot.search(`${callee}(`, placesMax)) {
    if ((path === open.code.path && line === own) || /^\s*(?:\/\/|\*)/.test(text)) continue;
    const before = text.slice(0, text.indexOf(`${callee}(`));
    if (/[\w$.]$/.test(before) || /\bfunction\s+$|\basync\s+$/.test(before)) continue;
    const after = behindCall(text.slice(before.length + callee.length));
    // A builder: what is waited for is the end of the chain.
    if (/^\s*\??\.(?!(?:then|catch|finally)\b)/.test(after)) return undefined;
    // Taken for a value without a wait: then it may give one.
    if (/[^=!<>]=\s*$/.test(before) && !/^\s*\.(?:then|catch|finally)\(/.test(after)) return undefined;
    if (/\bawait\s+\(*$/.test(before) || /^\s*\.then\(/.test(after)) awaited.push({ path, line });
  }
  const [first] = awaited;
  if (first === undefined || awaited.length < awaitedMin) return undefined;
  return {
    because: `in ${awaited.length} other places \`${callee}\` is awaited (${first.path}:${first.line})`,
    at: { file: first.path, line: first.line },
    certainty: 84,
  };
}

/** What follows the call's last parenthesis on its line; empty when the call goes on over further lines. */
function behindCall(text: string): string {
  let open = 0;
  for (let at = 0; at < text.length; at++) {
    if (text[at] === "(") open += 1;
    if (text[at] === ")") open -= 1;
    if (open === 0) return text.slice(at + 1);
  }
  return "";
}

/** The call that gave a constant its value. */
export function givenBy(node: ts.Expression): ts.Expression | undefined {
  const at = unwrap(node);
  if (!ts.isIdentifier(at)) return undefined;
  const binding = declarationOf(at.text, at);
  return binding?.kind === "variable" && binding.element === undefined ? binding.node.initializer : undefined;
}

/** One of Node's modules in which everything is a promise: `readFile` of `fs/promises`, `fs.promises.readFile`. */
function moduleOf(callee: ts.Expression): string | undefined {
  const text = callee.getText();
  const root = ts.isPropertyAccessExpression(callee) ? callee.expression : callee;
  if (ts.isPropertyAccessExpression(root) && root.name.text === "promises")
    return text.split(".").slice(0, -1).join(".");
  if (!ts.isIdentifier(root)) return undefined;
  const declared = declarationOf(root.text, callee)?.node.getText().slice(0, 500) ?? "";
  const name = /(?:from\s*|require\(\s*)["']([\w:/]{2,30})["']/.exec(declared)?.[1];
  return name !== undefined && promisedModules.test(name) ? `\`${name}\`` : undefined;
}

/** Where the function that gave the promise is declared, when that is in the repository. */
function declaredAt(node: ts.Expression, { checker, code }: OpenFile): { file: string; line: number } | undefined {
  const call = unwrap(givenBy(node) ?? node);
  const callee = ts.isCallExpression(call) ? call.expression : call;
  const symbol = checker.getSymbolAtLocation(ts.isPropertyAccessExpression(callee) ? callee.name : callee);
  const target =
    symbol !== undefined && symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
  const [declared] = target?.declarations ?? [];
  const source = declared?.getSourceFile();
  if (declared === undefined || source === undefined || source.fileName.startsWith("/node_modules/")) return undefined;
  const line = source.getLineAndCharacterOfPosition(declared.getStart()).line + 1;
  return source === code.source && line === lineOf(code, call.getStart())
    ? undefined
    : { file: source.fileName.slice(1), line };
}
