/** As much of a diff's text is kept; the port promises it. */
export const diffBytesMax = 1_000_000;

/** Ends with a whole line and names both commits, so that the text's hash still stands for the whole change. */
export function cutText(text: string, from: string, to: string): string {
  const lines = text.slice(0, text.lastIndexOf("\n") + 1);
  return `${lines}\\ The rest is left out: the diff from ${from} to ${to} is larger than 1 MB.\n`;
}
