"use client";

import { lazy, Suspense, useState } from "react";
import type { Risk } from "#domain/fix.ts";

const load = () => import("./diff-view.tsx");
/** Fetched when somebody opens a diff: the first sight of the page does without. */
const DiffView = lazy(async () => ({ default: (await load()).DiffView }));

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
      onPointerEnter={load}
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

function sizeOf(text: string): { added: number; removed: number } {
  const lines = text.split("\n");
  const count = (sign: string, header: string) =>
    lines.filter((line) => line.startsWith(sign) && !line.startsWith(header)).length;
  return { added: count("+", "+++ "), removed: count("-", "--- ") };
}
