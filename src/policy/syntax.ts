import { ts } from "ts-morph";

const errorsMax = 10;
const code = /\.[cm]?[jt]sx?$/i;
/** These allow comments and trailing commas although they end in `.json`. */
const commentedJson = /(^|\/)([jt]sconfig[^/]*|\.vscode\/[^/]+|devcontainer)\.json$/i;

/**
 * Why `content` cannot be parsed as what its name says, one sentence for each error with its line; empty when it can, or
 * when the kind of file is not known. Parses only: types, imports and names are the test bench's business.
 */
export function syntaxErrors(path: string, content: string): string[] {
  if (code.test(path)) return codeErrors(path, content);
  if (/\.json$/i.test(path)) return jsonErrors(path, content);
  return [];
}

function codeErrors(path: string, content: string): string[] {
  try {
    return parseErrors(path, content);
  } catch (error) {
    // The parser recurses: hostile nesting ends its stack, and code that cannot be parsed is not written.
    if (error instanceof RangeError) return ["nested too deeply to be parsed"];
    throw error;
  }
}

function parseErrors(path: string, content: string): string[] {
  // Only the extension decides how a file is parsed; what else a path may hold is not the parser's concern.
  const name = `file${(code.exec(path)?.[0] ?? ".ts").toLowerCase()}`;
  const file = ts.createSourceFile(name, content, ts.ScriptTarget.ESNext, false);
  const found = syntacticDiagnostics(file).map(({ start, messageText }) => {
    const { line } = file.getLineAndCharacterOfPosition(start ?? 0);
    return `line ${line + 1}: ${ts.flattenDiagnosticMessageText(messageText, " ")}`;
  });
  if (found.length === 0 && /\.[cm]js$/i.test(path)) found.push(...jsxErrors(content));
  return found.slice(0, errorsMax);
}

/** A program of this one file, never bound or emitted: what the compiler does beyond parsing takes minutes on hostile chains. */
function syntacticDiagnostics(file: ts.SourceFile): readonly ts.Diagnostic[] {
  const isFile = (name: string) => name === file.fileName;
  const host: ts.CompilerHost = {
    getSourceFile: (name) => (isFile(name) ? file : undefined),
    fileExists: isFile,
    readFile: () => undefined,
    writeFile: () => undefined,
    getDefaultLibFileName: () => "lib.d.ts",
    getCurrentDirectory: () => "/",
    getCanonicalFileName: (name) => name,
    useCaseSensitiveFileNames: () => true,
    getNewLine: () => "\n",
  };
  const options = { allowJs: true, jsx: ts.JsxEmit.Preserve, noLib: true, noResolve: true, types: [] };
  return ts.createProgram([file.fileName], options, host).getSyntacticDiagnostics(file);
}

/** The parser reads JSX in every JavaScript file; Node does not. */
function jsxErrors(content: string): string[] {
  const file = ts.createSourceFile("file.js", content, ts.ScriptTarget.ESNext, false, ts.ScriptKind.JS);
  const errors: string[] = [];
  const visit = (node: ts.Node): void => {
    if (errors.length >= errorsMax) return;
    if (ts.isJsxElement(node) || ts.isJsxSelfClosingElement(node) || ts.isJsxFragment(node)) {
      const { line } = file.getLineAndCharacterOfPosition(node.pos);
      errors.push(`line ${line + 1}: JSX is allowed in .jsx, .tsx and .js files only.`);
      return;
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return errors;
}

function jsonErrors(path: string, content: string): string[] {
  const text = content.replace(/^\uFEFF/, "");
  if (commentedJson.test(path)) {
    const { error } = ts.parseConfigFileTextToJson("file.json", text);
    return error === undefined ? [] : [`${ts.flattenDiagnosticMessageText(error.messageText, " ")}`];
  }
  try {
    JSON.parse(text);
    return [];
  } catch (error) {
    return [error instanceof Error ? error.message : "not JSON"];
  }
}
