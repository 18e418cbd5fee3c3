import { createHash, randomUUID } from "node:crypto";
import { performance } from "node:perf_hooks";
import type { ErrorEvent } from "#domain/event.ts";
import { anyEventOf } from "#ingest/any-event.ts";
import { createOriginalFrames } from "#ingest/original-frames.ts";
import { createScrubber } from "#ingest/scrub.ts";
import { eventScrubber } from "#ingest/scrub-event.ts";
import { fingerprintOf } from "#policy/fingerprint.ts";
import { baselines } from "./corpus/baselines.ts";
import { type Corpus, generateCorpus, type Labelled } from "./corpus/generate.ts";

/** How well events are grouped: pairs of events of one bug that share a group (recall), pairs of a group that are one bug (precision). */
export interface Quality {
  events: number;
  bugs: number;
  groups: number;
  precision: number;
  recall: number;
}

export interface GroupingReport {
  /** `developed`: what the rules were made with; `reported`: never looked at while they were made. */
  part: "developed" | "reported";
  algorithm: string;
  maps: boolean;
  quality: Quality;
  /** Groups that appear in the second release only, though nothing but lines and hashes changed. */
  newGroups: number;
}

const digest = (text: string) => createHash("sha256").update(text).digest("hex");

/** Which part a bug belongs to was drawn from its name alone, before anything was measured. */
export function partOf(bug: string): GroupingReport["part"] {
  return Number.parseInt(digest(`part of ${bug}`).slice(0, 8), 16) % 2 === 0 ? "developed" : "reported";
}

export interface Read {
  labelled: Labelled;
  event: ErrorEvent;
}

/** The corpus through the code of the ingest endpoints, with or without the source maps of its browser bundles. */
export async function readCorpus({ events, maps }: Corpus, withMaps: boolean): Promise<Read[]> {
  const delivery = { receivedAt: new Date(), hashUser: digest, newId: randomUUID };
  const scrubber = eventScrubber(createScrubber([]));
  const original = createOriginalFrames({
    load: async ({ release, file }) => maps.find((map) => map.release === release && map.file === file)?.map,
    monotonicMs: () => performance.now(),
  });
  const read = events.map((labelled) => {
    const found = anyEventOf(JSON.stringify(labelled.event), delivery);
    if (found.kind === "refused") throw new Error(`${labelled.bug}: ${found.reason}`);
    return { labelled, event: scrubber.heading(found.event) };
  });
  if (!withMaps) return read;
  const mapped = await original(read.map(({ event }) => event));
  return read.map(({ labelled, event }, n) => ({ labelled, event: mapped[n] ?? event }));
}

export function groupingReports(read: Read[], maps: boolean): GroupingReport[] {
  const algorithms = { Vigil: (event: ErrorEvent) => fingerprintOf(event, digest).fingerprint, ...baselines };
  return (["developed", "reported"] as const).flatMap((part) =>
    Object.entries(algorithms).map(([algorithm, groupOf]) => {
      const of = read
        .filter(({ labelled }) => partOf(labelled.bug) === part)
        .map(({ labelled, event }) => ({ bug: labelled.bug, release: labelled.release, group: groupOf(event) }));
      return { part, algorithm, maps, quality: qualityOf(of), newGroups: newGroupsIn(of) };
    }),
  );
}

function qualityOf(of: { bug: string; group: string }[]): Quality {
  const together = pairs(of.map(({ bug, group }) => `${bug} ${group}`));
  const sameGroup = pairs(of.map(({ group }) => group));
  const sameBug = pairs(of.map(({ bug }) => bug));
  return {
    events: of.length,
    bugs: new Set(of.map(({ bug }) => bug)).size,
    groups: new Set(of.map(({ group }) => group)).size,
    precision: together / sameGroup,
    recall: together / sameBug,
  };
}

function pairs(names: string[]): number {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts.values()].reduce((sum, count) => sum + (count * (count - 1)) / 2, 0);
}

function newGroupsIn(of: { release: string; group: string }[]): number {
  const [first] = of;
  const before = new Set(of.filter(({ release }) => release === first?.release).map(({ group }) => group));
  return new Set(of.map(({ group }) => group).filter((group) => !before.has(group))).size;
}

/** Everything, as `npm run bench` prints it. */
export async function groupingQuality(variants = 3): Promise<GroupingReport[]> {
  const corpus = await generateCorpus(variants);
  const reports = [];
  for (const withMaps of [true, false]) reports.push(...groupingReports(await readCorpus(corpus, withMaps), withMaps));
  return reports;
}
