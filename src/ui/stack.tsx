import type { Frame } from "#domain/event.ts";
import { placeUrl } from "#domain/source-links.ts";
import type { RepositoryUrl } from "#domain/view.ts";
import { counted } from "./facts.tsx";
import { Outside } from "./source-links.tsx";

/** The way into the error, innermost first. Frames of the application stand open; the rest folds away. */
export function Stack({
  frames,
  text,
  ...source
}: {
  frames: Frame[];
  text: string | null;
  /** The release that it was reported from. */
  commit: string | null;
  repository: RepositoryUrl;
}) {
  if (frames.length === 0) {
    if (text === null) return <p className="text-muted">No stack came with it.</p>;
    return <Raw text={text} />;
  }
  return (
    <div className="space-y-2">
      <ol className="space-y-1 font-mono text-xs">
        {groupsOf(frames).map(({ isOwn, members }) =>
          isOwn ? (
            members.map((member) => <OwnFrame key={member.depth} frame={member.frame} {...source} />)
          ) : (
            <li key={members[0]?.depth}>
              <details>
                <summary className="text-muted">
                  {counted(members.length, "frame")} of libraries and the runtime
                </summary>
                <ol className="mt-1 space-y-0.5 pl-4 text-muted">
                  {members.map(({ frame, depth }) => (
                    <li key={depth} className="break-all">
                      {placeOf(frame)}
                    </li>
                  ))}
                </ol>
              </details>
            </li>
          ),
        )}
      </ol>
      {text !== null && (
        <details>
          <summary className="text-muted">As it was reported</summary>
          <Raw text={text} />
        </details>
      )}
    </div>
  );
}

function OwnFrame({ frame, commit, repository }: { frame: Frame; commit: string | null; repository: RepositoryUrl }) {
  return (
    <li className="break-all rounded-md border border-line bg-page px-2 py-1">
      <Outside to={placeUrl(repository, commit, frame.file, frame.line)}>{placeOf(frame)}</Outside>
      {frame.context !== null && (
        <code className="mt-1 block whitespace-pre-wrap border-accent border-l-2 pl-2">{frame.context}</code>
      )}
    </li>
  );
}

function Raw({ text }: { text: string }) {
  return (
    <pre
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
      tabIndex={0}
      className="mt-1 max-h-80 overflow-auto rounded-md border border-line bg-page p-2 font-mono text-xs"
    >
      {text}
    </pre>
  );
}

function placeOf({ function: name, file, line, column }: Frame): string {
  const place = [file, line, column].filter((part) => part !== null).join(":");
  return name === "" ? place : `${name} (${place})`;
}

/** Neighbours of one kind together, each frame with its depth. */
function groupsOf(frames: Frame[]) {
  const groups: { isOwn: boolean; members: { frame: Frame; depth: number }[] }[] = [];
  for (const [depth, frame] of frames.entries()) {
    const last = groups.at(-1);
    if (last?.isOwn === frame.inApp) last.members.push({ frame, depth });
    else groups.push({ isOwn: frame.inApp, members: [{ frame, depth }] });
  }
  return groups;
}
