import type { Risk } from "#domain/fix.ts";
import { isCode, isTestFile, type ReviewedFile, reviewedFile } from "./risk/added-lines.ts";
import { codeRisks } from "./risk/code-risks.ts";
import { errorRisks } from "./risk/error-risks.ts";
import { pathRisks } from "./risk/path-risks.ts";
import { testRisks } from "./risk/test-risks.ts";
import { textRisks } from "./risk/text-risks.ts";

const risksMax = 50;
const addedLinesMaxByDefault = 300;

/**
 * What in a change a person should look at, with the place (design.md §7, reliability C15, D8 and D15). It compares both
 * sides and marks only what is new, so code that was there before asks nobody. It finds, it does not judge: every risk
 * asks for a person, whatever its kind.
 */
export function reviewRisks(
  files: { path: string; before: string | null; after: string | null }[],
  diffAddedLimit = addedLinesMaxByDefault,
): Risk[] {
  const reviewed = files.map(reviewedFile);
  const tests = reviewed.filter(({ path }) => isTestFile(path));
  const risks = [
    ...reviewed.flatMap(pathRisks),
    ...reviewed.flatMap(textRisks),
    ...reviewed.flatMap((file) => codeRisks(file, tests)),
    ...reviewed.flatMap(errorRisks),
    ...testRisks(reviewed),
    ...sizeRisks(reviewed, diffAddedLimit),
  ];
  const unlike = new Map(risks.map((risk) => [`${risk.kind} ${risk.path} ${risk.line} ${risk.note}`, risk]));
  return [...unlike.values()].slice(0, risksMax);
}

const lineLengthMax = 1_000;
const rewrittenShareMax = 0.6;
const rewriteLinesMin = 40;

function sizeRisks(files: ReviewedFile[], addedMax: number): Risk[] {
  const added = files.reduce((sum, file) => sum + file.added.length, 0);
  const [first] = files;
  const risks: Risk[] = [];
  if (first !== undefined && !(added <= addedMax)) {
    risks.push({ kind: "size", path: first.path, line: null, note: `${added} added lines (limit ${addedMax})` });
  }
  for (const { path, before, added, beforeLines, removed, after, syntax } of files) {
    const isGone = before !== null && before.trim() !== "" && (after === null || after.trim() === "");
    if (isGone) risks.push({ kind: "size", path, line: null, note: "removes the whole file" });
    if (isCode(path) && after !== null && syntax.after === undefined) {
      risks.push({ kind: "size", path, line: null, note: "too large or too deeply nested to be reviewed" });
    }
    const long = added.find(({ text }) => text.length > lineLengthMax);
    if (long) risks.push({ kind: "size", path, line: long.line, note: `a line of ${long.text.length} characters` });
    if (beforeLines >= rewriteLinesMin && removed.length > beforeLines * rewrittenShareMax) {
      risks.push({ kind: "size", path, line: null, note: `${removed.length} of ${beforeLines} lines are replaced` });
    }
  }
  return risks;
}
