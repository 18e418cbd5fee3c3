/**
 * Whether `path` fits `pattern`: `*` and `?` inside a segment, `**` for any number of segments; a pattern without a
 * wildcard is a prefix. No regular expression: the pattern is a model's, and must not be able to hold the process up.
 */
export function fits(path: string, pattern: string): boolean {
  if (!/[*?]/.test(pattern)) return path.startsWith(pattern);
  return segmentsFit(
    path.split("/"),
    pattern.split("/").filter((segment, index, all) => segment !== "**" || all[index - 1] !== "**"),
  );
}

/** Which prefixes of the path are covered, pattern segment by pattern segment. */
function segmentsFit(path: string[], pattern: string[]): boolean {
  let reached = new Set([0]);
  for (const wanted of pattern) {
    const next = new Set<number>();
    for (const at of reached) {
      if (wanted === "**") for (let to = at; to <= path.length; to++) next.add(to);
      else if (at < path.length && segmentFits(path[at] ?? "", wanted)) next.add(at + 1);
    }
    reached = next;
  }
  return reached.has(path.length);
}

/** The usual walk with one way back: to the last star. */
function segmentFits(text: string, pattern: string): boolean {
  let at = 0;
  let star = -1;
  let starAt = 0;
  let index = 0;
  while (at < text.length) {
    const sign = pattern[index];
    if (sign === "*") {
      star = index;
      starAt = at;
      index += 1;
    } else if (sign === "?" || (sign !== undefined && sign === text[at])) {
      index += 1;
      at += 1;
    } else if (star >= 0) {
      index = star + 1;
      starAt += 1;
      at = starAt;
    } else return false;
  }
  while (pattern[index] === "*") index += 1;
  return index === pattern.length;
}
