import { cleanText, cut, showHidden } from "#domain/text.ts";
import { plainLine } from "./plain-text.ts";

/** What a pull request says about a fix. Everything in it but our own words came from outside. */
export interface ProposalFacts {
  issueTitle: string;
  severity: string;
  /** The exception's text, or what a person wrote. */
  message: string;
  rootCause: string;
  fixStrategy: string;
  confidence: number;
  engineer: string;
  files: string[];
  /** What tests and staging showed, one sentence each. */
  evidence: string[];
  /** Why a person decides; empty: nobody has to. */
  reasons: string[];
}

const titleCharactersMax = 160;
const textCharactersMax = 4_000;
const filesMax = 50;

/**
 * Title and text of a pull request. Whatever came from outside stands in code blocks: there GitHub shows it as it is and
 * makes no mention, no reference, no link and no picture of it (reliability D27).
 */
export function proposalText(facts: ProposalFacts): { title: string; body: string } {
  const files = facts.files.slice(0, filesMax);
  const more = facts.files.length - files.length;
  const sections = [
    "Vigil found a problem in production and wrote this fix. Review it like any other change.",
    "## The problem",
    block([facts.issueTitle, facts.message].join("\n\n")),
    `Severity ${facts.severity}.`,
    "## The diagnosis",
    `Written by a program (${facts.confidence} % confident); it may be wrong.`,
    block(`Root cause: ${facts.rootCause}\n\nFix: ${facts.fixStrategy}\n\nBy: ${facts.engineer}`),
    "## The evidence",
    block(facts.evidence.join("\n")),
    "## Changed files",
    block([...files, ...(more > 0 ? [`and ${more} more`] : [])].join("\n")),
    ...(facts.reasons.length === 0 ? [] : ["## Why a person decides", block(facts.reasons.join("\n"))]),
  ];
  return { title: proposalTitle(facts.issueTitle), body: sections.join("\n\n") };
}

/** The same for taking a fix back. */
export function revertText(facts: { issueTitle: string; because: string }): { title: string; body: string } {
  const body = [
    "This fix made production worse. main is protected, so a person has to merge its removal.",
    block(facts.because),
  ];
  return { title: proposalTitle(facts.issueTitle).replace(/^Fix: /, "Revert the fix: "), body: body.join("\n\n") };
}

const endings = {
  failed: "This fix is not pursued any further:",
  rejected: "This fix was rejected:",
  rolled_back: "This fix was taken back:",
  dismissed: "The problem that this fix is for was dismissed:",
  resolved: "This fix is in production already:",
};

/** Why the agent closes a pull request of its own. */
export function withdrawalText(ended: {
  outcome: keyof typeof endings;
  because: string;
  isSuperseded: boolean;
}): string {
  const sentence = ended.isSuperseded ? "Another attempt takes the place of this fix:" : endings[ended.outcome];
  return [sentence, block(ended.because), "The branch is removed as well; it can be restored here."].join("\n\n");
}

/** A title ends up in commit messages: it must neither mention people nor close issues. */
export function proposalTitle(issueTitle: string): string {
  return cut(`Fix: ${plainLine(issueTitle)}`, titleCharactersMax);
}

/** A code block whose fence is longer than any in it. */
function block(text: string): string {
  const plain = showHidden(cleanText(cut(text, textCharactersMax)));
  const longest = Math.max(2, ...(plain.match(/`+/g) ?? []).map((run) => run.length));
  const fence = "`".repeat(longest + 1);
  return `${fence}text\n${plain}\n${fence}`;
}
