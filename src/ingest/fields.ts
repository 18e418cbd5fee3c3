import type { ErrorEvent } from "#domain/event.ts";
import type { Environment } from "#domain/ids.ts";
import { cleanLine, cleanText, cut } from "#domain/text.ts";
import type { Delivery } from "./plain.ts";

/** What every protocol does with a field: times held to the clock, names to their sets, texts cleaned and cut. Secrets are taken out later, of the whole event (`scrub-event.ts`). */

/** Longer texts are cut before anything is done with them. */
const rawCharactersMax = 70_000;
export const messageCharactersMax = 8_192;
export const stackCharactersMax = 32_768;
const tagsMax = 50;

/** A user as protocols name one; the first field that is set is the key. */
export type GivenUser =
  | string
  | number
  | { id?: string | number | null; email?: string | null; username?: string | null; name?: string | null }
  | null
  | undefined;

/** The sender's id where it is one, so that what is sent twice counts once. */
export function idOf(given: string | null | undefined, { newId }: Delivery): string {
  return /^[\w.:-]{1,100}$/.test(given ?? "") && given ? given : newId();
}

/** Where an event comes from: the key decides, and a claim that differs from it is only noted (detection.md §2.1). */
export function placeOf(
  claimed: string | null | undefined,
  { key }: Delivery,
): { environment: Environment; tags: Record<string, string> } | string {
  const claim = claimed?.slice(0, 100).trim().toLowerCase() ?? "";
  const environment = environments[claim];
  if (key.environment === null) {
    if (claim === "") return { environment: "production", tags: {} };
    // Events of a developer's machine must not count as production's.
    return environment === undefined ? "environment must be staging or production" : { environment, tags: {} };
  }
  const differs = claim !== "" && environment !== key.environment;
  return { environment: key.environment, tags: differs ? { claimed_environment: quoted(claim) } : {} };
}

const environments: Record<string, Environment | undefined> = Object.assign(Object.create(null), {
  production: "production",
  prod: "production",
  staging: "staging",
  preview: "staging",
});

const earliestMs = 7 * 24 * 60 * 60_000;
const latestMs = 2 * 60_000;

/** The sender's time; the server's own, with a note, where that is missing the mark by more than −7 days or +2 minutes. */
export function momentOf(
  given: string | number | null | undefined,
  receivedAt: Date,
): { at: Date; tags: Record<string, string> } {
  if (given === undefined || given === null) return { at: receivedAt, tags: {} };
  const aheadMs = millisecondsOf(given) - receivedAt.getTime();
  if (aheadMs >= -earliestMs && aheadMs <= latestMs) return { at: new Date(receivedAt.getTime() + aheadMs), tags: {} };
  return { at: receivedAt, tags: { clock: `sender said ${quoted(String(given))}` } };
}

/** ISO text, seconds or milliseconds since 1970; NaN for anything else. */
function millisecondsOf(given: string | number): number {
  const number =
    typeof given === "number" ? given : /^\d{9,16}(?:\.\d{1,9})?$/.test(given.trim()) ? Number(given) : NaN;
  if (!Number.isNaN(number)) return Math.abs(number) < 1e11 ? number * 1_000 : number;
  return typeof given === "string" && given.length <= 40 ? Date.parse(given) : NaN;
}

/** A claim in a note: only what cannot be anything but a name or a time. */
function quoted(claim: string): string {
  return /^[\w:.+-]{1,40}$/.test(claim) ? claim : "something unreadable";
}

const levels: Record<string, ErrorEvent["level"] | undefined> = Object.assign(Object.create(null), {
  fatal: "fatal",
  critical: "fatal",
  error: "error",
  warning: "warning",
  warn: "warning",
  info: "info",
  log: "info",
  debug: "debug",
  trace: "debug",
});

/** The level by any of its names; what is not known is an error. */
export function levelOf(given: string | null | undefined): ErrorEvent["level"] {
  return levels[given?.slice(0, 20).toLowerCase() ?? ""] ?? "error";
}

/** A keyed hash of the user, or `null`; who it is goes no further. */
export function userOf(user: GivenUser, { hashUser }: Delivery): string | null {
  const key = typeof user === "object" ? (user?.id ?? user?.email ?? user?.username ?? user?.name) : user;
  return key === undefined || key === null || key === "" ? null : hashUser(String(key).slice(0, 1_000));
}

/** `POST /api/orders`: without a query, which would make every request an operation of its own and may hold secrets. */
export function operationOf(given: string | null | undefined): string | null {
  return line(given?.slice(0, rawCharactersMax).replace(/[?#].*$/s, ""), 300);
}

/** The tags that can be kept: scalars only, bounded and clean. */
export function tagsOf(tags: Record<string, unknown> | null | undefined): Record<string, string> {
  const kept = Object.entries(tags ?? {})
    .filter(([name, value]) => !isTrap(name) && isScalar(value))
    .slice(0, tagsMax)
    .map(
      ([name, value]) =>
        [line(name, 100) ?? "", cut(cleanLine(String(value).slice(0, rawCharactersMax)), 300)] as const,
    );
  return Object.fromEntries(kept.filter(([name]) => name !== "" && !isTrap(name)));
}

/** Keys that would reach into JavaScript's own objects. */
function isTrap(name: string): boolean {
  return name === "__proto__" || name === "constructor" || name === "prototype";
}

function isScalar(value: unknown): boolean {
  return (
    typeof value === "string" || typeof value === "boolean" || (typeof value === "number" && Number.isFinite(value))
  );
}

/** A text of several lines, clean and at most `charactersMax` long. */
export function block(given: string | null | undefined, charactersMax: number): string {
  return cut(cleanText((given ?? "").slice(0, rawCharactersMax)), charactersMax);
}

/** The same on one line; `null` where nothing is left. */
export function line(given: string | null | undefined, charactersMax: number): string | null {
  return cut(cleanLine((given ?? "").slice(0, rawCharactersMax)), charactersMax) || null;
}
