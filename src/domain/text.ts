/** Foreign text made harmless to store, to print and to compare. Nothing here removes secrets: `scrub.ts` does. */

/** Where a text was cut. */
export const cutMark = " … [cut]";

const escapeSign = String.fromCharCode(27);
const bellSign = String.fromCharCode(7);
/** Colours, cursor moves and titles. Node's own `stripVTControlCharacters` needs seconds for 70 kB of unfinished titles; this is bounded. */
const terminalSequence = new RegExp(
  `${escapeSign}(?:\\[[0-9;?]{0,40}[ -/]{0,4}[@-~]|\\][^${bellSign}${escapeSign}]{0,300}(?:${bellSign}|${escapeSign}\\\\)|[@-Z\\\\^_])`,
  "g",
);

/**
 * Replaces what databases and terminals stumble over (NUL, lone surrogates), and removes terminal sequences, other
 * control characters and marks that turn the reading direction. Line breaks (as \n) and tabs stay.
 */
export function cleanText(text: string): string {
  // Nearly every text is clean already, and this is asked for every field of every event.
  if (/^[\n\t\x20-\x7e]*$/.test(text)) return text;
  return text
    .toWellFormed()
    .replaceAll("\u0000", "\uFFFD")
    .replace(terminalSequence, "")
    .replace(/\r\n?|[\u0085\u2028\u2029]/g, "\n")
    .replace(/[\u202A-\u202E\u2066-\u2069\u200E\u200F\u061C]/g, "")
    .replace(/(?![\n\t])\p{Cc}/gu, "");
}

/** The same on one line: for names, operations and tags, where a line break could only forge something. */
export function cleanLine(text: string): string {
  return cleanText(text)
    .replace(/[\n\t]{1,1000}/g, " ")
    .trim();
}

/** At most `charactersMax` characters; what is longer ends with a mark. Never cuts a character in half. */
export function cut(text: string, charactersMax: number): string {
  if (text.length <= charactersMax) return text;
  return text.slice(0, charactersMax - cutMark.length).replace(/[\uD800-\uDBFF]$/, "") + cutMark;
}

const invisible = /[\p{Cf}\p{Cc}\u115F\u1160\u2028\u2029\u3164\uFFA0]|\u034F/gu;

/** Writes out what a reader would not see (zero-width and direction marks, control characters), so that nothing hides in a diff (reliability D15). */
export function showHidden(text: string): string {
  return text.replace(invisible, (sign) => {
    if (sign === "\n" || sign === "\t") return sign;
    return `⟨U+${(sign.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}⟩`;
  });
}
