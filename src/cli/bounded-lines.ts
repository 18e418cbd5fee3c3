import type { Readable } from "node:stream";

/** One line of a stream; `text` is null where it is longer than allowed. Numbers begin with 1. */
export interface BoundedLine {
  number: number;
  text: string | null;
}

const newline = 10;

/** The lines of a stream that may be endless and may hold a line that is: never more than one line is in memory. */
export async function* boundedLines(input: Readable, bytesMax: number): AsyncGenerator<BoundedLine> {
  const decoder = new TextDecoder();
  let number = 1;
  let held: Buffer[] = [];
  let bytes = 0;
  const taken = (): BoundedLine => {
    const text = bytes > bytesMax ? null : decoder.decode(held.length === 1 ? held[0] : Buffer.concat(held));
    held = [];
    bytes = 0;
    return { number: number++, text };
  };
  const hold = (part: Buffer) => {
    bytes += part.length;
    if (bytes > bytesMax) held = [];
    else held.push(part);
  };
  for await (const chunk of input) {
    const buffer: Buffer = typeof chunk === "string" ? Buffer.from(chunk) : chunk;
    let from = 0;
    for (let end = buffer.indexOf(newline); end >= 0; end = buffer.indexOf(newline, from)) {
      hold(buffer.subarray(from, end));
      yield taken();
      from = end + 1;
    }
    hold(buffer.subarray(from));
  }
  if (bytes > 0) yield taken();
}
