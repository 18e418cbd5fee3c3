import type { Settings } from "#domain/settings.ts";
import type { Config } from "../config.ts";

/** How often Vercel calls `/api/cron/deploy` (`vercel.json`); nothing is looked at more often there. */
const cronTickMs = 60_000;

/**
 * Why these settings cannot be kept where Vigil runs, or `undefined` when they can: a check interval shorter than the
 * tick would silently be a longer one (reliability A19).
 */
export function intervalRefusal({ workers }: Pick<Config, "workers">, settings: Settings): string | undefined {
  if (workers) return undefined;
  const intervals = {
    "staging.checkEveryMs": settings.staging.checkEveryMs,
    "production.checkEveryMs": settings.production.checkEveryMs,
    "production.repeatFailedAfterMs": settings.production.repeatFailedAfterMs,
  };
  const tooShort = Object.entries(intervals).filter(([, everyMs]) => everyMs < cronTickMs);
  if (tooShort.length === 0) return undefined;
  const names = tooShort.map(([name, everyMs]) => `${name} is ${everyMs} ms`).join(", ");
  return `The scheduler calls every ${cronTickMs} ms, so checks cannot come more often: ${names}.`;
}
