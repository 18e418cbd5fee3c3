import { cleanText } from "#domain/text.ts";

/**
 * Text as Slack's mrkdwn shows it literally: `&`, `<` and `>` are the only signs that begin a mention or a link, so escaped
 * text cannot ping anybody and cannot fake an address (reliability D27). At most `charactersMax` after escaping.
 */
export function escaped(text: string, charactersMax: number): string {
  let whole = "";
  for (const sign of visible(text.slice(0, 4 * charactersMax))) {
    const next = entities[sign] ?? sign;
    if (whole.length + next.length > charactersMax - 1) return `${whole}…`;
    whole += next;
  }
  return whole;
}

/** The same on one line, and without the signs that would end the bold print around it. */
export function escapedLine(text: string, charactersMax: number): string {
  return escaped(text.slice(0, 4 * charactersMax).replace(/[\p{Cc}\p{Zl}\p{Zp}*]+/gu, " "), charactersMax).trim();
}

const entities: Record<string, string | undefined> = { "&": "&amp;", "<": "&lt;", ">": "&gt;" };

/** Without characters that hide or reorder others; tabs would be control characters. */
function visible(text: string): string {
  return cleanText(text)
    .replaceAll("\t", " ")
    .replace(/[\p{Cf}\p{Cs}]/gu, "")
    .trim();
}
