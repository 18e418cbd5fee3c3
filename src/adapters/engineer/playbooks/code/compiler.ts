import { Project, ts } from "ts-morph";

const options: ts.CompilerOptions = {
  strict: true,
  allowJs: true,
  checkJs: false,
  noEmit: true,
  skipLibCheck: true,
  target: ts.ScriptTarget.ESNext,
  module: ts.ModuleKind.ESNext,
  moduleResolution: ts.ModuleResolutionKind.Bundler,
  jsx: ts.JsxEmit.Preserve,
  allowImportingTsExtensions: true,
  types: [],
};

let libraries: Map<string, ts.SourceFile> | undefined;

/**
 * The compiler's view of exactly these files (paths with a leading `/`). The language's own declarations are read once
 * for the process: reading them takes half a second, a program with them at hand a few milliseconds.
 */
export function programOf(files: Map<string, ts.SourceFile>, aliases: ts.CompilerOptions): ts.Program {
  const known = libraries ?? declarations();
  libraries = known;
  const find = (name: string) => files.get(name) ?? known.get(name);
  const host: ts.CompilerHost = {
    getSourceFile: find,
    getDefaultLibFileName: (chosen) => `/node_modules/typescript/lib/${ts.getDefaultLibFileName(chosen)}`,
    writeFile: () => undefined,
    getCurrentDirectory: () => "/",
    getCanonicalFileName: (name) => name,
    useCaseSensitiveFileNames: () => true,
    getNewLine: () => "\n",
    fileExists: (name) => find(name) !== undefined,
    readFile: (name) => find(name)?.text,
    getDirectories: () => [],
  };
  return ts.createProgram({ rootNames: [...files.keys()], options: { ...options, ...aliases }, host });
}

/** A tree as the compiler wants it. */
export function sourceOf(path: string, text: string): ts.SourceFile {
  return ts.createSourceFile(path, text, { languageVersion: ts.ScriptTarget.ESNext }, true);
}

function declarations(): Map<string, ts.SourceFile> {
  const project = new Project({ useInMemoryFileSystem: true, compilerOptions: options });
  project.createSourceFile("/empty.ts", "");
  const sources = project.getProgram().compilerObject.getSourceFiles();
  return new Map(sources.map((source) => [source.fileName, source]));
}
