/** Bounds on what a hostile runner may make us keep. */
const namesMax = 300;
const nameCharactersMax = 300;

/** Lines by which known runners name a failing test; each pattern is anchored and bounded. */
const patterns: RegExp[] = [
  // TAP (node:test, tape, node-tap): a test that was to be skipped or done later is none.
  /^\s{0,40}not ok \d{1,9}(?: -)? (?!.{0,400} # (?:skip|todo)\b)(.{1,400})$/i,
  // node:test's own way, ava.
  /^\s{0,40}[✖✘] (?!failing tests:)(.{1,400})$/u,
  // vitest's list of failures: project, file and path of the test.
  /^\s{0,4}FAIL\s{1,3}(.{1,400} > .{1,400})$/,
  // vitest while it runs.
  /^\s{1,20}× (.{1,400})$/u,
  // jest.
  /^\s{2}● (?!Console|Test suite failed)(.{1,400})$/u,
  // mocha's tree.
  /^\s{2,40}\d{1,5}\) (.{1,400})$/,
];

/** Which tests a run names as failing, each once, as the runner writes them without times. They are the target's own words. */
export function failingTests(output: string): string[] {
  const names = new Set<string>();
  for (const line of output.split("\n")) {
    if (names.size >= namesMax) break;
    const found = patterns.map((pattern) => pattern.exec(line)?.[1]).find((name) => name !== undefined);
    const name = found === undefined ? "" : plainName(found);
    if (name !== "") names.add(name);
  }
  return [...names];
}

/** Without what differs from run to run: durations, and the mark that a list continues. */
function plainName(text: string): string {
  return text
    .slice(0, nameCharactersMax)
    .replace(/\s{1,10}\(?\d{1,9}(?:\.\d{1,9})?\s?m?s\)?$/, "")
    .replace(/ # time=.{1,40}$/, "")
    .replace(/:$/, "")
    .trim();
}
