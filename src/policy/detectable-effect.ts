import type { ErrorCounts } from "#domain/evidence.ts";
import type { Settings } from "#domain/settings.ts";
import { minimumDetectableRatio } from "./error-rate.ts";

/** Above this the error rate cannot guard the deployment: new kinds of errors and health checks must (reliability A10). */
const weakRatio = 10;

/** How much worse errors would have to get for the watch to see it four times in five: what a person should know before approving. */
export function detectableEffect(baseline: ErrorCounts, limits: Settings["production"]): string {
  if (baseline.errors.kind === "unmeasured") return `Error rates cannot guard this deployment: ${baseline.errors.why}.`;
  const { requests, durationMs, dispersion } = baseline;
  const byRequests = requests.kind === "measured" && requests.value > 0;
  const exposure = byRequests ? requests.value : durationMs;
  const watched = (exposure / durationMs) * limits.windowMs;
  const ratio = minimumDetectableRatio({ errors: baseline.errors.value, exposure }, watched, dispersion, limits);
  if (ratio <= weakRatio) return `The watch would notice errors rising ${ratio.toFixed(1)}-fold.`;
  const weak = Number.isFinite(ratio) ? `less than a ${Math.ceil(ratio)}-fold rise` : "any rise";
  return `With so few errors before, the watch may miss ${weak}; new kinds of errors and health checks guard it.`;
}
