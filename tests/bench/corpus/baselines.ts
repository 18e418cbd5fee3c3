import type { ErrorEvent } from "#domain/event.ts";
import { fileName, functionName } from "#policy/frame-names.ts";
import { messagePattern } from "#policy/message-pattern.ts";

/** What others group by, as far as it is published (detection.md §1b); re-made in a few lines, for comparison only. */
export const baselines: Record<string, (event: ErrorEvent) => string> = {
  /** Title and transaction. */
  "Bugsink v1, GlitchTip": ({ errorType, message, operation }) =>
    [errorType, message.split("\n", 1)[0], operation].join("|"),
  /** Type and normalised value. */
  "Bugsink v2": ({ errorType, message }) => [errorType, messagePattern(message)].join("|"),
  /** Type and every in-app frame: file, function or, where it is known, the source line. */
  "Sentry-like": ({ errorType, message, frames }) => {
    const inApp = frames.filter((frame) => frame.inApp);
    if (inApp.length === 0) return [errorType, messagePattern(message)].join("|");
    const named = inApp.map(({ file, function: name, context, mapped }) =>
      [fileName(file).split("/").at(-1), mapped && context !== null ? "" : lastPart(name), context ?? ""].join(":"),
    );
    return [errorType, ...named].join("|");
  },
  /** Type, the message's words, and file and function of the topmost frame. */
  "Datadog-like": ({ errorType, message, frames }) => {
    const top = frames.find((frame) => frame.inApp);
    const words = message.replace(/["'`([{][^"'`)\]}]{0,300}["'`)\]}]/g, "").replace(/\S*\d\S*/g, "");
    const place = top === undefined ? "" : `${fileName(top.file)}:${functionName(top.function)}`;
    return [errorType, words.replace(/\s+/g, " "), place].join("|");
  },
};

function lastPart(name: string): string {
  return functionName(name).split(".").at(-1) ?? "";
}
