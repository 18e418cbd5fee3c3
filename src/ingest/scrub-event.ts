import { hash } from "node:crypto";
import type { ErrorEvent, Frame } from "#domain/event.ts";
import type { EventScrubber } from "#domain/privacy.ts";
import { cut } from "#domain/text.ts";
import type { Scrubber } from "./scrub.ts";

const withheld = "The text of this event was withheld: it could not be scrubbed.";
/** A storm repeats its texts. */
const memoryEntriesMax = 5_000;
const memoryCharactersMax = 1_000;

/** `scrubber` for whole events, with a memory for the texts that a storm repeats. */
export function eventScrubber(scrubber: Scrubber): EventScrubber {
  const text = remembering(scrubber.text);
  const code = remembering(scrubber.code);
  const held = (given: string, charactersMax: number) => cut(text(given), charactersMax);
  const heldOrNull = (given: string | null, charactersMax: number) =>
    given === null ? null : held(given, charactersMax);
  const frame = (one: Frame): Frame => ({
    ...one,
    file: held(one.file, 500),
    function: cut(code(one.function), 300),
    context: one.context === null ? null : cut(code(one.context), 300),
  });
  function tags(given: ErrorEvent["tags"]): ErrorEvent["tags"] {
    const scrubbed = Object.entries(given).map(([name, value]) => [
      cut(text(name), 100),
      cut(scrubber.value(name, value), 300),
    ]);
    return Object.fromEntries(scrubbed);
  }
  function heading(event: ErrorEvent): ErrorEvent {
    return {
      ...event,
      message: held(event.message, 8_192),
      errorType: heldOrNull(event.errorType, 200),
      operation: heldOrNull(event.operation, 300),
      release: heldOrNull(event.release, 200),
      issueType: heldOrNull(event.issueType, 100),
      externalHost: heldOrNull(event.externalHost, 253),
      chain: event.chain.map((one) => ({ ...one, type: heldOrNull(one.type, 200), message: held(one.message, 1_000) })),
      clientFingerprint: event.clientFingerprint?.map((part) => held(part, 200)) ?? null,
    };
  }
  function whole(event: ErrorEvent): ErrorEvent {
    const headed = heading(event);
    return {
      ...headed,
      id: idOf(event.id, scrubber.text),
      source: held(event.source, 50),
      dist: heldOrNull(event.dist, 64),
      stack: heldOrNull(event.stack, 32_768),
      frames: event.frames.map(frame),
      chain: headed.chain.map((one) => ({ ...one, frames: one.frames.map(frame) })),
      traceId: heldOrNull(event.traceId, 64),
      requestId: heldOrNull(event.requestId, 200),
      tags: tags(event.tags),
    };
  }
  return {
    heading: (event) => orWithheld(event, heading),
    whole: (event) => orWithheld(event, whole),
    traffic: (report) => ({
      ...report,
      release: heldOrNull(report.release, 200),
      operation: held(report.operation, 300),
    }),
    text,
  };
}

/** Ids are the sender's: one that holds a secret is replaced by what can stand for it. */
function idOf(id: string, text: (given: string) => string): string {
  return text(id) === id ? id : hash("sha256", id).slice(0, 32);
}

/** Fails closed (detection.md §2.3, step 11). */
function orWithheld(event: ErrorEvent, scrub: (event: ErrorEvent) => ErrorEvent): ErrorEvent {
  try {
    return scrub(event);
  } catch {
    const frames = event.frames.map((one) => ({ ...one, context: null }));
    const nothing = { operation: null, release: null, dist: null, issueType: null, clientFingerprint: null };
    const noTexts = { stack: null, chain: [], externalHost: null, traceId: null, requestId: null, tags: {} };
    return { ...event, ...nothing, ...noTexts, source: "withheld", message: withheld, frames };
  }
}

function remembering(scrub: (text: string) => string): (text: string) => string {
  const memory = new Map<string, string>();
  return (given) => {
    if (given.length > memoryCharactersMax) return scrub(given);
    const remembered = memory.get(given);
    if (remembered !== undefined) return remembered;
    const scrubbed = scrub(given);
    if (memory.size >= memoryEntriesMax) memory.clear();
    memory.set(given, scrubbed);
    return scrubbed;
  };
}
