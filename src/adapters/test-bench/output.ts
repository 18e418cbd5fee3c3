/** Room for the sentence that stands for what was left out. */
const markBytes = 100;

/** The beginning and the end of what was printed, together at most `keepBytes`; what lies between is only counted. */
export function createOutput(keepBytes: number) {
  const half = Math.floor((keepBytes - markBytes) / 2);
  let head = Buffer.alloc(0);
  let tail = Buffer.alloc(0);
  let total = 0;
  return {
    add: (chunk: Buffer) => {
      total += chunk.length;
      const room = half - head.length;
      if (room > 0) head = Buffer.concat([head, chunk.subarray(0, room)]);
      const rest = room > 0 ? chunk.subarray(room) : chunk;
      if (rest.length > 0) tail = Buffer.concat([tail, rest]).subarray(-half);
    },
    bytes: () => total,
    text: () => {
      const left = total - head.length - tail.length;
      if (left === 0) return Buffer.concat([head, tail]).toString("utf8");
      return `${head.toString("utf8")}\n[… ${left} bytes left out …]\n${tail.toString("utf8")}`;
    },
  };
}
