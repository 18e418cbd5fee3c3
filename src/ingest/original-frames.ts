import type { ErrorEvent, Frame } from "#domain/event.ts";
import { readSourceMap, type SourceMap } from "./source-map.ts";

/** What a map is asked for by. `file` as frames name it: without origin, query and root. */
export interface MapKey {
  debugId: string | null;
  release: string | null;
  dist: string | null;
  file: string;
}

export interface OriginalFramesOptions {
  /** The text of a map, or `undefined` where there is none. Asked once in `rememberMs` for one key. */
  load: (key: MapKey) => Promise<string | undefined>;
  monotonicMs: () => number;
}

/** Maps in memory (detection.md §2.3.4): a decoded one takes tens of megabytes. */
const mapsMax = 20;
const keysMax = 5_000;
/** So long a missing map stays missing: a release's events often arrive before its maps. */
const rememberMs = 60_000;

export type OriginalFrames = (events: ErrorEvent[]) => Promise<ErrorEvent[]>;

/**
 * Turns frames of built code into those of its source, before anything is grouped. What has no map stays as it is, and is
 * grouped as a weak frame. Never throws for what an event or a map holds; throws when `load` does.
 */
export function createOriginalFrames(options: OriginalFramesOptions): OriginalFrames {
  const mapOf = createMapCache(options);
  return (events) => Promise.all(events.map((event) => (mayBeBuilt(event) ? resolved(event, mapOf) : event)));
}

type MapOf = (key: MapKey) => Promise<SourceMap | undefined>;

async function resolved(event: ErrorEvent, mapOf: MapOf): Promise<ErrorEvent> {
  const original = (frames: Frame[]) => Promise.all(frames.map((frame) => originalOf(frame, event, mapOf)));
  const [frames, ...links] = await Promise.all([
    original(event.frames),
    ...event.chain.map((link) => original(link.frames)),
  ]);
  const chain = event.chain.map((link, n) => ({ ...link, frames: links[n] ?? link.frames }));
  return { ...event, frames: frames ?? event.frames, chain };
}

async function originalOf(frame: Frame, { release, dist }: ErrorEvent, mapOf: MapOf): Promise<Frame> {
  if (!isBuilt(frame)) return frame;
  const map = await mapOf({ debugId: frame.debugId, release, dist, file: frame.file });
  return map?.original(frame) ?? frame;
}

function mayBeBuilt({ frames, chain }: ErrorEvent): boolean {
  return frames.some(isBuilt) || chain.some((link) => link.frames.some(isBuilt));
}

/** Only a bundler's output has a map; a `.ts` file is a source already. */
function isBuilt({ file, mapped, inApp, line }: Frame): boolean {
  return !mapped && inApp && line !== null && /\.(?:[cm]?js|bundle|jsbundle)$/i.test(file);
}

function createMapCache({ load, monotonicMs }: OriginalFramesOptions): MapOf {
  const maps = new Map<string, Promise<SourceMap | undefined>>();
  const missingUntil = new Map<string, number>();
  return (key) => {
    const name = key.debugId ?? JSON.stringify([key.release, key.dist, key.file]);
    const known = maps.get(name);
    if (known !== undefined) {
      // The one that was used last is dropped last.
      maps.delete(name);
      maps.set(name, known);
      return known;
    }
    if ((missingUntil.get(name) ?? -1) > monotonicMs()) return Promise.resolve(undefined);
    const reading = load(key).then((text) => (text === undefined ? undefined : readSourceMap(text)));
    remember(maps, name, reading, mapsMax);
    const forget = () => maps.get(name) === reading && maps.delete(name);
    reading.then(
      (map) => {
        if (map !== undefined) return;
        forget();
        remember(missingUntil, name, monotonicMs() + rememberMs, keysMax);
      },
      // Whoever asked hears of it; the next one tries again.
      forget,
    );
    return reading;
  };
}

function remember<Value>(entries: Map<string, Value>, name: string, value: Value, max: number): void {
  entries.set(name, value);
  for (const oldest of entries.keys()) {
    if (entries.size <= max) break;
    entries.delete(oldest);
  }
}
