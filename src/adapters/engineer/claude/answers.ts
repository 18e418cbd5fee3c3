import { z } from "zod";
import { CauseClass, type Claim, type Diagnosis } from "#domain/diagnosis.ts";
import { Severity } from "#domain/issue.ts";
import { cleanLine, cleanText, cut } from "#domain/text.ts";
import type { Problem } from "#ports/engineer.ts";
import { linesOf, type Reader } from "./reader.ts";

/** The shapes of the final answers. A model fills in what it found out; who it is, and what is promised, we write ourselves. */

const Evidence = z.object({ file: z.string().min(1).max(500), line: z.int().min(1), note: z.string().max(500) });

export const DiagnosisAnswer = z.object({
  causeClass: CauseClass.describe(
    "code_fault: the code is wrong. expected_denial: a correct check doing its work. user_error, infrastructure, third_party, developer_noise: not the code's fault. already_fixed: the code shown here no longer has the fault.",
  ),
  rootCause: z
    .string()
    .trim()
    .min(1)
    .max(4_000)
    .describe("What is wrong and why it leads to the error, for a person who knows the code."),
  evidence: z.array(Evidence).max(20).describe("The places that show it."),
  fixStrategy: z
    .string()
    .trim()
    .max(4_000)
    .describe("The smallest change that removes the cause; empty when nothing is to be changed."),
  files: z
    .array(z.string().min(1).max(500))
    .max(20)
    .describe("Existing files that the fix changes, the most likely one first."),
  confidence: z.number().min(0).max(100).describe("Percent. Below 80 a person decides."),
  requiresPerson: z.boolean().describe("A person should decide before anything ships."),
  requiresPersonBecause: z.string().max(1_000).nullable().optional(),
  estimatedMinutes: z.number().min(0).max(10_000).describe("Work of an experienced developer."),
  claim: z
    .string()
    .trim()
    .min(1)
    .max(500)
    .describe("What will be seen in production once the fix is out: what must stop."),
  severity: z
    .object({ value: Severity, because: z.string().trim().min(1).max(500) })
    .nullable()
    .optional()
    .describe("Only where the code shows that the problem is graver or more harmless than reported."),
});
export type DiagnosisAnswer = z.infer<typeof DiagnosisAnswer>;

export const FixAnswer = z.object({
  subject: z.string().trim().min(1).max(200).describe("The commit's subject: imperative, at most 72 characters."),
  explanation: z.string().trim().min(1).max(4_000).describe("The commit's body: what was wrong and why this cures it."),
  replacements: z
    .array(
      z.object({
        path: z.string().min(1).max(500),
        search: z
          .string()
          .min(1)
          .max(100_000)
          .describe("Exactly as it stands in the file, without line numbers; must occur there once."),
        replace: z.string().max(100_000),
      }),
    )
    .max(50)
    .default([])
    .describe("Carried out in this order."),
  newFiles: z
    .array(z.object({ path: z.string().min(1).max(500), content: z.string().min(1).max(200_000) }))
    .max(10)
    .default([])
    .describe("Files that do not exist yet, whole."),
});
export type FixAnswer = z.infer<typeof FixAnswer>;

export const TriageAnswer = z.object({
  title: z.string().trim().min(1).max(200).describe("At most 120 characters: what fails, where."),
  severity: Severity,
  because: z.string().trim().min(1).max(500),
});

export const GivingUp = z.object({ because: z.string().trim().min(1).max(1_000) });

/** What is wrong with a diagnosis beyond its shape: the files that it names must exist. Empty when nothing is. */
export async function objectionsTo(answer: DiagnosisAnswer, reader: Reader): Promise<string[]> {
  const objections: string[] = [];
  for (const path of new Set([...answer.files, ...answer.evidence.map(({ file }) => file)].map(plainPath))) {
    if (!(await reader.has(path))) objections.push(`${JSON.stringify(cleanLine(path))} is no file of this version.`);
  }
  for (const { file, line } of answer.evidence) {
    const text = await reader.original(plainPath(file));
    const count = text === undefined ? undefined : linesOf(text).length;
    if (count !== undefined && line > count)
      objections.push(`${JSON.stringify(cleanLine(file))} has only ${count} lines.`);
  }
  if (answer.causeClass === "code_fault" && answer.files.length === 0) {
    objections.push("files: a fault of the code lies in at least one file.");
  }
  return objections.slice(0, 10);
}

export function diagnosisOf(answer: DiagnosisAnswer, problem: Problem, model: string): Diagnosis {
  return {
    causeClass: answer.causeClass,
    rootCause: textOf(answer.rootCause, 4_000),
    evidence: answer.evidence.map(({ file, line, note }) => ({ file: plainPath(file), line, note: textOf(note, 500) })),
    fixStrategy: textOf(answer.fixStrategy, 4_000),
    files: [...new Set(answer.files.map(plainPath))],
    confidence: answer.confidence,
    requiresPerson: answer.requiresPerson,
    requiresPersonBecause: answer.requiresPerson
      ? textOf(answer.requiresPersonBecause ?? "Claude asks for a person.", 1_000)
      : null,
    estimatedMinutes: answer.estimatedMinutes,
    claim: claimOf(answer.claim, problem),
    engineer: cut(`claude:${model}`, 100),
  };
}

/** The promise is ours: that the recorded error stops. The model only words it. */
function claimOf(words: string, { fingerprint, operation }: Problem): Claim {
  const statement = textOf(words, 500);
  if (fingerprint === null || fingerprint.length > 200) return { kind: "nothing_to_stop", statement };
  return { kind: "error_stops", fingerprint, operation: operation === null ? null : cut(operation, 300), statement };
}

function plainPath(path: string): string {
  return path.replace(/^(?:\.\/)+/, "");
}

function textOf(text: string, charactersMax: number): string {
  return cut(cleanText(text).trim(), charactersMax);
}
