import type { Frame } from "#domain/event.ts";

/** Which files of a repository the frames of a stack mean, whatever a host, a container or a build put before their paths. */

const built = /(?:^|\/)(?:dist|build|out|output|lib|es|esm|cjs|\.next|\.output|public)\//;
const sources = [".ts", ".tsx", ".mts", ".cts", ".jsx", ".js", ".mjs", ".cjs"];

/**
 * The frames with their files as the repository names them. A frame of no file of the repository is none of the
 * application's. A compiled file stands for its source, without a line: that of the build means nothing there.
 * `prefix`: the folder of the repository that the error came from, where only a part of it was named.
 */
export function framesInRepository(frames: Frame[], files: string[], prefix = ""): Frame[] {
  const known = createIndex(files, prefix);
  return frames.map((frame) => {
    const path = isForeign(frame.file) ? undefined : known.find(frame.file);
    if (path !== undefined) return { ...frame, file: path, inApp: true };
    const source = isForeign(frame.file) ? undefined : known.source(frame.file);
    if (source !== undefined) return { ...frame, file: source, line: null, column: null, inApp: true };
    return { ...frame, inApp: false };
  });
}

function isForeign(file: string): boolean {
  return file === "" || /^(?:node:|<)|(?:^|\/)node_modules\//.test(file);
}

function createIndex(files: string[], prefix: string) {
  const known = new Set(files);
  const byName = Map.groupBy(files, (path) => path.slice(path.lastIndexOf("/") + 1));
  /** The one file that ends with `suffix`. */
  const only = (suffix: string): string | undefined => {
    const name = suffix.slice(suffix.lastIndexOf("/") + 1);
    const found = (byName.get(name) ?? []).filter((path) => path.endsWith(`/${suffix}`));
    return found.length === 1 ? found[0] : undefined;
  };
  function find(file: string): string | undefined {
    const segments = segmentsOf(file);
    if (segments === undefined) return undefined;
    for (let start = 0; start < segments.length; start++) {
      const suffix = segments.slice(start).join("/");
      if (prefix !== "" && known.has(`${prefix}/${suffix}`)) return `${prefix}/${suffix}`;
      if (known.has(suffix)) return suffix;
      // A bare name is in too many folders to mean one of them, unless it is all that was said.
      const found = start < segments.length - 1 || segments.length === 1 ? only(suffix) : undefined;
      if (found !== undefined) return found;
    }
    return undefined;
  }
  function source(file: string): string | undefined {
    if (!built.test(file)) return undefined;
    const stem = file.replace(/\.[cm]?jsx?$/, "");
    const stems = [stem, stem.replace(built, (folder) => folder.replace(/[^/]+\/$/, "src/")), stem.replace(built, "/")];
    for (const candidate of stems) {
      for (const extension of sources) {
        const found = find(candidate + extension);
        if (found !== undefined) return found;
      }
    }
    return undefined;
  }
  return { find, source };
}

function segmentsOf(file: string): string[] | undefined {
  const segments = file.split("/").filter((segment) => segment !== "" && segment !== ".");
  return segments.length === 0 || segments.includes("..") ? undefined : segments;
}
