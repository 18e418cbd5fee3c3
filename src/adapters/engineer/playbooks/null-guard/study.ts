import type { Snapshot } from "#ports/repository.ts";
import { startLine } from "../code/syntax.ts";
import type { Place } from "../places.ts";
import { knowsOptionalChaining, optionalChain } from "./chaining.ts";
import type { NullishError } from "./error-text.ts";
import { exitsIn, siblingsOf } from "./exits.ts";
import { type Fault, locate } from "./fault.ts";
import { answerGuard } from "./guards.ts";
import { hoistedGuard } from "./hoist.ts";
import { checked, type Draft, type Plan, type Surroundings } from "./plan.ts";
import { twinConfidence, twinOf } from "./twins.ts";
import { answerNothing, emptyInstead, emptyOrMissing, sameWayOut, throwLikeOthers } from "./ways-out.ts";

interface Common {
  path: string;
  line: number;
  shown: string;
  cause: string;
  evidence: { file: string; line: number; note: string }[];
}

/** What can be said about a read from nothing. Plans come best first; without one the fault counts as unknown. */
export type Study =
  | ({ kind: "repairable"; plans: [Plan, ...Plan[]] } & Common)
  | ({ kind: "already_guarded"; confidence: number } & Common)
  | { kind: "unknown"; because: string };

/** Locates the fault at `place` and tries every repair on it. */
export async function study(place: Place, error: NullishError, snapshot: Snapshot): Promise<Study> {
  try {
    return await studied(place, error, snapshot);
  } catch (thrown) {
    // Walking a tree recurses: code nested beyond reason is not judged.
    if (thrown instanceof RangeError)
      return { kind: "unknown", because: `${place.path} is nested too deeply to be read` };
    throw thrown;
  }
}

async function studied(place: Place, error: NullishError, snapshot: Snapshot): Promise<Study> {
  const located = await locate(place, error, snapshot);
  if (located.kind === "unknown") return located;
  const { fault } = located;
  if (located.kind === "already_guarded") {
    const cause = `\`${fault.shown}\` is tested before it is read at ${place.path}:${fault.line} in this version; the release that failed is older.`;
    return {
      kind: "already_guarded",
      confidence: fault.access.found === "nearby" ? 80 : 88,
      ...common(fault),
      cause,
      evidence: [{ file: place.path, line: fault.line, note: `\`${fault.shown}\` is read only after it was tested` }],
    };
  }
  const siblings = await siblingsOf(place.path, snapshot);
  const surroundings: Surroundings = {
    fault,
    own: exitsIn(fault.code),
    nearby: siblings.flatMap(exitsIn),
    hasOptionalChaining: await knowsOptionalChaining(fault.code, snapshot),
  };
  const twin = twinOf(fault, siblings);
  const plans = plansFor(surroundings);
  const [best, ...others] = twin === undefined ? plans : plans.map((plan) => halfSure(plan, fault, twin));
  if (best !== undefined) return { kind: "repairable", plans: [best, ...others], ...common(fault) };
  const because = `\`${fault.shown}\` is ${inWords(error)} at ${place.path}:${fault.line}, but nothing in the code says what should happen then, so no repair is safe`;
  return { kind: "unknown", because };
}

function halfSure(plan: Plan, { error }: Fault, twin: { path: string; line: number }): Plan {
  const because = `\`${error.property}\` of the same is read without a test at ${twin.path}:${twin.line} as well`;
  return {
    ...plan,
    confidence: Math.min(plan.confidence, twinConfidence),
    personBecause: [plan.personBecause, because].filter(Boolean).join("; "),
  };
}

type Strategy = (surroundings: Surroundings) => Draft | undefined;

/** What was looked up or sent is answered for; in other code the smallest change that its readers allow comes first. */
const forValues: Strategy[] = [
  answerGuard,
  hoistedGuard,
  optionalChain,
  emptyOrMissing,
  emptyInstead,
  sameWayOut,
  answerNothing,
  throwLikeOthers,
];
const forParts: Strategy[] = [
  optionalChain,
  emptyOrMissing,
  emptyInstead,
  answerGuard,
  hoistedGuard,
  sameWayOut,
  answerNothing,
  throwLikeOthers,
];

function plansFor(surroundings: Surroundings): Plan[] {
  const { origin } = surroundings.fault;
  const strategies = origin.source === "lookup" || origin.source === "session" ? forValues : forParts;
  const plans: Plan[] = [];
  for (const strategy of strategies) {
    const draft = strategy(surroundings);
    const plan = draft === undefined ? undefined : checked(draft, surroundings);
    if (plan !== undefined && plans.every(({ text }) => text !== plan.text)) plans.push(plan);
  }
  return plans;
}

function common(fault: Fault): Common {
  const { place, code, shown, line, origin, error } = fault;
  const declared = startLine(code, origin.at);
  const evidence = [{ file: place.path, line, note: `\`${shown}\` is read here without a test` }];
  if (declared !== line)
    evidence.push({ file: place.path, line: declared, note: `it comes from here: ${origin.text}` });
  return { path: place.path, line, shown, evidence, cause: causeOf(fault, inWords(error), declared) };
}

function causeOf({ place, shown, line, origin, error }: Fault, value: string, declared: number): string {
  const read = error.property === null ? "is used" : `is asked for \`${error.property}\``;
  const what = `\`${shown}\` is ${value} when it ${read} at ${place.path}:${line}`;
  return `${what}: ${why(origin.source, origin.text, declared)}, and nothing tests it before.`;
}

function why(source: Fault["origin"]["source"], text: string, line: number): string {
  switch (source) {
    case "lookup":
      return `it comes from \`${text}\` (line ${line}), which finds nothing for an unknown key`;
    case "input":
      return `it is part of what the client sent (\`${text}\`, line ${line}), and clients may leave it out`;
    case "session":
      return `it comes from \`${text}\` (line ${line}), which gives nothing when nobody is signed in`;
    case "external":
      return `it is part of another service's answer (\`${text}\`, line ${line}), which does not always hold it`;
    case "parameter":
      return `it is handed in (line ${line}), and some callers hand in nothing there`;
    case "call":
      return `it comes from \`${text}\` (line ${line}), which gave nothing`;
    case "unknown":
      return `\`${text}\` (line ${line}) is not always there`;
  }
}

function inWords({ value }: NullishError): string {
  return value === "nullish" ? "null or undefined" : value;
}
