"use client";

import { intlFormatDistance } from "date-fns/intlFormatDistance";
import { useSyncExternalStore } from "react";

const listeners = new Set<() => void>();
let ticking: ReturnType<typeof setInterval> | undefined;
let nowSeconds = 0;

/** One clock for the whole page: every counting label moves at the same moment. */
function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  ticking ??= setInterval(() => {
    nowSeconds = Math.floor(Date.now() / 1_000);
    for (const tell of listeners) tell();
  }, 1_000);
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    clearInterval(ticking);
    ticking = undefined;
  };
}

/** Seconds since 1970, or `null` on the server and in the first moment: then nothing depends on whose clock it is. */
export function useNowSeconds(): number | null {
  return useSyncExternalStore<number | null>(
    subscribe,
    () => {
      if (nowSeconds === 0) nowSeconds = Math.floor(Date.now() / 1_000);
      return nowSeconds;
    },
    () => null,
  );
}

const utc = (iso: string) => `${iso.slice(0, 19).replace("T", " ")} UTC`;

/** A moment in the reader's zone, with the exact time in UTC on hover. */
export function Time({ iso, style = "ago" }: { iso: string; style?: "ago" | "clock" | "date" }) {
  const now = useNowSeconds();
  return (
    <time dateTime={iso} title={utc(iso)} className="whitespace-nowrap tabular-nums">
      {now === null ? utc(iso) : inWords(new Date(iso), new Date(now * 1_000), style)}
    </time>
  );
}

function inWords(at: Date, now: Date, style: "ago" | "clock" | "date"): string {
  switch (style) {
    case "ago":
      // The browser brings the words: a formatter with words of its own weighs more than the rest of this file.
      return at > now ? "just now" : intlFormatDistance(at, now, { locale: "en", numeric: "always" });
    case "clock":
      return at.toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
    case "date":
      return at.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
  }
}

/** How long something lasts already, counting. */
export function Elapsed({ since }: { since: string }) {
  const now = useNowSeconds();
  const seconds = now === null ? 0 : Math.max(0, now - Math.floor(Date.parse(since) / 1_000));
  return (
    <span className="inline-block min-w-12 tabular-nums" title={`since ${utc(since)}`}>
      {lengthOf(seconds)}
    </span>
  );
}

/** How long it still takes, counting down to zero. */
export function Remaining({ until }: { until: string }) {
  const now = useNowSeconds();
  const seconds = now === null ? 0 : Math.max(0, Math.ceil(Date.parse(until) / 1_000) - now);
  return (
    <span className="inline-block min-w-12 tabular-nums" title={`until ${utc(until)}`}>
      {lengthOf(seconds)}
    </span>
  );
}

/** How long something still takes if it takes as long as usual: nobody knows the second. */
export function Expected({ since, usualMs }: { since: string; usualMs: number }) {
  const now = useNowSeconds();
  const usual = `usually ${aboutInWords(usualMs / 1_000)}`;
  const left = now === null ? null : usualMs / 1_000 - (now - Date.parse(since) / 1_000);
  return <span title={usual}>· {left === null ? usual : leftInWords(left)}</span>;
}

function leftInWords(seconds: number): string {
  return seconds > 0 ? `about ${aboutInWords(seconds)} left` : "longer than usual";
}

/** `20 s`, `3 min`, `2 h`. */
function aboutInWords(seconds: number): string {
  if (seconds < 55) return `${Math.max(5, Math.ceil(seconds / 5) * 5)} s`;
  return seconds < 5_400 ? `${Math.max(1, Math.round(seconds / 60))} min` : `${Math.round(seconds / 3_600)} h`;
}

/** `4:09`, `1:04:09`, `3 d`. */
export function lengthOf(seconds: number): string {
  const two = (n: number) => String(n).padStart(2, "0");
  const [hours, minutes] = [Math.floor(seconds / 3_600), Math.floor((seconds % 3_600) / 60)];
  if (hours >= 48) return `${Math.floor(hours / 24)} d`;
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}
