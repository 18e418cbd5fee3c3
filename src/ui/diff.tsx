"use client";

import { lazy, Suspense, useState } from "react";
import type { Risk } from "#domain/fix.ts";

const load = () => import("./diff-view.tsx");
/** Fetched when somebody opens a diff: the first sight of the page does without. */
const DiffView = lazy(async () => ({
  default: await load().then(
    (loaded) => loaded.DiffView,
    () => PlainText,
  ),
}));

/** A change to be opened: files and lines first, the text when it is asked for. */
export function Diff({
  text,
  risks,
  files,
  open = false,
}: {
  text: string;
  risks: Risk[];
  files: string[];
  open?: boolean;
}) {
  const [isOpen, setOpen] = useState(open);
  const { added, removed } = sizeOf(text);
  return (
    <details
      open={isOpen}
      onToggle={(event) => setOpen(event.currentTarget.open)}
      // Only to be quicker: what does not come is asked for again when it is opened.
      onPointerEnter={() => load().catch(() => undefined)}
      className="rounded-md border border-line"
    >
      <summary className="flex min-h-10 flex-wrap items-center gap-x-3 px-3 py-2 hover:bg-raised">
        <span className="font-medium">
          <span aria-hidden="true">{isOpen ? "▾" : "▸"}</span> Diff
        </span>
        <span className="text-muted">{files.length === 1 ? files[0] : `${files.length} files`}</span>
        <span className="tabular-nums">
          <span className="text-good">+{added}</span> <span className="text-bad">−{removed}</span>
        </span>
        {risks.length > 0 && <span className="text-warn">{risks.length} notes for the reviewer</span>}
      </summary>
      {isOpen && (
        <Suspense fallback={<p className="px-3 py-6 text-muted">Loading the diff…</p>}>
          <DiffView text={text} risks={risks} />
        </Suspense>
      )}
    </details>
  );
}

/** A page without network, or of an earlier version, stays a page: the change is there, without what makes it easy to read. */
function PlainText({ text }: { text: string }) {
  return (
    <div className="border-line border-t">
      <p className="p-3 text-warn">
        The full view could not be loaded: no colours and no notes, and what hides itself in a text stays hidden. Reload
        the page before you decide.
      </p>
      <pre
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
        tabIndex={0}
        className="overflow-x-auto p-3 font-mono text-xs"
      >
        {text}
      </pre>
    </div>
  );
}

function sizeOf(text: string): { added: number; removed: number } {
  const lines = text.split("\n");
  const count = (sign: string, header: string) =>
    lines.filter((line) => line.startsWith(sign) && !line.startsWith(header)).length;
  return { added: count("+", "+++ "), removed: count("-", "--- ") };
}
