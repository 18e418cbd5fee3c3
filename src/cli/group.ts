import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import type { Readable } from "node:stream";
import { Failure } from "#domain/failure.ts";
import { anyEventOf } from "#ingest/any-event.ts";
import { createScrubber } from "#ingest/scrub.ts";
import { eventScrubber } from "#ingest/scrub-event.ts";
import { type Grouping, groupingOf } from "#policy/grouping.ts";
import { type BoundedLine, boundedLines } from "./bounded-lines.ts";

/** `vigil group`: how events would be grouped, and why. Nothing is stored, asked or sent. */
export interface GroupOptions {
  /** A file, or `-` for what is piped in. */
  file: string;
  json: boolean;
  input: Readable;
  /** Takes one line; resolves when more may follow. */
  write: (line: string) => Promise<void>;
  /** Takes what is wrong with a line. */
  complain: (line: string) => void;
  now: () => Date;
}

/** Longer lines are no events (detection.md §2.1). */
const lineBytesMax = 1024 * 1024;

/** One line out for each line that is not blank, in the same order. Answers whether all of them were events. */
export async function group(options: GroupOptions): Promise<boolean> {
  let isWhole = true;
  const explain = explainer(options);
  for await (const line of boundedLines(await inputOf(options), lineBytesMax)) {
    const answer = explain(line);
    if (answer.kind === "none") continue;
    if (answer.kind === "refused") {
      isWhole = false;
      options.complain(`line ${line.number} ${answer.reason}`);
      if (options.json) await options.write(JSON.stringify({ error: answer.reason, line: line.number }));
    } else
      await options.write(
        options.json ? JSON.stringify(inContract(answer.grouping)) : inWords(line.number, answer.grouping),
      );
  }
  return isWhole;
}

async function inputOf({ file, input }: GroupOptions): Promise<Readable> {
  if (file === "-") return input;
  const stream = createReadStream(file);
  await new Promise<void>((resolve, reject) => {
    stream.once("readable", resolve);
    stream.once("end", resolve);
    stream.once("error", (cause) => reject(new Failure("not_found", `The file ${file} cannot be read.`, { cause })));
  });
  return stream;
}

type Answer = { kind: "none" } | { kind: "refused"; reason: string } | { kind: "grouped"; grouping: Grouping };

function explainer({ now }: GroupOptions): (line: BoundedLine) => Answer {
  const scrubber = eventScrubber(createScrubber([]));
  const digest = (text: string) => createHash("sha256").update(text).digest("hex");
  const delivery = { receivedAt: now(), hashUser: digest, newId: () => "line" };
  return ({ text }) => {
    if (text === null) return { kind: "refused", reason: `is longer than ${lineBytesMax} bytes` };
    if (text.trim() === "") return { kind: "none" };
    const read = anyEventOf(text, delivery);
    return read.kind === "refused"
      ? read
      : { kind: "grouped", grouping: groupingOf(scrubber.heading(read.event), digest) };
  };
}

function inContract({ fingerprint, causeKey, type, title, severity, parts }: Grouping) {
  return { fingerprint, cause_key: causeKey, type, title, severity, parts };
}

function inWords(number: number, grouping: Grouping): string {
  const [kind = "", ...parts] = grouping.parts;
  return [
    `line ${number}: ${grouping.title}`,
    `  group    ${grouping.fingerprint}  (${explanations[kind] ?? "by what the application states"})`,
    ...parts.map((part) => `           ${part === "" ? "(nothing)" : part.replaceAll("\n", " ⏎ ")}`),
    `  cause    ${grouping.causeKey}`,
    `  type     ${grouping.type}`,
    `  severity ${grouping.severity}, if it stays alone: ${grouping.because}`,
    "",
  ].join("\n");
}

const explanations: Record<string, string> = {
  stack: "by type, place in the application, and message",
  weak: "built code without its source map: by file, message and route",
  message: "no frame of the application: by type and message",
  chunk: "a page that outlived a deployment",
  http: "a failed request without an exception: by operation and status",
  external: "a failed call to another service: by its host",
  stated: "by what the application states",
};
