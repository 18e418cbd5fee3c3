import type { Observer } from "#engine/observe.ts";
import { sentenceOf } from "#engine/work.ts";

/** The same trouble again and again, while a database is away for instance, is one line in this time. */
const repeatAfterMs = 30_000;
let lastTrouble = { text: "", atMs: 0 };

/** One line per step for whoever reads the server's output. */
export const printer: Observer = (event) => {
  const at = new Date().toISOString().slice(11, 19);
  if (event.kind === "settled") {
    console.log(`${at} issue ${event.issueId.slice(0, 8)}  ${event.from} → ${event.to}: ${event.because}`);
  } else if (event.kind === "step_failed") {
    console.error(`${at} issue ${event.issueId.slice(0, 8)}  ${event.status}: ${event.because}`);
  } else if (event.kind === "queue_error") {
    const text = sentenceOf(event.error);
    if (text === lastTrouble.text && Date.now() - lastTrouble.atMs < repeatAfterMs) return;
    lastTrouble = { text, atMs: Date.now() };
    console.error(`${at} ${text}`);
  }
};
