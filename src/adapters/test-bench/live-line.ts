import { cleanLine } from "#domain/text.ts";

const tellEveryMs = 1_000;
/** A line that is longer is told by its end. */
const lineBytesMax = 4_096;

/** Tells the last line of what is printed, once a second as long as there is a new one. Keeps no more than that line. */
export function createLiveLine(tell: (line: string) => void) {
  let rest = Buffer.alloc(0);
  let last: string | undefined;
  const timer = setInterval(() => {
    if (last === undefined) return;
    tell(last);
    last = undefined;
  }, tellEveryMs);
  timer.unref();
  return {
    add: (chunk: Buffer) => {
      const seen = Buffer.concat([rest, chunk.subarray(-lineBytesMax)]).subarray(-2 * lineBytesMax);
      const end = seen.lastIndexOf("\n");
      rest = seen.subarray(end + 1).subarray(-lineBytesMax);
      if (end < 0) return;
      const lines = seen.subarray(0, end).toString("utf8").split("\n").map(cleanLine);
      last = lines.findLast((line) => line !== "") ?? last;
    },
    stop: () => clearInterval(timer),
  };
}
