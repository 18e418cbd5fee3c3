import type { CheckView } from "#domain/view.ts";
import { Time } from "./time.tsx";

const outcomeTones = { healthy: "text-good", unhealthy: "text-bad", no_data: "text-warn" } as const;

/** Look by look, folded away until somebody asks. */
export function EachCheck({ checks }: { checks: CheckView[] }) {
  return (
    <details>
      <summary className="text-muted">Each check</summary>
      <ol className="mt-1 space-y-0.5">
        {checks.map((check) => (
          <li key={`${check.slot}.${check.repeat}`} className="flex flex-wrap gap-x-2">
            <Time iso={check.at} style="clock" />
            <span className={outcomeTones[check.outcome]}>{check.outcome.replaceAll("_", " ")}</span>
            <span className="text-muted">
              {check.latencyMs === null ? "" : `${Math.round(check.latencyMs)} ms, `}
              {check.because}
            </span>
          </li>
        ))}
      </ol>
    </details>
  );
}
