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
  const { diagnostics = [] } = ts.transpileModule(content, {
    // Only the extension decides how a file is parsed; what else a path may hold is not the parser's concern.
    fileName: `file${(code.exec(path)?.[0] ?? ".ts").toLowerCase()}`,
    reportDiagnostics: true,
    compilerOptions: {
      target: ts.ScriptTarget.ESNext,
      module: ts.ModuleKind.ESNext,
      jsx: ts.JsxEmit.Preserve,
      allowJs: true,
    },
  });
  const found = diagnostics
    .filter(({ category, file }) => category === ts.DiagnosticCategory.Error && file !== undefined)
    .map(({ file, start, messageText }) => {
      const line = file === undefined ? 0 : file.getLineAndCharacterOfPosition(start ?? 0).line;
      return `line ${line + 1}: ${ts.flattenDiagnosticMessageText(messageText, " ")}`;
    });
  if (found.length === 0 && /\.[cm]js$/i.test(path)) found.push(...jsxErrors(content));
  return found.slice(0, errorsMax);
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
