import { createHash } from "node:crypto";
import type { Claim } from "#domain/diagnosis.ts";
import type { ErrorEvent, Frame } from "#domain/event.ts";
import type { ErrorKind, HealthSample } from "#domain/evidence.ts";
import type { Approval, Candidate, FileChange } from "#domain/fix.ts";
import { Sha } from "#domain/ids.ts";
import { Settings } from "#domain/settings.ts";

export const minuteMs = 60_000;
export const start = new Date("2026-03-01T12:00:00Z");
export const defaults: Settings = Settings.parse({});

export function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

export function at(minutes: number): Date {
  return new Date(start.getTime() + minutes * minuteMs);
}

export function aSha(digit: string): Sha {
  return Sha.parse(digit.repeat(40));
}

export function aCandidate(changed: Partial<Candidate> = {}): Candidate {
  return { commit: aSha("a"), tree: aSha("b"), base: aSha("c"), diffHash: sha256("diff"), ...changed };
}

export function anApproval(): Approval {
  return {
    candidate: aCandidate(),
    policyHash: sha256("policy"),
    environment: "production",
    expiresAt: at(60),
    state: "approved",
    reasons: [],
    decidedBy: "ada",
  };
}

export function aSample(slot: number, outcome: HealthSample["outcome"], repeat = 0): HealthSample {
  const because = outcome === "unhealthy" ? "status 500" : outcome;
  return {
    slot,
    repeat,
    outcome,
    because,
    scheduledAt: at(slot),
    servedCommit: null,
    httpStatus: null,
    latencyMs: null,
  };
}

/** One sample a slot: `h`ealthy, `u`nhealthy, `n`o data, anything else is a missing slot. */
export function samplesOf(outcomes: string): HealthSample[] {
  const named = { h: "healthy", u: "unhealthy", n: "no_data" } as const;
  return [...outcomes].flatMap((letter, slot) =>
    letter === "h" || letter === "u" || letter === "n" ? [aSample(slot, named[letter])] : [],
  );
}

export function aChange(path: string, changed: Partial<FileChange> = {}): FileChange {
  const plain = { oldMode: "100644", newMode: "100644", binary: false, addedLines: 2, removedLines: 1 };
  return { path, change: "modified", ...plain, ...changed };
}

export function aKind(changed: Partial<ErrorKind> = {}): ErrorKind {
  return { fingerprint: "other", title: "RangeError", events: 1, isNew: true, inChangedFile: false, ...changed };
}

export const aClaim: Claim = {
  kind: "error_stops",
  fingerprint: "cured",
  operation: "POST /api/launch",
  statement: "the TypeError stops",
};
export const noClaim: Claim = { kind: "nothing_to_stop", statement: "a spelling fix" };

export function aFrame(file: string, name: string, changed: Partial<Frame> = {}): Frame {
  return {
    file,
    function: name,
    line: 42,
    column: 7,
    inApp: true,
    context: null,
    debugId: null,
    mapped: false,
    ...changed,
  };
}

export function anEvent(changed: Partial<ErrorEvent> = {}): ErrorEvent {
  return {
    id: "e1",
    at: start,
    source: "events",
    trust: "server",
    environment: "production",
    release: null,
    level: "error",
    handled: false,
    errorType: "TypeError",
    message: "Cannot read properties of undefined (reading 'id')",
    stack: "TypeError",
    frames: [aFrame("src/app/api/campaigns/launch/route.ts", "POST")],
    operation: "POST /api/campaigns/launch",
    httpStatus: 500,
    userHash: null,
    issueType: null,
    tags: {},
    ...{ kind: "error", dist: null, chain: [], clientFingerprint: null },
    ...{ externalHost: null, traceId: null, requestId: null },
    ...changed,
  };
}

/** Numbers from 0 to 1 that a test can repeat (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A Poisson number; large means in parts, so that nothing underflows. */
export function poisson(mean: number, random: () => number): number {
  let total = 0;
  for (let left = mean; left > 0; left -= 20) {
    const limit = Math.exp(-Math.min(left, 20));
    for (let product = random(); product > limit; product *= random()) total++;
  }
  return total;
}
