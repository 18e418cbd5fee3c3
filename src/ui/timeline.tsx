import type { TimelineEntry } from "#domain/view.ts";
import { Badge, type Tone } from "./badge.tsx";
import { Time } from "./time.tsx";

const tones: Record<string, Tone> = { failed: "bad", refused: "warn", intended: "neutral", done: "good" };

/** Pushes, deployments and messages, each announced and then done: what the audit log is for. */
const isEffect = ({ action, outcome }: TimelineEntry) =>
  /^(repository|platform|notice)\./.test(action) && (outcome === "intended" || outcome === "done");

/** How an issue went on; the effects on the outside world that went well stand folded below. */
export function Story({ entries }: { entries: TimelineEntry[] }) {
  const effects = entries.filter(isEffect);
  return (
    <div className="space-y-4">
      <Timeline entries={entries.filter((entry) => !isEffect(entry))} />
      {effects.length > 0 && (
        <details>
          <summary className="text-muted hover:text-ink">
            {effects.length} more: what was pushed, deployed and sent
          </summary>
          <div className="mt-2">
            <Timeline entries={effects} />
          </div>
        </details>
      )}
    </div>
  );
}

/** What was done, by whom, on what and why, newest first. */
export function Timeline({ entries }: { entries: TimelineEntry[] }) {
  if (entries.length === 0) return <p className="text-muted">Nothing was done yet.</p>;
  return (
    <ol className="space-y-2">
      {entries.map(({ seq, at, actor, action, subject, outcome, because }) => (
        <li key={seq} className="gap-x-3 sm:grid sm:grid-cols-[auto_1fr]">
          <span className="pt-0.5 text-muted text-xs">
            <Time iso={at} style="date" />
          </span>
          <div className="min-w-0">
            <p className="flex flex-wrap items-baseline gap-x-2">
              <span className="font-medium">{action.replaceAll(/[._]/g, " ")}</span>
              <span className="min-w-0 break-all text-muted">{subject}</span>
              {outcome !== "done" && <Badge tone={tones[outcome] ?? "neutral"}>{outcome}</Badge>}
              <span className="text-muted text-xs">by {actor.replace(/^[a-z]+:/, "")}</span>
            </p>
            {because !== "" && <p className="whitespace-pre-wrap break-words text-muted">{because}</p>}
          </div>
        </li>
      ))}
    </ol>
  );
}
