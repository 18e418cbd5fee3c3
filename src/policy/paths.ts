import picomatch from "picomatch";
import { latinSkeleton } from "./lookalikes.ts";

const pathLengthMax = 500;
/** Segments that only Git itself may write: hooks, configuration and attributes decide what our own Git does. */
const gitsOwn = /^(\.git|git~\d+|\.gitattributes|\.gitmodules)$/;

/** Why a path may not appear in a fix at all, or `undefined` (reliability D5). */
export function pathFault(path: string): string | undefined {
  if (path === "" || path.length > pathLengthMax) return `is empty or longer than ${pathLengthMax} characters`;
  if (/\p{Cc}/u.test(path)) return "holds a control character";
  if (/[\p{Cf}\p{Zl}\p{Zp}\u3164\u115f\u1160]/u.test(path)) return "holds an invisible or direction-changing character";
  if (path.includes("\uFFFD") || !path.isWellFormed()) return "is not valid UTF-8";
  if (path.includes("\\")) return "holds a backslash";
  if (path.startsWith("/") || /^[a-z]:/i.test(path)) return "is absolute";
  const segments = path.split("/");
  if (segments.some((segment) => segment === "" || segment === "." || segment === "..")) {
    return "is not in its plain form (empty, '.' or '..' segment)";
  }
  if (segments.some((segment) => /[.\s]$/u.test(segment) || /^\s/u.test(segment))) {
    return "has a segment that ends in a dot or begins or ends with a space";
  }
  if (path.normalize("NFC") !== path) return "is not in Unicode normal form C";
  if (segments.some((segment) => gitsOwn.test(foldedSegment(segment)))) return "belongs to Git itself";
  return undefined;
}

/** A matcher for `globs` that cannot be fooled by case, `..`, trailing dots or look-alike letters; a folder's match covers its files. */
export function pathMatcher(globs: string[]): (path: string) => boolean {
  const matches = globs.map((glob) => picomatch(glob, { dot: true, nocase: true }));
  return (path) => {
    // Nobody names a file like that honestly, and each of its folders would cost a comparison.
    if (path.length > pathLengthMax) return true;
    const candidates = new Set([...spellings(path), ...spellings(latinSkeleton(path))]);
    return [...candidates].some((candidate) => matches.some((match) => match(candidate)));
  };
}

/** The path as a case-insensitive, normalising file system would see it: two paths with one folded form are one file. */
export function foldedPath(path: string): string {
  const kept: string[] = [];
  for (const segment of path.replaceAll("\\", "/").split("/").map(foldedSegment)) {
    if (segment === "..") kept.pop();
    else if (segment !== "" && segment !== ".") kept.push(segment);
  }
  return kept.join("/");
}

function foldedSegment(segment: string): string {
  if (segment === "." || segment === "..") return segment;
  return latinSkeleton(segment)
    .toLowerCase()
    .replace(/[.\s]+$/u, "")
    .trimStart();
}

/** The path and each of its folders: what is forbidden to touch may not be turned into a folder either. */
function spellings(path: string): string[] {
  const whole = [path, foldedPath(path)];
  return whole.flatMap((spelling) => {
    const segments = spelling.split("/");
    return segments.map((_, depth) => segments.slice(0, depth + 1).join("/"));
  });
}
