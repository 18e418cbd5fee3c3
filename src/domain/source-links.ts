/** Where people look at the watched repository in a browser: addresses in the form of GitHub, and of nobody else. */

/** A file of one commit, at a line where there is one; `null`: it is no place in the repository. */
export function placeUrl(repositoryUrl: string | null, commit: string | null, file: string, line: number | null) {
  if (repositoryUrl === null || commit === null || !isCommit(commit)) return null;
  const segments = file.split("/");
  // Absolute paths, `node:internal`, addresses and ways out of the repository are no files of it.
  if (segments.some((segment) => segment === "" || segment === "." || segment === "..") || /[:\\]/.test(file))
    return null;
  const at = line === null || line < 1 ? "" : `#L${line}`;
  return `${repositoryUrl}/blob/${commit}/${segments.map(encodeURIComponent).join("/")}${at}`;
}

export function commitUrl(repositoryUrl: string | null, commit: string): string | null {
  return repositoryUrl === null || !isCommit(commit) ? null : `${repositoryUrl}/commit/${commit}`;
}

export function branchUrl(repositoryUrl: string | null, branch: string): string | null {
  const segments = branch.split("/");
  if (repositoryUrl === null || segments.some((segment) => /^\.*$/.test(segment))) return null;
  return `${repositoryUrl}/tree/${segments.map(encodeURIComponent).join("/")}`;
}

/** What others told us is an address people may follow only where it is one of the web. */
export function webUrl(address: string | null): string | null {
  return address !== null && /^https?:\/\//i.test(address) && URL.canParse(address) ? address : null;
}

/** Enough of a commit's id to name it: as releases are often called. */
function isCommit(text: string): boolean {
  return /^[0-9a-f]{7,64}$/.test(text);
}
