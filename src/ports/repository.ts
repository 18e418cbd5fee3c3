import type { Edit, FileChange } from "#domain/fix.ts";
import type { Sha } from "#domain/ids.ts";

/** One commit of the past, as far as it explains a line or a file. */
export interface PastCommit {
  commit: Sha;
  at: Date;
  author: string;
  subject: string;
}

/** A commit's files, read-only. Paths are relative, with `/`; nothing outside the commit can be reached through them. */
export interface Snapshot {
  commit: Sha;
  /** Every regular file, sorted; bounded to 50,000. Symbolic links and submodules are left out. */
  list(): Promise<string[]>;
  /** The file's text; `undefined` when it does not exist, is binary, or is larger than 1 MB. */
  read(path: string): Promise<string | undefined>;
  /** Lines that contain `text` literally, in at most `limit` places. */
  search(text: string, limit: number): Promise<{ path: string; line: number; text: string }[]>;
  /** The newest commits that touched `path`, at most `limit`. */
  history(path: string, limit: number): Promise<PastCommit[]>;
  /** Who last changed each of the lines `from` to `to` of `path`, counted from 1; at most 200 lines, empty when there are none. */
  blame(path: string, from: number, to: number): Promise<(PastCommit & { line: number })[]>;
}

/** A pull request: a branch that people are asked to take over into another one. */
export interface Proposal {
  number: number;
  url: string;
  state: "open" | "merged" | "closed";
  /** What would be (or was) taken over. */
  head: Sha;
  /** As which commit it landed, where it was merged. */
  landed: Sha | null;
  /** Who merged or closed it, where that is known. */
  by: string | null;
}

/**
 * The watched application's source. The fix branch, `staging` and `main` live here; `main` is production.
 * Every method may be repeated with the same arguments: the second call finds the work done and answers alike.
 * Failures: `unavailable` (remote out of reach), `misconfigured` (repository, branch or permission missing).
 */
export interface Repository {
  /** The commit a branch points to now, asked of the remote; `undefined` when there is no such branch. */
  head(branch: string): Promise<Sha | undefined>;

  snapshot(commit: Sha): Promise<Snapshot>;

  /** Writes the commit's files into the empty folder `directory`: a plain copy without `.git`, links or submodules. */
  export(commit: Sha, directory: string): Promise<void>;

  /** What differs between two commits: one entry per path, and the text of the diff (bounded to 1 MB). */
  changes(from: Sha, to: Sha): Promise<{ files: FileChange[]; diff: string }>;

  /** Whether `ancestor` is reachable from `descendant`. */
  contains(descendant: Sha, ancestor: Sha): Promise<boolean>;

  /** A commit on top of `base` that holds `edits`; no branch moves. The same request gives the same id. */
  commit(request: { base: Sha; edits: Edit[]; message: string; at: Date }): Promise<{ commit: Sha; tree: Sha }>;

  /** Creates `branch` at `commit`; answers `taken` when the name exists with something else on it. */
  publish(branch: string, commit: Sha): Promise<"published" | "taken">;

  /** The merge of `fix` into `base` as one commit; no branch moves. The same request gives the same id. */
  compose(request: {
    base: Sha;
    fix: Sha;
    message: string;
    at: Date;
  }): Promise<{ kind: "composed"; commit: Sha; tree: Sha } | { kind: "conflict"; files: string[] }>;

  /**
   * Moves `branch` from exactly `from` to `to`, only forward, and asks the remote afterwards whether it is so.
   * `moved`: someone else moved it meanwhile; `not_forward`: `to` does not contain `from`; `refused`: the remote said no.
   */
  advance(
    branch: string,
    move: { from: Sha; to: Sha },
  ): Promise<
    | { kind: "advanced" }
    | { kind: "moved"; head: Sha | undefined }
    | { kind: "not_forward" }
    | { kind: "refused"; why: string }
  >;

  /**
   * Points `staging` or a branch of the agent's (never `main`) from exactly `from` to `to` even where that is not forward.
   * Commits that a person made and that would become unreachable are kept under `agent/archive/…` first.
   */
  replace(
    branch: string,
    move: { from: Sha; to: Sha },
  ): Promise<
    | { kind: "replaced"; archivedAs: string | null }
    | { kind: "moved"; head: Sha | undefined }
    | { kind: "refused"; why: string }
  >;

  /**
   * A commit on top of `on` that takes `commit` (a composed merge) back and keeps what landed since; no branch moves.
   * `already`: `on` contains a revert of it. The same request gives the same id.
   */
  revert(request: {
    commit: Sha;
    on: Sha;
    message: string;
    at: Date;
  }): Promise<
    { kind: "reverted"; commit: Sha; tree: Sha } | { kind: "already" } | { kind: "conflict"; files: string[] }
  >;

  /**
   * Opens a pull request for `branch` into `into`, or answers with the newest one that there is, whatever became of it: what
   * a person closed is not opened again. `body` is Markdown and trusted; `path` leads to the page about it, from the
   * dashboard's root. `unsupported`: this kind of repository has no such thing.
   */
  propose(request: {
    branch: string;
    into: string;
    title: string;
    body: string;
    path: string;
  }): Promise<({ kind: "proposed" } & Proposal) | { kind: "unsupported" }>;

  /** The newest pull request for `branch` into `into`; `undefined`: there is none. */
  proposal(branch: string, into: string): Promise<Proposal | undefined>;

  /**
   * Clears away what an ended fix left: closes the open pull request of `branch` into `into` with `comment` (trusted Markdown,
   * written once) and removes `branch`. `theirs`: at its head is none of `ours`, so a person committed there, and neither it nor
   * its pull request is touched. `refused`: the remote keeps the branch.
   */
  withdraw(request: {
    branch: string;
    into: string;
    ours: Sha[];
    comment: string;
  }): Promise<{ kind: "withdrawn" } | { kind: "theirs"; head: Sha } | { kind: "refused"; why: string }>;
}
