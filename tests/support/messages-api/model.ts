import { type Answer, message, tool, toolUse } from "./answers.ts";
import type { MessagesRequest } from "./request.ts";

/** What `submit_diagnosis` takes; fields that are left out get believable values. */
export interface Finding {
  causeClass: string;
  rootCause: string;
  evidence: { file: string; line: number; note: string }[];
  fixStrategy: string;
  files: string[];
  confidence: number;
  requiresPerson: boolean;
  requiresPersonBecause: string | null;
  estimatedMinutes: number;
  /** What must stop once the fix is out. */
  claim: string;
  severity: { value: string; because: string } | null;
}

/** What `submit_fix` takes. */
export interface Repair {
  subject: string;
  explanation: string;
  replacements: { path: string; search: string; replace: string }[];
  newFiles: { path: string; content: string }[];
}

export interface Knowledge {
  /** Without it nothing is corrected. */
  triage?: { title: string; severity: string; because: string };
  /** What it reads before it answers: one turn each. */
  reads?: [tool: string, input: unknown][];
  /** Without it, it gives up. */
  finding?: Partial<Finding> & { files: string[] };
  /** One per attempt; the last one serves all later attempts. `null` gives up. */
  repairs?: (Partial<Repair> | null)[];
}

/**
 * A script for `startMessagesApi` that plays the whole engineer by these rules: it looks which step a request belongs to
 * (by the tools it offers), reads first, then answers. It remembers nothing, so runs may be cut off and begin again.
 */
export function aModelThatKnows(knowledge: Knowledge): (request: MessagesRequest) => Answer {
  return (request) => {
    const read = knowledge.reads?.[request.turn];
    if (request.tools.includes("submit_triage")) return triage(knowledge);
    if (read !== undefined && request.tools.includes(read[0])) {
      const thought = { type: "thinking" as const, thinking: "I should look there.", signature: "c2lnbmF0dXJl" };
      return message([thought, toolUse(...read)]);
    }
    if (request.tools.includes("submit_diagnosis")) return diagnosis(knowledge);
    if (request.tools.includes("submit_fix")) return repair(knowledge, attemptOf(request));
    return tool("give_up", { because: "nothing is known about this step" });
  };
}

/** Which attempt of the repair a request belongs to, from 1. */
export function attemptOf({ text }: MessagesRequest): number {
  return Number(text.match(/This is attempt (\d+)/)?.[1] ?? 1);
}

function triage({ triage: known }: Knowledge): Answer {
  return known === undefined ? tool("give_up", { because: "nothing to add" }) : tool("submit_triage", known);
}

function diagnosis({ finding }: Knowledge): Answer {
  if (finding === undefined) return tool("give_up", { because: "the code does not explain it" });
  const file = finding.files[0] ?? "";
  return tool("submit_diagnosis", {
    causeClass: "code_fault",
    rootCause: "a value is used that may be missing",
    evidence: [{ file, line: 1, note: "used here" }],
    fixStrategy: "guard before the use",
    confidence: 93,
    requiresPerson: false,
    requiresPersonBecause: null,
    estimatedMinutes: 5,
    claim: "the error stops",
    severity: null,
    ...finding,
  } satisfies Finding);
}

function repair({ repairs = [] }: Knowledge, attempt: number): Answer {
  const known = repairs[Math.min(attempt, repairs.length) - 1];
  if (known === undefined || known === null) return tool("give_up", { because: "I see no safe fix" });
  return tool("submit_fix", {
    subject: "Guard against a missing value",
    explanation: "The value may be missing; it is checked before it is used.",
    replacements: [],
    newFiles: [],
    ...known,
  } satisfies Repair);
}
