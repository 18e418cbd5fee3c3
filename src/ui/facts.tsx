import type { ReactNode } from "react";

/** Names and values in a dense grid. */
export function Facts({ children }: { children: ReactNode }) {
  return <dl className="grid grid-cols-[auto_1fr] gap-x-4 gap-y-1">{children}</dl>;
}

export function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <>
      <dt className="text-muted">{name}</dt>
      <dd className="min-w-0 break-words">{children}</dd>
    </>
  );
}

/** Whom it touched: -1 stands for everyone. */
export function usersInWords(affectedUsers: number): string {
  if (affectedUsers < 0) return "everyone";
  return affectedUsers === 1 ? "1 user" : `${affectedUsers} users`;
}

/** `1 event`, `2 events`. */
export function counted(count: number, thing: string): string {
  return `${count} ${thing}${count === 1 ? "" : "s"}`;
}

/** A part of a page with its heading. */
export function Panel({
  title,
  id,
  aside,
  children,
}: {
  title: string;
  id: string;
  aside?: ReactNode;
  children: ReactNode;
}) {
  return (
    <section aria-labelledby={id} className="rounded-lg border border-line bg-panel">
      <div className="flex flex-wrap items-center justify-between gap-2 border-line border-b px-4 py-2">
        <h2 id={id} className="font-semibold">
          {title}
        </h2>
        {aside}
      </div>
      {children}
    </section>
  );
}

/** What a program printed, folded away until it is asked for. */
export function Output({ text, title = "Output" }: { text: string; title?: string }) {
  return (
    <details>
      <summary className="text-muted">{title}</summary>
      <pre
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
        tabIndex={0}
        className="mt-1 max-h-96 overflow-auto rounded-md border border-line bg-page p-2 font-mono text-xs"
      >
        {text}
      </pre>
    </details>
  );
}
