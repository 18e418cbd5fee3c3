import canonicalize from "canonicalize";
import type { Approval, Candidate, Risk } from "#domain/fix.ts";
import type { Environment } from "#domain/ids.ts";
import type { Severity } from "#domain/issue.ts";
import type { Settings } from "#domain/settings.ts";

/** Everything that decides whether a fix may ship without a person. */
export interface ApprovalFacts {
  severity: Severity;
  /** Percent, 0–100. */
  confidence: number;
  diagnosisRequiresPerson: boolean;
  diagnosisBecause: string | null;
  estimatedMinutes: number;
  /** Touched files that are on the "requires approval" list. */
  approvalFiles: string[];
  risks: Risk[];
  /** Only unauthenticated or browser-side sources reported it (reliability D3). */
  unverified: boolean;
}

const namedFilesMax = 5;
const namedRisksMax = 10;

/** Why a person must approve, one sentence for each rule that asks (spec.md §9, design.md §7). Empty: the fix ships by itself. */
export function approvalReasons(facts: ApprovalFacts, settings: Settings): string[] {
  const reasons = [byTable(facts, settings), byConfidence(facts, settings), byEstimate(facts, settings)];
  if (facts.diagnosisRequiresPerson) {
    reasons.push(`The diagnosis asks for a person: ${facts.diagnosisBecause ?? "it gives no reason"}.`);
  }
  if (facts.approvalFiles.length > 0) {
    reasons.push(`The change touches files that need approval: ${naming(facts.approvalFiles, namedFilesMax)}.`);
  }
  if (facts.risks.length > 0) {
    const places = facts.risks.map(
      ({ kind, path, line, note }) => `${kind} in ${path}${line === null ? "" : `:${line}`} (${note})`,
    );
    reasons.push(`The review of the change found ${facts.risks.length} risk(s): ${naming(places, namedRisksMax)}.`);
  }
  if (facts.unverified) reasons.push("Only unverified sources reported the problem (browsers or anonymous senders).");
  return reasons.filter((reason) => reason !== undefined);
}

/** Identity of the rules that decided who must approve, as `digest` (sha256, hexadecimal) of their canonical JSON. */
export function policyHash(settings: Settings, digest: (text: string) => string): string {
  const { autonomyLevel, approval, files } = settings;
  return digest(canonicalize({ autonomyLevel, approval, files }) ?? "");
}

/** Why an approval does not count any more, or `undefined` while it holds: it is bound to all seven facts (reliability C5). */
export function approvalVoid(
  approval: Approval,
  now: { candidate: Candidate; policyHash: string; environment: Environment; at: Date },
): string | undefined {
  const bound = approval.candidate;
  if (bound.commit !== now.candidate.commit) return "The candidate is another commit than the approved one.";
  if (bound.tree !== now.candidate.tree) return "The candidate holds other files than the approved one.";
  if (bound.base !== now.candidate.base) return "The candidate is built on another base than the approved one.";
  if (bound.diffHash !== now.candidate.diffHash) return "The diff is not the one that was approved.";
  if (approval.policyHash !== now.policyHash) return "The rules of approval changed since it was asked for.";
  if (approval.environment !== now.environment) {
    return `The approval is for ${approval.environment}, not for ${now.environment}.`;
  }
  // Written so that an invalid date counts as expired.
  if (!(now.at.getTime() < approval.expiresAt.getTime())) return "The approval expired.";
  return undefined;
}

/** The table of spec.md §9; a level that is none of the three watches only. */
function byTable(
  { severity, diagnosisRequiresPerson }: ApprovalFacts,
  { autonomyLevel }: Settings,
): string | undefined {
  const grave = severity === "P0" || severity === "P1";
  switch (autonomyLevel) {
    case 3:
      if (severity === "P0" && diagnosisRequiresPerson) {
        return "Autonomy level 3: a P0 waits for a person because the diagnosis recommends one.";
      }
      return undefined;
    case 2:
      return grave ? `Autonomy level 2: a person approves P0 and P1, and this is ${severity}.` : undefined;
    default:
      return "Autonomy level 1: a person approves every fix.";
  }
}

function byConfidence({ confidence }: ApprovalFacts, { approval }: Settings): string | undefined {
  if (!(confidence >= 0 && confidence <= 100)) return `The confidence is not a percentage: ${confidence}.`;
  if (confidence >= approval.confidencePctMin) return undefined;
  return `The confidence is ${confidence} % (limit ${approval.confidencePctMin} %).`;
}

function byEstimate({ estimatedMinutes }: ApprovalFacts, { approval }: Settings): string | undefined {
  if (!(estimatedMinutes >= 0 && estimatedMinutes < Number.POSITIVE_INFINITY)) {
    return `The estimate is not a number of minutes: ${estimatedMinutes}.`;
  }
  if (estimatedMinutes <= approval.estimateMinutesMax) return undefined;
  return `The estimate is ${estimatedMinutes} minutes (limit ${approval.estimateMinutesMax}).`;
}

function naming(items: string[], max: number): string {
  const rest = items.length - max;
  return items.slice(0, max).join(", ") + (rest > 0 ? ` and ${rest} more` : "");
}
