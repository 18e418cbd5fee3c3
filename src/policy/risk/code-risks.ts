import { ts } from "ts-morph";
import type { Risk } from "#domain/fix.ts";
import { eachNode, isTestFile, linesSpanned, type ReviewedFile, textOf } from "./added-lines.ts";
import { isOnlyAName, lastNameOf, type Mark } from "./marks.ts";
import { reachMarks } from "./reach-marks.ts";
import { specialCase } from "./special-cases.ts";
import { timeMarks } from "./time-marks.ts";

const networkModules =
  /^(node:)?(https?|http2|net|tls|dgram|dns)(\/promises)?$|^(undici|axios|got|ky|node-fetch|superagent|ws|nodemailer|socket\.io-client|request)$/;
const processModules =
  /^(node:)?(child_process|worker_threads|cluster|vm|repl|inspector)$|^(execa|shelljs|cross-spawn|zx|vm2)$/;
const spawning = /^(exec|execSync|execFile|execFileSync|spawn|spawnSync|fork|execa|execaSync)$/;
const testSwitch = /^(NODE_ENV|VITEST|JEST_WORKER_ID|CI|TEST|PLAYWRIGHT.*)$/;
const privateNames =
  /^(body|rawBody|headers|cookies?|password|passwd|pwd|token|accessToken|refreshToken|secret|apiKey|authorization|credentials?|creditCard|cardNumber|ssn|env)$/i;
const guards =
  /\b(requireAuth\w*|require(User|Role|Admin|Permission)\w*|authoriz\w*|authoris\w*|(has|check|assert)(Permission|Role|Access)\w*|permissions?|isAdmin|isOwner|isAuthenticated|csrf\w*|verify(Token|Signature|Session|Jwt|Webhook)\w*|bcrypt|timingSafeEqual|row level security|Unauthorized|Forbidden|status:\s*40[13]|(status|sendStatus)\(40[13])/i;
const weakGuard =
  /\bif\s{0,3}\(.{0,300}(!\s{0,3}(await\s)?[\w.?(]{0,100}\b(auth\w*|session|user|currentUser|role|admin|owner|signature)\b|\b(role|owner\w*|tenant\w*|admin)\b\s{0,3}[!=]==?)/i;
const opened =
  /rejectUnauthorized\s*:\s*false|NODE_TLS_REJECT_UNAUTHORIZED|Access-Control-Allow-Origin["']?\s*[,:]\s*["']\*|origin\s*:\s*(["']\*["']|true)|\b(skip|disable|bypass)_?(auth|csrf|verification|validation)\w*|ignoreExpiration\s*:\s*true|algorithms\s*:\s*\[\s*["']none|\b(isAdmin|is_admin)\s*[:=]\s*true|httpOnly\s*:\s*false|secure\s*:\s*false|dangerouslySetInnerHTML|\.(inner|outer)HTML\s*=|insertAdjacentHTML|document\.write/i;

/** Network, processes, evaluation, authorisation, logging of private data and behaviour under test: what is new in the code. */
export function codeRisks(file: ReviewedFile, tests: ReviewedFile[]): Risk[] {
  const { path, syntax } = file;
  if (syntax.after === undefined) return [];
  const after = syntax.after;
  const known = new Set<string>();
  eachNode(syntax.before, (node) => {
    for (const { what } of marksOf(node, path)) known.add(what);
  });
  const addedLines = new Set(file.added.map(({ line }) => line));
  const risks: Risk[] = [];
  eachNode(after, (node) => {
    for (const { kind, note, what } of marksOf(node, path)) {
      const { first, last } = linesSpanned(node, after);
      const line = file.added.find((added) => added.line >= first && added.line <= last)?.line;
      // What moved with its line unchanged is not new; what is new shows on an added line.
      if (!known.has(what) && line !== undefined) risks.push({ kind, path, line, note });
    }
    const special = specialCase(node, file, tests);
    const at = linesSpanned(node, after).first;
    if (special !== undefined && addedLines.has(at))
      risks.push({ kind: "skipped_test", path, line: at, note: special });
  });
  return [...risks, ...authorizationRisks(file)];
}

function marksOf(node: ts.Node, path: string): Mark[] {
  const marks = [
    importMark(node),
    callMark(node, path),
    environmentMark(node, path),
    loggingMark(node),
    urlMark(node, path),
    queryMark(node),
  ];
  return [...marks.filter((mark) => mark !== undefined), ...reachMarks(node, path), ...timeMarks(node)];
}

function importMark(node: ts.Node): Mark | undefined {
  const source = importedFrom(node);
  if (source === undefined) return undefined;
  if (source === null) {
    return { kind: "eval", note: "loads a module whose name is computed", what: `import ${textOf(node)}` };
  }
  if (networkModules.test(source)) return { kind: "network", note: `uses ${source}`, what: `import ${source}` };
  if (processModules.test(source)) return { kind: "process", note: `uses ${source}`, what: `import ${source}` };
  return undefined;
}

/** The module that a node imports, `null` when the name is computed, `undefined` when the node imports nothing. */
function importedFrom(node: ts.Node): string | null | undefined {
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) {
    const from = node.moduleSpecifier;
    return from === undefined ? undefined : ts.isStringLiteral(from) ? from.text : null;
  }
  if (!ts.isCallExpression(node)) return undefined;
  const called = node.expression;
  const loads = called.kind === ts.SyntaxKind.ImportKeyword || (ts.isIdentifier(called) && called.text === "require");
  const [first] = node.arguments;
  if (!loads || first === undefined) return undefined;
  return ts.isStringLiteralLike(first) ? first.text : null;
}

function callMark(node: ts.Node, path: string): Mark | undefined {
  if (ts.isIdentifier(node)) return referenceMark(node);
  if (!ts.isCallExpression(node) && !ts.isNewExpression(node)) return undefined;
  const callee = node.expression;
  const [first] = node.arguments ?? [];
  const argument = first === undefined ? "" : textOf(first);
  const name = ts.isIdentifier(callee) ? callee.text : ts.isPropertyAccessExpression(callee) ? callee.name.text : "";
  const owner = ts.isPropertyAccessExpression(callee) ? textOf(callee.expression) : "";
  const what = `${textOf(callee)}(${argument})`;
  if (
    name === "fetch" ||
    name === "sendBeacon" ||
    /^(axios|got|ky|undici|https?|http2|net|tls|dns|dgram)$/.test(owner)
  ) {
    return { kind: "network", note: `calls ${textOf(callee)}`, what };
  }
  if (/^(WebSocket|EventSource|XMLHttpRequest)$/.test(name)) return { kind: "network", note: `opens ${name}`, what };
  const spawns =
    spawning.test(name) && (owner === "" || name !== "exec" || /^(cp|childProcess|child_process|shell)$/.test(owner));
  if (spawns) return { kind: "process", note: `starts a process with ${name}`, what: textOf(node) };
  if (owner === "process" && /^(exit|abort|kill|dlopen|binding|chdir|setuid)$/.test(name)) {
    const inTest = isTestFile(path);
    return { kind: inTest ? "skipped_test" : "process", note: `calls process.${name}`, what: textOf(node) };
  }
  if (name === "constructor" || /^(runInNewContext|runInThisContext|runInContext|compileFunction)$/.test(name)) {
    return { kind: "eval", note: `evaluates text with ${name}`, what: textOf(node) };
  }
  if (/^set(Timeout|Interval)$/.test(name) && first !== undefined && ts.isStringLiteralLike(first)) {
    return { kind: "eval", note: `evaluates text with ${name}`, what: textOf(node) };
  }
  return undefined;
}

/** `eval` and its relatives are noteworthy however they are used: called, passed on or renamed. */
function referenceMark(node: ts.Identifier): Mark | undefined {
  if (isOnlyAName(node)) return undefined;
  const use = textOf(node.parent);
  if (node.text === "eval" || node.text === "Function") {
    const asType = ts.isTypeReferenceNode(node.parent) || ts.isBinaryExpression(node.parent);
    return asType ? undefined : { kind: "eval", note: `uses ${node.text}`, what: use };
  }
  if (node.text === "fetch" && !(ts.isCallExpression(node.parent) && node.parent.expression === node)) {
    return { kind: "network", note: "passes fetch on", what: use };
  }
  const computed = ts.isElementAccessExpression(node.parent) && !ts.isStringLiteralLike(node.parent.argumentExpression);
  if (/^(globalThis|global|window|self)$/.test(node.text) && computed) {
    return { kind: "eval", note: "reaches a global by a computed name", what: use };
  }
  return undefined;
}

function environmentMark(node: ts.Node, path: string): Mark | undefined {
  const asked = ts.isPropertyAccessExpression(node) ? textOf(node) : "";
  if (/^import\.meta\.(vitest|jest|env\.(MODE|TEST|VITEST|NODE_ENV))$/.test(asked) && !isTestFile(path))
    return { kind: "skipped_test", note: `behaves differently by ${asked}`, what: asked };
  if (!ts.isPropertyAccessExpression(node) || textOf(node) !== "process.env") return undefined;
  const { parent } = node;
  const name = ts.isPropertyAccessExpression(parent)
    ? parent.name.text
    : ts.isElementAccessExpression(parent)
      ? textOf(parent.argumentExpression).replace(/["'`]/g, "")
      : null;
  if (name !== null && testSwitch.test(name)) {
    const note = `behaves differently by ${name}`;
    return isTestFile(path) ? undefined : { kind: "skipped_test", note, what: `env ${name}` };
  }
  const note =
    name === null ? "reads the whole environment" : `reads ${name} from the environment, which it did not before`;
  return { kind: "secret", note, what: `env ${name}` };
}

function loggingMark(node: ts.Node): Mark | undefined {
  if (!ts.isCallExpression(node) || !ts.isPropertyAccessExpression(node.expression)) return undefined;
  const owner = textOf(node.expression.expression);
  const logs =
    /(^|\.)(console|log|logger|winston|pino|Sentry)$/i.test(owner) &&
    !/^(child|get|set)/.test(node.expression.name.text);
  if (!logs) return undefined;
  for (const argument of node.arguments) {
    const names: string[] = [];
    if (ts.isIdentifier(argument) && /^(req|request|ctx|event)$/.test(argument.text)) names.push(argument.text);
    eachNode(argument, (part) => {
      if (ts.isIdentifier(part) && privateNames.test(part.text)) names.push(part.text);
    });
    const [name] = names;
    if (name !== undefined) return { kind: "logging", note: `logs ${name}`, what: textOf(node) };
  }
  return undefined;
}

/** A host that the file did not know is a new destination, whatever function will call it. */
function urlMark(node: ts.Node, path: string): Mark | undefined {
  const literal = ts.isStringLiteralLike(node) || ts.isTemplateHead(node);
  if (!literal || isTestFile(path) || ts.isJsxAttribute(node.parent) || importedFrom(node.parent) !== undefined)
    return undefined;
  const host = /^(?:https?|wss?|ftp):\/\/([^/?#\s]{1,200})/i.exec(node.text)?.[1];
  return host === undefined ? undefined : { kind: "network", note: `names the host ${host}`, what: `host ${host}` };
}

/** Statements put together as text, and those that mean every row. */
function queryMark(node: ts.Node): Mark | undefined {
  if (!ts.isCallExpression(node)) return undefined;
  const name = lastNameOf(node.expression);
  const [first] = node.arguments;
  const what = textOf(node);
  if (/^\$?(query|execute)RawUnsafe$|^unsafe$/.test(name))
    return { kind: "migration", note: `queries with ${name}`, what };
  const isAll =
    /^(deleteMany|updateMany|destroy|truncate)$/.test(name) && (first === undefined || textOf(first) === "{}");
  if (isAll) return { kind: "migration", note: `${name} means every row`, what };
  const isText = first !== undefined && (ts.isTemplateExpression(first) || ts.isBinaryExpression(first));
  if (
    isText &&
    /^(query|execute|raw|run|all|get|exec)$/.test(name) &&
    /\b(select|insert|update|delete)\s/i.test(textOf(first))
  )
    return { kind: "migration", note: "puts values into the text of a query", what };
  return undefined;
}

/** Guards that went away or changed, and switches that open something. Moved lines count on neither side. */
function authorizationRisks({ path, added, removed }: ReviewedFile): Risk[] {
  if (isTestFile(path)) return [];
  const risks: Risk[] = [];
  const kept = new Set(added.map(({ text }) => text.trim()));
  const gone = removed.filter(({ text }) => !kept.has(text.trim()) && !/^\s*(\/\/|\*|import\b)/.test(text));
  const guard = gone.find(({ text }) => guards.test(text) || weakGuard.test(text));
  if (guard !== undefined) {
    risks.push({
      kind: "authorization",
      path,
      line: null,
      note: `removes or changes a guard (line ${guard.line} before)`,
    });
  }
  const before = new Set(removed.map(({ text }) => text.trim()));
  for (const { line, text } of added) {
    if (before.has(text.trim()) || /^\s*(\/\/|\*|import\b)/.test(text)) continue;
    if (opened.test(text)) risks.push({ kind: "authorization", path, line, note: "opens or weakens a protection" });
    else if (guards.test(text)) risks.push({ kind: "authorization", path, line, note: "edits a check of permissions" });
  }
  return risks;
}
