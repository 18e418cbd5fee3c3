import { Failure } from "#domain/failure.ts";
import type { Notice } from "#domain/notice.ts";
import { cleanText } from "#domain/text.ts";
import type { Notifier } from "#ports/notifier.ts";

const lineCharactersMax = 500;
const textLinesMax = 40;
const fieldsMax = 30;

export interface ConsoleNotifierOptions {
  /** Takes one whole notice: several lines without a trailing line break. */
  write: (block: string) => void;
  /** Where the dashboard is, for the link. */
  appUrl: string;
}

/** Prints each notice as one readable block. Whatever a notice quotes cannot steer the terminal or forge a line (reliability D27). */
export function createConsoleNotifier({ write, appUrl }: ConsoleNotifierOptions): Notifier {
  return {
    async send(notice, { repeated }) {
      try {
        write(blockOf(notice, { repeated, appUrl }));
        return { kind: "delivered", place: null };
      } catch (cause) {
        throw new Failure("unavailable", "The console did not take the message.", { cause });
      }
    },
  };
}

function blockOf(notice: Notice, { repeated, appUrl }: { repeated: boolean; appUrl: string }): string {
  const severity = notice.severity === null ? "" : `[${oneLine(notice.severity)}] `;
  const body = notice.text.split(/\r\n|[\n\r\u0085\u2028\u2029]/).map(oneLine);
  const left = body.length - textLinesMax;
  return [
    `${severity}${oneLine(notice.title)}`,
    ...body.slice(0, textLinesMax).filter((line) => line !== ""),
    ...(left > 0 ? [`(${left} more lines)`] : []),
    ...notice.fields.slice(0, fieldsMax).map(({ label, value }) => `${oneLine(label)}: ${oneLine(value)}`),
    ...(notice.link === null ? [] : [`${oneLine(notice.link.label)}: ${oneLine(addressOf(notice.link.path, appUrl))}`]),
    ...(repeated ? ["(may repeat an earlier message)"] : []),
  ]
    .map((line, index) => (index === 0 ? line : `  ${line}`))
    .join("\n");
}

function addressOf(path: string, appUrl: string): string {
  return `${appUrl.replace(/\/+$/, "")}/${path.replace(/^\/+/, "")}`;
}

/** One line without escape sequences, control characters, or characters that hide or reorder others. */
function oneLine(text: string): string {
  const plain = cleanText(text.slice(0, 4 * lineCharactersMax))
    .replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, " ")
    .replace(/[\p{Cf}\p{Cs}]/gu, "")
    .trim();
  return plain.length > lineCharactersMax ? `${plain.slice(0, lineCharactersMax)}…` : plain;
}
