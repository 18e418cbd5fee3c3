import type { Risk } from "#domain/fix.ts";
import { isDisguised } from "../lookalikes.ts";
import { isCode, type Line, type ReviewedFile } from "./added-lines.ts";

/** All quantifiers are bounded and lines are cut: a hostile line costs no more than a long one. */
const examinedCharactersMax = 4_000;

const secrets: { note: string; pattern: RegExp }[] = [
  { note: "an Anthropic or OpenAI key", pattern: /\bsk-[a-z0-9-]{0,20}[A-Za-z0-9_-]{16,200}/ },
  { note: "a Stripe key", pattern: /\b[rs]k_(live|test)_[A-Za-z0-9]{10,200}|\bwhsec_[A-Za-z0-9]{10,200}/ },
  { note: "an AWS key", pattern: /\b(AKIA|ASIA)[A-Z0-9]{16}\b/ },
  { note: "a GitHub token", pattern: /\bgh[pousr]_[A-Za-z0-9]{20,255}|\bgithub_pat_[A-Za-z0-9_]{20,255}/ },
  {
    note: "a Slack token or webhook",
    pattern: /\bxox[abeprs]-[A-Za-z0-9-]{10,200}|hooks\.slack\.com\/services\/[A-Z0-9]/,
  },
  { note: "a Google or npm token", pattern: /\bAIza[A-Za-z0-9_-]{30,40}|\bnpm_[A-Za-z0-9]{30,60}/ },
  { note: "a JSON web token", pattern: /\beyJ[A-Za-z0-9_-]{8,2000}\.eyJ[A-Za-z0-9_-]{4,2000}\./ },
  { note: "a private key", pattern: /-----BEGIN [A-Z ]{0,30}PRIVATE KEY/ },
  {
    note: "a password in an address",
    pattern: /\b[a-z][a-z0-9+.-]{1,20}:\/\/[^\s:/@"'`$]{0,100}:[^\s/@"'`$]{1,200}@[^\s"'`]/i,
  },
  {
    note: "a secret written out",
    pattern:
      /\b[\w-]{0,30}(password|passwd|secret|api[_-]?key|access[_-]?token|private[_-]?key)["']?\s{0,3}[:=]\s{0,3}["'`](?=[^"'`\s]{0,80}\d)[^"'`\s${}]{8,200}["'`]/i,
  },
];

const hidden =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is the purpose
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u00ad\u061c\u115f\u1160\u180e\u200b-\u200f\u2028-\u202e\u2060-\u2064\u2066-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb]|\u034f|[\u{e0000}-\u{e0fff}]/u;
/** A joiner between two pictographs makes one emoji. */
const emojiJoiner = /(?<=\p{Extended_Pictographic}[\ufe0f\u{1f3fb}-\u{1f3ff}]?)\u200d(?=\p{Extended_Pictographic})/gu;

const schemaChange =
  /\b(drop|alter|truncate)\s{1,5}(table|column|database|schema|type|index|view)\b|\bdelete\s{1,5}from\s{1,5}["\w.]{1,80}\s{0,5}(;|["'`]|$)|\bupdate\s{1,5}["\w.]{1,80}\s{1,5}set\s(?!.{0,2000}\bwhere\b)|\b(grant|revoke)\s{1,5}(all|select|insert|update|delete|usage|execute)\b/i;

/** Secrets, hidden or disguised text, and statements against the database's shape, on added lines of any file. */
export function textRisks(file: ReviewedFile): Risk[] {
  return file.added.flatMap((line) => lineRisks(file, line));
}

function lineRisks({ path }: ReviewedFile, { line, text: whole }: Line): Risk[] {
  const text = whole.slice(0, examinedCharactersMax);
  const risks: Risk[] = secrets
    .filter(({ pattern }) => pattern.test(text))
    .map(({ note }) => ({ kind: "secret", path, line, note: `looks like ${note}` }));
  const visible = (line === 1 ? whole.replace(/^\ufeff/, "") : whole).replace(emojiJoiner, "");
  const sign = hidden.exec(visible)?.[0];
  if (sign !== undefined) {
    const code = sign.codePointAt(0)?.toString(16).toUpperCase().padStart(4, "0");
    risks.push({ kind: "hidden_text", path, line, note: `holds the invisible or reordering character U+${code}` });
  }
  const disguised = isCode(path) ? withoutTexts(text).find(isDisguised) : undefined;
  if (disguised !== undefined) {
    risks.push({ kind: "hidden_text", path, line, note: "an identifier is written with look-alike letters" });
  }
  if (schemaChange.test(text))
    risks.push({ kind: "migration", path, line, note: "changes or empties database objects" });
  return risks;
}

/** The words of a line outside its quotes and comments, where foreign letters are content. */
function withoutTexts(text: string): string[] {
  const code = text.replace(
    /"[^"]{0,2000}"|'[^']{0,2000}'|`[^`]{0,2000}`|\/\/.{0,4000}|\/?\*.{0,4000}|>[^<>{}]{0,2000}</gu,
    " ",
  );
  return code.match(/[\p{L}_$][\p{L}\p{N}_$]{0,200}/gu) ?? [];
}
