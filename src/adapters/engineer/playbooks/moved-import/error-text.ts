import type { Problem } from "#ports/engineer.ts";

/** What a loader, bundler or compiler said about an import. Everything in it is hostile text: it is compared, never run. */
export type ImportError =
  /** No such file. `specifier` is what the code says, `target` what the loader made of it. */
  | { kind: "path"; specifier: string | null; target: string | null; importer: string | null }
  /** The file is there, the name is not. */
  | { kind: "name"; name: string; specifier: string | null; importer: string | null }
  /** Something imported is not what it is used as. */
  | { kind: "use"; name: string };

const textCharactersMax = 6_000;
const path = `[^'"\\n]{1,400}`;

type Reading = { pattern: RegExp; of: (groups: (string | undefined)[]) => ImportError };

const file = (specifier: string | undefined, importer: string | undefined): ImportError => ({
  kind: "path",
  specifier: specifier ?? null,
  target: null,
  importer: importer ?? null,
});
const resolved = (target: string | undefined, importer: string | undefined): ImportError => ({
  kind: "path",
  specifier: null,
  target: target ?? null,
  importer: importer ?? null,
});
const missing = (
  name: string | undefined,
  specifier: string | undefined,
  importer: string | undefined,
): ImportError => ({
  kind: "name",
  name: name ?? "",
  specifier: specifier ?? null,
  importer: importer ?? null,
});
const at = `(?:^|[\\s([])((?:\\.{0,2}/)?[\\w@$.[\\]()/\\\\-]{1,300}\\.[cm]?[jt]sx?)[:(]\\d{1,7}`;

/** Node, bundlers and test runners in their own words. The first that fits counts. */
const wordings: Reading[] = [
  {
    pattern: new RegExp(`Cannot find module '((?:/|[A-Za-z]:\\\\|file://)${path})' imported from '?(${path})`),
    of: ([target, importer]) => resolved(target, importer),
  },
  {
    pattern: new RegExp(`Directory import '(${path})' is not supported resolving ES modules imported from '?(${path})`),
    of: ([target, importer]) => resolved(target, importer),
  },
  {
    pattern: new RegExp(`Cannot find module '(${path})' (?:imported )?from '(${path})'`),
    of: ([specifier, importer]) => file(specifier, importer),
  },
  {
    pattern: new RegExp(`Cannot find module '(${path})'\\nRequire stack:\\n- (${path})`),
    of: ([specifier, importer]) => file(specifier, importer),
  },
  {
    pattern: new RegExp(
      `(?:Failed to resolve import|Could not resolve|Cannot resolve import) ["'](${path})["'] from ["'](${path})["']`,
    ),
    of: ([specifier, importer]) => file(specifier, importer),
  },
  {
    pattern:
      /Failed to load url ([^\s'"]{1,400}) \(resolved id: [^)\n]{1,400}\)(?: in ([^\s'"]{1,400}?))?\. Does the file exist/,
    of: ([specifier, importer]) => file(specifier, importer),
  },
  {
    pattern: new RegExp(
      `${at}[\\s\\S]{0,200}?(?:Can't resolve|Could not resolve|Cannot find module) ['"](${path})['"]`,
    ),
    of: ([importer, specifier]) => file(specifier, importer),
  },
  {
    pattern: new RegExp(
      `(?:Can't resolve|Could not resolve|Cannot find module) ['"](${path})['"][\\s\\S]{0,400}?${at}`,
    ),
    of: ([specifier, importer]) => file(specifier, importer),
  },
  {
    pattern: new RegExp(`(?:Can't resolve|Could not resolve|Cannot find module) ['"](${path})['"]`),
    of: ([specifier]) => file(specifier, undefined),
  },
  {
    pattern: new RegExp(
      `${at}[\\s\\S]{0,300}?The requested module ['"](${path})['"] does not provide an export named ['"]?([\\w$]{1,80})`,
    ),
    of: ([importer, specifier, name]) => missing(name, specifier, importer),
  },
  {
    pattern: new RegExp(`The requested module ['"](${path})['"] does not provide an export named ['"]?([\\w$]{1,80})`),
    of: ([specifier, name]) => missing(name, specifier, undefined),
  },
  {
    pattern: new RegExp(
      `(?:export|Attempted import error:) ['"]([\\w$]{1,80})['"] (?:\\(imported as [^)\\n]{1,100}\\) )?(?:was not found in|is not exported from) ['"](${path})['"]`,
    ),
    of: ([name, specifier]) => missing(name, specifier, undefined),
  },
  {
    pattern: new RegExp(`${at}[^\\n]{0,200}?Module '"(${path})"' has no exported member '([\\w$]{1,80})'`),
    of: ([importer, specifier, name]) => missing(name, specifier, importer),
  },
  {
    pattern: new RegExp(`${at}[^\\n]{0,200}?'"(${path})"' has no exported member named '([\\w$]{1,80})'`),
    of: ([importer, specifier, name]) => missing(name, specifier, importer),
  },
  {
    pattern: new RegExp(`${at}[^\\n]{0,200}?Module '"(${path})"' has no default export`),
    of: ([importer, specifier]) => missing("default", specifier, importer),
  },
  {
    pattern: new RegExp(`"([\\w$]{1,80})" is not exported by "${path}", imported by "(${path})"`),
    of: ([name, importer]) => missing(name, undefined, importer),
  },
  {
    pattern: new RegExp(`No matching export in "${path}" for import "([\\w$]{1,80})"[\\s\\S]{0,200}?${at}`),
    of: ([name, importer]) => missing(name, undefined, importer),
  },
];

const used = [
  /\(0 ?, ?[\w$]{1,100}\.([A-Za-z_$][\w$]{0,80})\) is not a (?:function|constructor)/,
  /__(?:vi|vite_ssr)_import_\d+__\.([A-Za-z_$][\w$]{0,80}) is not a (?:function|constructor)/,
  /_?[\w$]{1,100}__WEBPACK_IMPORTED_MODULE_\d+__(?:\.([A-Za-z_$][\w$]{0,80}))? is not a (?:function|constructor)/,
  /(?:^|TypeError: )([A-Za-z_$][\w$]{0,80}) is not a (?:function|constructor)/m,
  /Class extends value (undefined|\[object Module\]|#<Object>)/,
];

/** The trouble with an import that a problem tells of, or `undefined` when it is about something else. */
export function importErrorOf(problem: Problem): ImportError | undefined {
  const text = [problem.message, problem.stack ?? "", problem.title]
    .map((one) => one.slice(0, textCharactersMax))
    .join("\n");
  for (const { pattern, of } of wordings) {
    const found = pattern.exec(text);
    if (found !== null) return of([...found].slice(1));
  }
  if (problem.errorType !== null && !/TypeError|^Error$/.test(problem.errorType)) return undefined;
  for (const pattern of used) {
    const found = pattern.exec(text);
    if (found !== null) return { kind: "use", name: found[1] ?? "default" };
  }
  return undefined;
}
