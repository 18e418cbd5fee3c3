import { ts } from "ts-morph";
import type { Risk } from "#domain/fix.ts";
import { eachNode, isTestFile, type Line, linesSpanned, type ReviewedFile, someNode, textOf } from "./added-lines.ts";

const skips =
  /\b(it|test|describe|suite|context|bench)(\.\w+){0,2}\.(skip|only|todo|fixme|fails|failing|skipIf|runIf)\b|\b(xit|xtest|xdescribe|fit|fdescribe|pending)\s*\(|\b(skip|todo|only)\s*:\s*(true|["'`])|\b(this|t|test|context|ctx)\.(skip|todo)\s*\(/;
const retries =
  /\bretr(y|ies)\s*[:(]|retryTimes\s*\(|passWithNoTests|allowFailure|continue-on-error|testPathIgnorePatterns|--bail=0|\|\|\s*true\b/;
const mocksOwnCode = /\b(vi|jest)\.(mock|doMock|unstable_mockModule)\s*\(\s*["'`](\.{1,2}\/|@\/|#|~\/|src\/)/;
const timeouts =
  /\b(?:timeout|testTimeout|hookTimeout|setTimeout|defaultCommandTimeout)\b["']?\s*[:(=]\s*([\d_]{1,12})/g;

/** Tests that were taken away, switched off or loosened (reliability D8). A test may move to another file of the change. */
export function testRisks(files: ReviewedFile[]): Risk[] {
  const tests = files.filter(({ path }) => isTestFile(path) || isSnapshot(path) || isTestSetup(path));
  const names = new Set(tests.flatMap(({ syntax }) => testNames(syntax.after).map(({ name }) => name)));
  return tests.flatMap((file) => [...deleted(file, names), ...loosened(file)]);
}

function deleted(file: ReviewedFile, names: Set<string>): Risk[] {
  const { path, before, after, syntax, removed, added } = file;
  const risks: Risk[] = [];
  if (before !== null && after === null)
    return [{ kind: "deleted_test", path, line: null, note: "deletes a test file" }];
  if (before !== null && isSnapshot(path)) {
    risks.push({ kind: "deleted_test", path, line: null, note: "rewrites a recorded result" });
  }
  const gone = testNames(syntax.before).find(({ name }) => !names.has(name));
  if (gone !== undefined) {
    risks.push({ kind: "deleted_test", path, line: null, note: `removes the test "${gone.name.slice(0, 100)}"` });
  }
  const kept = new Set(added.map(({ text }) => text.trim()));
  const assertion = removed.find(
    ({ text }) =>
      /\b(expect|assert\w*|should|toMatch\w*|toEqual|toBe\w*|t\.(is|equal|deepEqual))\b/.test(text) &&
      !/^\s*(import|\/\/)/.test(text) &&
      !kept.has(text.trim()),
  );
  if (assertion !== undefined) {
    risks.push({
      kind: "deleted_test",
      path,
      line: null,
      note: `removes or changes an expectation (line ${assertion.line} before)`,
    });
  }
  return risks;
}

function loosened({ path, added, before, syntax }: ReviewedFile): Risk[] {
  const risks: Risk[] = [];
  const longest = Math.max(0, ...timeoutsIn(before ?? ""));
  for (const { line, text } of added) {
    if (skips.test(text)) risks.push({ kind: "skipped_test", path, line, note: "skips or isolates tests" });
    if (retries.test(text)) risks.push({ kind: "skipped_test", path, line, note: "lets failing tests pass" });
    if (mocksOwnCode.test(text)) risks.push({ kind: "skipped_test", path, line, note: "replaces the code under test" });
    const longer = before !== null && timeoutsIn(text).some((timeout) => timeout > longest);
    if (longer) risks.push({ kind: "skipped_test", path, line, note: "allows tests more time" });
  }
  risks.push(...disarmed(path, added, syntax.after));
  const empty = testNames(syntax.after).find(({ line, proves }) => !proves && added.some((one) => one.line === line));
  if (empty !== undefined) {
    risks.push({ kind: "skipped_test", path, line: empty.line, note: "adds a test that expects nothing" });
  }
  return risks;
}

/** What lets a test pass although its expectations do not hold, or are never reached. */
function disarmed(path: string, added: Line[], after: ts.SourceFile | undefined): Risk[] {
  if (after === undefined || !isTestFile(path)) return [];
  const own = new Set<string>();
  eachNode(after, (node) => {
    const source =
      ts.isImportDeclaration(node) && ts.isStringLiteral(node.moduleSpecifier) ? node.moduleSpecifier.text : "";
    const bindings = ts.isImportDeclaration(node) ? node.importClause?.namedBindings : undefined;
    if (/^(\.{1,2}\/|@\/|#|~\/|src\/)/.test(source) && bindings !== undefined && ts.isNamespaceImport(bindings))
      own.add(bindings.name.text);
  });
  const risks: Risk[] = [];
  eachNode(after, (node) => {
    const note = disarms(node, own);
    if (note === undefined) return;
    const { first, last } = linesSpanned(node, after);
    const line = added.find((one) => one.line >= first && one.line <= last)?.line;
    if (line !== undefined) risks.push({ kind: "skipped_test", path, line, note });
  });
  return risks;
}

function disarms(node: ts.Node, own: Set<string>): string | undefined {
  if (ts.isReturnStatement(node) && node.expression === undefined) return "ends a test early";
  if (ts.isCatchClause(node) && !/expect|assert|throw|fail/.test(textOf(node.block)))
    return "catches what a test throws";
  const isDeclared = ts.isVariableDeclaration(node) || ts.isFunctionDeclaration(node);
  if (isDeclared && node.name !== undefined && /^(expect|assert|it|test|describe)$/.test(textOf(node.name))) {
    const isLoaded =
      ts.isVariableDeclaration(node) &&
      /\brequire\(/.test(node.initializer === undefined ? "" : textOf(node.initializer));
    return isLoaded ? undefined : `replaces ${textOf(node.name)}`;
  }
  if (ts.isIfStatement(node) && /^(false|0|!1|null|undefined)$/.test(textOf(node.expression)))
    return "never comes to an expectation";
  if (!ts.isCallExpression(node) || !/\b(spyOn|mock\.method|stub)$/.test(textOf(node.expression))) return undefined;
  const [first] = node.arguments;
  return first !== undefined && own.has(textOf(first)) ? "replaces the code under test" : undefined;
}

function timeoutsIn(text: string): number[] {
  return [...text.matchAll(timeouts)].map(([, number]) => Number((number ?? "").replaceAll("_", "")));
}

/** The tests of a file by name; `proves` says whether anything in it could fail. */
function testNames(file: ts.SourceFile | undefined): { name: string; line: number; proves: boolean }[] {
  const found: { name: string; line: number; proves: boolean }[] = [];
  eachNode(file, (node) => {
    if (file === undefined || !ts.isCallExpression(node)) return;
    const [title, body] = node.arguments;
    if (title === undefined || !ts.isStringLiteralLike(title)) return;
    if (!/^(it|test)\b/.test(textOf(node.expression))) return;
    const text = node.getText();
    const proves =
      body === undefined ||
      (/expect|assert|should|throw|equal|\bt\.\w+\(/i.test(text.slice(title.text.length)) &&
        !expectsOnlyLiterals(body));
    found.push({ name: title.text, line: linesSpanned(node, file).first, proves });
  });
  return found;
}

/** `expect(true).toBe(true)` holds whatever the program does. */
function expectsOnlyLiterals(body: ts.Node): boolean {
  const expectations: ts.CallExpression[] = [];
  eachNode(body, (node) => {
    if (ts.isCallExpression(node) && /^(expect|assert(\.\w+)*)$/.test(textOf(node.expression))) expectations.push(node);
  });
  const asks = (node: ts.Node) =>
    ts.isIdentifier(node) || ts.isCallExpression(node) || ts.isPropertyAccessExpression(node);
  return (
    expectations.length > 0 && expectations.every((node) => !node.arguments.some((given) => someNode(given, asks)))
  );
}

function isSnapshot(path: string): boolean {
  return /\.snap$|(^|\/)__snapshots__\//.test(path);
}

function isTestSetup(path: string): boolean {
  return /(^|\/)(jest|vitest|test|mocha|playwright|cypress)[^/]*(setup|config)[^/]*\.[cm]?[jt]s$/i.test(path);
}
