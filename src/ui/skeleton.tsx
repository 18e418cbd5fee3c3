/** What stands where a page will be while it is read: its heading, and panels about as high as they become, so that little moves. */
export function Skeleton({ title, panels }: { title: string; panels: string[] }) {
  return (
    <div data-loading className="space-y-6">
      <h1 className="font-semibold text-lg">{title}</h1>
      <p role="status" className="sr-only">
        Reading…
      </p>
      {panels.map((height, n) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: they never move
        <div key={n} className={`rounded-lg border border-line bg-panel motion-safe:animate-pulse ${height}`} />
      ))}
    </div>
  );
}
