import type { FileChange } from "#domain/fix.ts";
import { cutText, diffBytesMax } from "./diff-limit.ts";
import type { Git } from "./local-git.ts";
import { incomplete, splitAtZero } from "./local-tree.ts";

/** Nothing that a repository's own files say may change what a person sees, and the same commits give the same bytes anywhere. */
const diffFormat = [
  "--patch",
  "--full-index",
  "--text",
  "--no-ext-diff",
  "--no-textconv",
  "--no-renames",
  "--no-color",
  "--diff-algorithm=myers",
  "--unified=3",
  "--src-prefix=a/",
  "--dst-prefix=b/",
];

/**
 * What differs between two commits: per path both sides' modes (a rename is a deletion and an addition, reliability D5), and
 * the text of the diff as it is in the blobs, whatever `.gitattributes` says (reliability D15).
 */
export async function changesBetween(
  git: Git,
  from: string,
  to: string,
): Promise<{ files: FileChange[]; diff: string }> {
  const tree = ["diff-tree", "-r"];
  const range = ["--end-of-options", from, to];
  const raw = await complete(git, [...tree, "-z", "--raw", "--no-renames", "--full-index", ...range]);
  const counts = await complete(git, [...tree, "-z", "--numstat", "--no-renames", "--no-textconv", ...range]);
  const diff = await git.run([...tree, ...diffFormat, ...range], { outputBytesMax: diffBytesMax });
  if (diff.exitCode !== 0) throw incomplete(diff.stderr);
  const text = diff.stdout.toString("utf8");
  return { files: filesOf(raw, counts), diff: diff.cut ? cutText(text, from, to) : text };
}

async function complete(git: Git, args: string[]): Promise<Buffer> {
  const result = await git.run(args);
  if (result.exitCode !== 0 || result.cut) throw incomplete(result.stderr);
  return result.stdout;
}

function filesOf(raw: Buffer, numstat: Buffer): FileChange[] {
  const counts = new Map<string, { binary: boolean; addedLines: number; removedLines: number }>();
  for (const record of splitAtZero(numstat)) {
    // Paths are compared as bytes: two names that are not UTF-8 may look the same as text.
    const [added = "-", removed = "-", ...path] = record.toString("latin1").split("\t");
    const binary = added === "-";
    counts.set(path.join("\t"), { binary, addedLines: Number(added) || 0, removedLines: Number(removed) || 0 });
  }
  const records = splitAtZero(raw);
  const files: FileChange[] = [];
  for (let index = 0; index + 1 < records.length; index += 2) {
    const [oldMode = "", newMode = "", , , status = ""] = (records[index]?.toString("latin1") ?? "")
      .slice(1)
      .split(" ");
    const path = records[index + 1] ?? Buffer.alloc(0);
    const counted = counts.get(path.toString("latin1")) ?? { binary: true, addedLines: 0, removedLines: 0 };
    files.push({ path: path.toString("utf8"), change: changeOf(status), oldMode, newMode, ...counted });
  }
  return files;
}

function changeOf(status: string): FileChange["change"] {
  switch (status.charAt(0)) {
    case "A":
      return "added";
    case "D":
      return "deleted";
    case "M":
      return "modified";
    default:
      return "type_changed";
  }
}
