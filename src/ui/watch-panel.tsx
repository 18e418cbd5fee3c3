import type { ReleaseView } from "#domain/view.ts";
import { Badge } from "./badge.tsx";
import { Commit, Fact, Facts } from "./facts.tsx";
import { Time } from "./time.tsx";

const verdictTones = { passed: "good", failed: "bad", inconclusive: "warn" } as const;

/** One release and the watch over it: each look with its latency, the verdict, the claim, the baseline. */
export function WatchPanel({ release }: { release: ReleaseView }) {
  const { environment, commit, url, verdict, verdictReason, claimVerdict, claimReason, baseline, checks } = release;
  const tone = verdictTones[verdict as keyof typeof verdictTones] ?? "neutral";
  const errors =
    baseline?.errors.kind === "measured" ? `${baseline.errors.value} errors` : (baseline?.errors.why ?? "");
  return (
    <div className="space-y-2">
      <h3 className="flex flex-wrap items-center gap-2 font-medium">
        {environment} <Badge tone={tone}>{verdict ?? release.state}</Badge>
      </h3>
      <Facts>
        <Fact name="Release">
          <Commit id={commit} /> {url}
        </Fact>
        {verdictReason !== null && <Fact name="Verdict">{verdictReason}</Fact>}
        {claimVerdict !== null && (
          <Fact name="Promise">
            {claimVerdict.replaceAll("_", " ")}: {claimReason}
          </Fact>
        )}
        {baseline !== null && (
          <Fact name="Before">
            {errors} in {Math.round(baseline.durationMs / 3_600_000)} hours
          </Fact>
        )}
      </Facts>
      {checks.length > 0 && (
        <ol className="space-y-0.5">
          {checks.map((check) => (
            <li key={`${check.slot}.${check.repeat}`} className="flex flex-wrap gap-x-2">
              <Time iso={check.at} style="clock" />
              <span className={check.outcome === "healthy" ? "text-good" : "text-bad"}>
                {check.outcome.replaceAll("_", " ")}
              </span>
              <span className="text-muted">
                {check.latencyMs === null ? "" : `${Math.round(check.latencyMs)} ms, `}
                {check.because}
              </span>
            </li>
          ))}
        </ol>
      )}
    </div>
  );
}
