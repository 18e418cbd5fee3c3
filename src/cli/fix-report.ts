import type { Colors } from "picocolors/types";
import { cleanLine, cleanText, cut } from "#domain/text.ts";
import type { Answer, DiagnosisAnswer } from "#fix/answer.ts";
import type { News } from "#fix/fix.ts";

/** What a person reads of a run of `vigil fix`. Everything in it may come from a stranger's file: no control characters. */

const lineCharactersMax = 300;
const statusWords = {
  fixed: "Fixed",
  not_fixed: "Not fixed",
  needs_human: "There is a fix; a person should look at it",
};
const engineerWords = {
  playbooks: "playbooks alone (no ANTHROPIC_API_KEY is set)",
  claude: "Claude",
  "playbooks+claude": "playbooks, then Claude",
};

/** Progress, one line each; some news are not worth any. */
export function newsInWords(news: News, colours: Colors): string[] {
  const { dim, bold } = colours;
  switch (news.kind) {
    case "state":
      return [...stateInWords(news), dim(`engineer: ${engineerWords[news.who]}`)];
    case "error": {
      const { errorType, message, frames } = news.error;
      const place = frames.find(({ inApp }) => inApp);
      const where = place === undefined ? "no place in this repository is named" : `${place.file}:${place.line ?? "?"}`;
      return [`${bold(line(`${errorType ?? "Error"}: ${message}`))} ${dim(`(${line(where)})`)}`];
    }
    case "stage": {
      const { status, outcome } = news;
      const to = outcome.kind === "move" ? ` → ${outcome.to}` : "";
      return [`${colours.cyan(`${status}${to}`)}  ${line(outcome.because)}`];
    }
    case "running":
      return [
        dim(
          `running ${news.what === "tests" ? "the tests" : "the type check"} ${news.isBase ? "without" : "with"} the fix …`,
        ),
      ];
    case "progress":
      return [dim(`  ${line(news.text)}`)];
  }
}

function stateInWords({ folder, state }: Extract<News, { kind: "state" }>): string[] {
  const { changed, added, removed } = state.uncommitted;
  const where = folder.branch ?? (folder.head === null ? "no branch" : `detached at ${folder.head.slice(0, 10)}`);
  const counts = [
    ...(changed > 0 ? [`${changed} changed`] : []),
    ...(added > 0 ? [`${added} new`] : []),
    ...(removed > 0 ? [`${removed} removed`] : []),
  ];
  const dirty = counts.length > 0 ? `, with uncommitted work (${counts.join(", ")})` : "";
  const lines = [
    line(`${folder.top ?? folder.path} on ${where}${folder.head === null ? ", nothing committed yet" : ""}${dirty}`),
  ];
  if (folder.unfinished !== null) lines.push(`${folder.unfinished} is under way: the files are taken as they are`);
  if (folder.isCutOff) lines.push("its history is cut off (shallow or partial clone): older commits cannot be asked");
  if (folder.prefix !== "") lines.push(line(`tests run in ${folder.prefix}`));
  return [...lines, ...state.leftOut.map((what) => line(`left out: ${what}`))];
}

/** The whole answer. */
export function reportInWords(answer: Answer, colours: Colors): string {
  const { status, diagnosis, diff, reasons, attempts } = answer;
  const colour = { fixed: colours.green, not_fixed: colours.red, needs_human: colours.yellow }[status];
  const parts = [
    colours.bold(colour(statusWords[status])),
    ...reasons.map((reason) => `  ${cut(cleanLine(reason), 1_000)}`),
    "",
    ...diagnosisInWords(diagnosis, colours),
    ...(attempts.length === 0 ? [] : ["", colours.bold("Attempts that did not hold")]),
    ...attempts.map(({ attempt, because }) => `  ${attempt}. ${cut(cleanLine(because), 500)}`),
    ...(diff === "" ? [] : ["", colours.bold("Diff"), diffInColour(diff, colours).trimEnd()]),
    "",
    `${colours.bold("Tests")}   before: ${testInWords(answer, "before")}   after: ${testInWords(answer, "after")}`,
    `${colours.bold("Cost")}    $${answer.cost_usd.toFixed(4)}, ${answer.model_calls} model call(s), ${answer.seconds.toFixed(1)} s; ${engineerWords[answer.engineer]}`,
    ...(answer.error?.hint ? ["", line(answer.error.hint)] : nextStep(answer)),
  ];
  return parts.join("\n");
}

function diagnosisInWords(diagnosis: DiagnosisAnswer, { bold, dim }: Colors): string[] {
  const { root_cause, evidence, fix_strategy, confidence, requires_human, requires_human_because } = diagnosis;
  const cause = root_cause === null ? "not found" : cut(cleanText(root_cause), 4_000);
  const places = evidence.map(({ file, line: number, note }) => `  ${line(`${file}:${number}`)}  ${dim(line(note))}`);
  const person = requires_human ? `yes: ${line(requires_human_because ?? "no reason is given")}` : "no";
  return [
    `${bold("Cause")}   ${cause}`,
    ...places,
    ...(fix_strategy === null || fix_strategy === ""
      ? []
      : [`${bold("Repair")}  ${cut(cleanText(fix_strategy), 2_000)}`]),
    ...(root_cause === null ? [] : [`${bold("Sure")}    ${confidence} %; asks for a person: ${person}`]),
  ];
}

function testInWords({ tests }: Answer, side: "before" | "after"): string {
  const outcome = tests[side];
  const counts = tests[`${side}_counts`];
  const words = { none: "there are none", not_run: "not run" };
  const said = outcome === "none" || outcome === "not_run" ? words[outcome] : outcome.replaceAll("_", " ");
  return counts === null ? said : `${said} (${counts.passed} passed, ${counts.failed} failed)`;
}

function nextStep({ applied, diff, files }: Answer): string[] {
  if (applied) return ["", `Written into your files, not committed: ${line(files.join(", "))}`];
  return diff === "" ? [] : ["", "Nothing of yours was changed; --apply writes it into your files."];
}

function diffInColour(diff: string, { red, green, cyan, bold }: Colors): string {
  return cleanText(diff)
    .split("\n")
    .map((text) => {
      if (/^(?:diff |index |--- |\+\+\+ |(?:new|deleted) file)/.test(text)) return bold(text);
      if (text.startsWith("@@")) return cyan(text);
      if (text.startsWith("+")) return green(text);
      return text.startsWith("-") ? red(text) : text;
    })
    .join("\n");
}

function line(text: string): string {
  return cut(cleanLine(text), lineCharactersMax);
}
