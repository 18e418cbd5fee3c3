import type { Risk } from "#domain/fix.ts";
import { foldedPath, pathFault } from "../paths.ts";
import type { ReviewedFile } from "./added-lines.ts";

/** Files that ask for a person by their name alone. A floor below the configurable lists: emptying those does not open these. */
const byName: { kind: Risk["kind"]; note: string; pattern: RegExp }[] = [
  {
    kind: "pipeline_file",
    note: "decides how code is built, tested or shipped",
    pattern:
      /(^|\/)(\.github|\.circleci|\.ci|\.gitlab|\.husky|\.vscode|\.idea|\.claude|\.cursor|\.vercel)\/|(^|\/)(\.gitlab-ci[^/]*|\.git[a-z]+|jenkinsfile|makefile|procfile|dockerfile[^/]*|docker-compose[^/]*|compose\.ya?ml|vercel\.json|netlify\.toml|fly\.toml|\.npmrc|\.yarnrc[^/]*|\.pnpmfile[^/]*|\.mcp\.json|claude\.md|agents\.md|\.cursorrules|codeowners)$/,
  },
  {
    kind: "pipeline_file",
    note: "configures build, tests or checks",
    pattern:
      /(^|\/)((next|vite|webpack|rollup|babel|jest|vitest|playwright|cypress|eslint|biome|tsconfig|jsconfig)[^/]*\.(json|jsonc|[cm]?[jt]s)|\.eslintrc[^/]*|\.mocharc[^/]*|\.babelrc|\.swcrc)$/,
  },
  { kind: "authorization", note: "runs before every request", pattern: /(^|\/)(middleware|proxy)\.[cm]?[jt]sx?$/ },
  {
    kind: "authorization",
    note: "decides who may do what",
    pattern: /(^|\/)(auth|authz|authorization|permissions?|rbac|acl|login|oauth|sso|session)([./]|[-_][^/]*\.)/,
  },
  {
    kind: "dependency",
    note: "names dependencies or scripts",
    pattern:
      /(^|\/)(package\.json|package-lock\.json|npm-shrinkwrap\.json|yarn\.lock|pnpm-lock\.yaml|pnpm-workspace\.yaml|bun\.lockb?)$|(^|\/)(node_modules|vendor|patches)\//,
  },
  { kind: "secret", note: "holds the environment", pattern: /(^|\/)\.env[^/]*$/ },
  { kind: "migration", note: "changes the database", pattern: /(^|\/)migrations?\/|\.sql$|(^|\/)schema\.prisma$/ },
  {
    kind: "pipeline_file",
    note: "is the health check that the watch relies on",
    pattern: /(^|\/)(health|healthz|healthcheck|health-check|readyz?|livez?)(\/route|\/index|\.test)?\.[cm]?[jt]sx?$/,
  },
  {
    kind: "pipeline_file",
    note: "holds code that cannot be reviewed here",
    pattern: /\.(sh|bash|zsh|ps1|bat|cmd|html?|xhtml|svg|php|py|rb|pl|wasm|vue|svelte|astro|ejs|hbs|njk|liquid)$/,
  },
];

export function pathRisks(file: ReviewedFile): Risk[] {
  const path = foldedPath(file.path);
  const named = byName
    .filter(({ pattern }) => pattern.test(path))
    .map(({ kind, note }) => ({ kind, path: file.path, line: null, note }));
  const fault = pathFault(file.path);
  if (fault !== undefined) named.push({ kind: "hidden_text", path: file.path, line: null, note: `the path ${fault}` });
  return named;
}
