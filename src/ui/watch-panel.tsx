import { webUrl } from "#domain/source-links.ts";
import type { RateLimits, ReleaseView, RepositoryUrl } from "#domain/view.ts";
import { Badge } from "./badge.tsx";
import { EachCheck } from "./each-check.tsx";
import { counted, Fact, Facts } from "./facts.tsx";
import { Commit, Outside } from "./source-links.tsx";
import { Time } from "./time.tsx";
import { ErrorRatePlot, LatencyPlot } from "./watch-plots.tsx";

const verdictTones = { passed: "good", failed: "bad", inconclusive: "warn" } as const;

/** One release and the watch over it: its looks, its errors against the time before, the verdict and the claim. */
export function WatchPanel({
  release,
  limits,
  repository,
}: {
  release: ReleaseView;
  limits: RateLimits;
  repository: RepositoryUrl;
}) {
  const { id, environment, commit, url, verdict, verdictReason, claimVerdict, claimReason, baseline, checks } = release;
  const tone = verdictTones[verdict as keyof typeof verdictTones] ?? "neutral";
  const errors =
    baseline?.errors.kind === "measured" ? `${baseline.errors.value} errors` : (baseline?.errors.why ?? "");
  return (
    <article aria-labelledby={`release-${id}`} className="min-w-0 space-y-3">
      <h3 id={`release-${id}`} className="flex flex-wrap items-center gap-2 font-medium">
        {environment} <Badge tone={tone}>{(verdict ?? release.state).replaceAll("_", " ")}</Badge>
      </h3>
      <Facts>
        <Fact name="Release">
          <Commit id={commit} repository={repository} /> {url !== null && <Outside to={webUrl(url)}>{url}</Outside>}
        </Fact>
        {release.from !== null && (
          <Fact name="Watched">
            from <Time iso={release.from} style="date" />
          </Fact>
        )}
        {verdictReason !== null && <Fact name="Verdict">{verdictReason}</Fact>}
        {claimVerdict !== null && (
          <Fact name="Promise">
            {claimVerdict.replaceAll("_", " ")}: {claimReason}
          </Fact>
        )}
        {baseline !== null && (
          <Fact name="Before">
            {errors} in {lengthInWords(baseline.durationMs)}
          </Fact>
        )}
      </Facts>
      {checks.length > 0 && <LatencyPlot checks={checks} />}
      {checks.length > 0 && <EachCheck checks={checks} />}
      {environment === "production" && release.from !== null && <ErrorRatePlot release={release} limits={limits} />}
    </article>
  );
}

/** `40 minutes`, `24 hours`. */
function lengthInWords(ms: number): string {
  const minutes = Math.round(ms / 60_000);
  return minutes < 120 ? counted(minutes, "minute") : counted(Math.round(minutes / 60), "hour");
}
