import type { IssueState } from "#domain/issue.ts";
import type { Mute } from "#domain/mute.ts";

/** A release that produced the error after its issue was resolved. */
export interface ReleaseSeen {
  /** `null`: the events name none. */
  release: string | null;
  lastSeen: Date;
  /** Whether it contains the fix; `undefined`: the repository does not know the release, or there was no fix. */
  holdsFix: boolean | undefined;
}

export interface Return {
  state: IssueState;
  because: string;
}

/** An error of an unknown release is a regression only after the old release has drained (detection.md §2.4.7). */
const graceMs = 10 * 60_000;
const shownMax = 12;

/**
 * Whether a resolved problem is back: a release that holds the fix produced it again. A release that is known not to hold
 * it only counts, however long it drains; of one that nobody knows, time decides.
 */
export function regression(releases: readonly ReleaseSeen[], resolvedAt: Date): Return | undefined {
  const guilty = releases.find(({ holdsFix }) => holdsFix === true);
  if (guilty !== undefined) {
    const name = (guilty.release ?? "").slice(0, shownMax);
    return { state: "regressed", because: `came back in release ${name}, which contains the fix` };
  }
  const unknown = releases.filter(({ holdsFix }) => holdsFix === undefined);
  const lastMs = Math.max(...unknown.map(({ lastSeen }) => lastSeen.getTime()));
  const afterMs = lastMs - resolvedAt.getTime();
  if (!(afterMs > graceMs)) return undefined;
  const minutes = Math.floor(afterMs / 60_000);
  return {
    state: "regressed",
    because: `came back ${minutes} minutes after it was resolved (limit ${graceMs / 60_000})`,
  };
}

/** What happened to a muted or dismissed problem since then. */
export interface Since {
  events: number;
  users: number;
  /** Events of the last 24 hours, or since it was dismissed where that is less. */
  eventsLastDay: number;
}

/** Whether a muted problem got as bad as the operator named, and what did (issue states, detection.md §2.4.7). */
export function muteEnds(mute: Mute, since: Since, spike: string | undefined, now: Date): Return | undefined {
  if (mute.until !== null && now >= mute.until) {
    return { state: "ongoing", because: `was muted until ${mute.until.toISOString()}, and is still seen` };
  }
  if (mute.events !== null && since.events >= mute.events) {
    return { state: "escalating", because: `${since.events} events since it was muted (limit ${mute.events})` };
  }
  if (mute.users !== null && since.users >= mute.users) {
    return { state: "escalating", because: `${since.users} users since it was muted (limit ${mute.users})` };
  }
  if (mute.spike && spike !== undefined) return { state: "escalating", because: `was muted until a spike: ${spike}` };
  return undefined;
}

/** A dismissed problem is a person's decision: only a multiple of what they saw overrules it. */
const dismissedTimes = 10;

/** `volume`: its events in the day before it was dismissed. */
export function dismissalEnds(volume: number, { eventsLastDay }: Since): Return | undefined {
  const limit = dismissedTimes * Math.max(1, volume);
  if (!(eventsLastDay >= limit)) return undefined;
  return {
    state: "escalating",
    because: `${eventsLastDay} events in a day, ${dismissedTimes} times as many as when it was dismissed (limit ${limit})`,
  };
}
