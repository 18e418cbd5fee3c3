import { stackLine } from "./stack-lines.ts";

/** What a log line says about an exception: its type, its message and its stack, as consoles and loggers print them. */
export interface SpokenError {
  type: string | null;
  message: string;
  stack: string | null;
  /** What stands before the exception, for example a logger's prefix. */
  before: string;
}

const headMax = 8_192;
const linesMax = 60;
/** `TypeError: …`, `Uncaught (in promise) Error: …`, `TypeError [ERR_X]: …`; loggers put words before it, Next a cross. */
const named =
  /(?:^|[\s:>\]⨯])\[?(?:Uncaught )?(?:\(in promise\)[: ]{0,2})?((?:[A-Za-z][\w$]{0,60}\.){0,3}[A-Z]?[\w$]{0,80}(?:Error|Exception))(?: \[\w{1,60}\])?: /;
/** With a stack below it, whatever stands at the very beginning is the error's name. */
const anyName = /^\[?(?:Uncaught )?([A-Za-z][\w$.]{0,100})(?: \[\w{1,60}\])?: /;

/** Reads a printed exception. A text that prints none is its own message. */
export function spokenError(text: string): SpokenError {
  const [outermost = ""] = text.slice(0, headMax).split(/^[ \t]{0,20}(?:\[cause\]|cause|\[errors\]):/m, 1);
  const lines = outermost.split("\n", linesMax);
  const first = lines.findIndex(isFrame);
  const hasStack = first >= 0 || (outermost.length < text.length && text.slice(0, headMax).split("\n").some(isFrame));
  const head = (first < 0 ? lines : lines.slice(0, first)).join("\n").trimEnd();
  const line = head.split("\n", 1)[0] ?? "";
  const found = hasStack ? nameAt(head) : named.exec(line);
  // Without a stack only a type at the very beginning is one; further on it is somebody's prose.
  const isError = found !== null && (hasStack || found.index === 0);
  if (!isError) return { type: null, message: head === "" ? text : head, stack: hasStack ? text : null, before: "" };
  const said = head.slice(found.index + found[0].length);
  return {
    type: found[1] ?? null,
    // An error without a stack is printed in brackets.
    message: found[0].includes("[") && !found[0].endsWith("]: ") ? said.replace(/\](?: \{)?$/, "") : said,
    stack: hasStack ? text.slice(found.index).trimStart() : null,
    before: head.slice(0, found.index).trim(),
  };
}

/** A logger's own word may stand first; an error's class says that it is one. */
function nameAt(head: string): RegExpExecArray | null {
  const first = anyName.exec(head);
  return first !== null && /(?:error|exception)$/i.test(first[1] ?? "") ? first : (named.exec(head) ?? first);
}

function isFrame(line: string): boolean {
  return /^\s{1,20}at /.test(line) && stackLine(line) !== undefined;
}
