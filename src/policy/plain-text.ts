import { cleanLine, cleanText, cut, showHidden } from "#domain/text.ts";

const subjectCharactersMax = 100;
const bodyCharactersMax = 4_000;

/** Words in brackets by which continuous integration and hosts leave a commit out: it would never be tested. */
const skipping = /\[(?=[^\]\n]{0,60}\b(?:skip|ci|no[-_ ]?ci|deploy)\b)([^\]\n]{0,60})\]/gi;
/** What a program would read as a fact about the commit: who else wrote it, what it takes back, whose it is. */
const trailer = /^([ \t>]*)([A-Za-z]+(?:-[A-Za-z]+)+|reverts?|fix(?:es|ed)?|close[sd]?|resolve[sd]?)[ \t]*:(?=\s|$)/gim;

/**
 * Words from outside (an error, a model, a person) as they may stand where GitHub and Git read more than text: titles and commit
 * messages. They mention nobody, refer to and close nothing, skip no tests, claim no authors and hide nothing (reliability D27).
 */
export function plainText(text: string): string {
  return showHidden(cleanText(text))
    .replace(/:\/\//g, ": //")
    .replace(/@(?=\w)/g, "(at) ")
    .replace(/(^|[^\w])#(?=\d)/g, "$1no. ")
    .replace(/#(?=\d)/g, " no. ")
    .replace(/\bGH-(?=\d)/gi, "GH ")
    .replace(/\*{3}NO_CI\*{3}/gi, "NO_CI")
    .replace(skipping, "($1)")
    .replace(trailer, "$1($2)")
    .replace(/<!--/g, "(!--");
}

/** The same on one line. */
export function plainLine(text: string): string {
  return plainText(cleanLine(text));
}

/** A commit's message: what it is about, why (both from outside), and our own facts as trailers at its end. */
export function commitMessage(words: { subject: string; body: string; facts: Record<string, string> }): string {
  const subject = cut(plainLine(words.subject), subjectCharactersMax);
  const body = plainText(cut(words.body, bodyCharactersMax)).trim();
  const facts = Object.entries(words.facts).map(([name, value]) => `${name}: ${value}`);
  return `${[subject, body, facts.join("\n")].filter((part) => part !== "").join("\n\n")}\n`;
}
