import type { ReactNode } from "react";
import { branchUrl, commitUrl, placeUrl, webUrl } from "#domain/source-links.ts";

/** A link out of Vigil, or the plain text where nothing is known to link to. */
export function Outside({ to, title, children }: { to: string | null; title?: string; children: ReactNode }) {
  if (to === null) return <span title={title}>{children}</span>;
  return (
    <a
      href={to}
      title={title}
      target="_blank"
      rel="noreferrer"
      className="inline-block break-all leading-6 underline decoration-dotted hover:decoration-solid"
    >
      {children}
    </a>
  );
}

const code = "font-mono text-xs";

/** The first characters of a commit id, with all of them on hover. `repository` is its web address. */
export function Commit({ id, repository = null }: { id: string | null; repository?: string | null }) {
  if (id === null) return <span className="text-muted">—</span>;
  return (
    <code className={code}>
      <Outside to={commitUrl(repository, id)} title={id}>
        {id.slice(0, 10)}
      </Outside>
    </code>
  );
}

/** What a release calls itself: often the commit that it was built from. */
export function Release({ name, repository }: { name: string; repository: string | null }) {
  return /^[0-9a-f]{40}$/.test(name) ? <Commit id={name} repository={repository} /> : name;
}

export function Branch({ name, repository }: { name: string; repository: string | null }) {
  return (
    <code className={`break-all ${code}`}>
      <Outside to={branchUrl(repository, name)}>{name}</Outside>
    </code>
  );
}

export function PullRequest({ url }: { url: string }) {
  return <Outside to={webUrl(url)}>pull request {/\/pull\/(\d+)$/.exec(url)?.[1] ?? ""}</Outside>;
}

/** `src/file.ts:12` of one commit. */
export function Place({
  file,
  line,
  commit,
  repository,
}: {
  file: string;
  line: number;
  commit: string | null;
  repository: string | null;
}) {
  return (
    <code className={`break-all ${code}`}>
      <Outside to={placeUrl(repository, commit, file, line)}>
        {file}:{line}
      </Outside>
    </code>
  );
}
