import type { ErrorEvent } from "#domain/event.ts";

/** Set by whoever reads the protocol: it knows who asked (`probe`, `crawler`, `revalidation`). */
const noiseTag = "noise";
const foreignCode =
  /^(?:(?:chrome|moz|safari(?:-web)?|ms-browser|edge)-extension:|webkit-masked-url:|chrome:\/\/|about:)/i;
const extensionTexts =
  /\b(?:Extension context invalidated|Could not establish connection\. Receiving end does not exist|message (?:port|channel) closed before a response was received)/;
/** What browsers, webviews and toolbars throw into pages that can do nothing about it. */
const browserTexts =
  /^(?:Uncaught )?(?:\w{0,40}Error: )?(?:Script error\.?$|Javascript error: Script error|ResizeObserver loop (?:completed|limit exceeded)|Java object is gone|Java exception was raised|Can't find variable: (?:gmo|_AutofillCallbackHandler|webkitExitFullScreen)|(?:gmo|_AutofillCallbackHandler|__gCrWeb\S{0,60}) is not defined|Non-Error promise rejection captured with value: (?:Object Not Found Matching Id|Timeout)|vv\(\)\.getRestrictions is not a function|undefined is not an object \(evaluating '(?:window\.webkit\.messageHandlers|a\.L))/;
/** Next.js steers by throwing: these are no faults (detection.md §1a). */
const steering = /^(?:NEXT_|BAILOUT_TO_CLIENT_SIDE_RENDERING$|DYNAMIC_SERVER_USAGE$)/;
const abortedTypes = ["AbortError", "CanceledError", "NavigationDuplicated"];

/**
 * Why an event is counted and never becomes an issue, or `undefined` (detection.md §2.3.3). What is noise is no error of a
 * release either: no watch may be decided by it (reliability A11).
 */
export function noiseOf(event: ErrorEvent): string | undefined {
  const { tags, trust, frames, message, errorType } = event;
  if (tags[noiseTag]) return tags[noiseTag];
  if (steering.test(message) || steering.test(tags.digest ?? "")) return "steering of the framework";
  const [top] = frames;
  if (top !== undefined && foreignCode.test(top.file)) return "code of a browser extension";
  if (abortedTypes.includes(errorType ?? "") && !frames.some(({ inApp }) => inApp))
    return "a request that was cancelled";
  if (trust !== "browser") return undefined;
  if (extensionTexts.test(message)) return "code of a browser extension";
  if (browserTexts.test(message)) return "a browser's own message";
  return frames.length === 0 && message.trim() === "" ? "a browser's error without any content" : undefined;
}
