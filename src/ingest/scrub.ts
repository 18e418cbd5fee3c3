import { ScrubKind } from "#domain/privacy.ts";
import { cutMark } from "#domain/text.ts";
import { withoutEncoded } from "./encoded.ts";
import { type KnownSecrets, knownSecrets } from "./known-secrets.ts";
import { personalData } from "./personal-data.ts";
import { secretRules, withoutLiterals } from "./secrets.ts";
import { isSensitiveName } from "./sensitive-names.ts";
import { withoutPrivateKeys } from "./vendor-tokens.ts";

export { isSensitiveName } from "./sensitive-names.ts";

/** What stands in the place of a secret. */
export const filtered = "[Filtered]";

/** Removes secrets and personal data from texts (design.md §7, detection.md §2.3). Scrubbing twice changes nothing more. */
export interface Scrubber {
  /** What people or programs wrote: messages, stacks, addresses, tags. */
  text(text: string): string;
  /** A named value: a sensitive name hides it whole. */
  value(name: string, value: string): string;
  /**
   * Source code, diffs, and texts that hold them: takes out what certainly is a secret, and leaves names, types,
   * versions and addresses as they are, because a changed line is no evidence any more.
   */
  code(text: string): string;
}

/** Longer text is cut before any rule runs over it, so that no input can hold the process up (reliability D13). */
const charactersMax = 65_536;
/** Dropped at a cut: it may hold the first half of a secret that no rule recognises. */
const doubtfulCharacters = 1_000;

/**
 * `secrets` are the configured values: found in every encoding, whatever `kinds` says. Then come the kinds that are
 * switched on: typed secrets (keys, tokens, passwords in addresses and assignments) and personal data.
 */
export function createScrubber(secrets: readonly string[], kinds: readonly ScrubKind[] = ScrubKind.options): Scrubber {
  const known = knownSecrets(secrets);
  const typed = secretRules.filter(({ kind }) => kinds.includes(kind));
  const personal = personalData.filter(({ kind }) => kinds.includes(kind));
  const withoutTyped = (text: string) => typed.reduce((rest, rule) => rule.apply(rest, filtered), text);
  const withoutPersonal = (text: string) => personal.reduce((rest, rule) => rule.apply(rest), text);
  const holdsSecret = (decoded: string) => withoutPersonal(withoutTyped(decoded)) !== decoded;
  function text(given: string): string {
    return bounded(given, known, (part) => withoutPersonal(withoutTyped(withoutEncoded(part, filtered, holdsSecret))));
  }
  const surely = secretRules.filter(({ kind }) => inCode.has(kind));
  return {
    text,
    value: (name, value) => (kinds.includes("assignments") && isSensitiveName(name) ? filtered : text(value)),
    // Known values and private keys go over several lines, and are therefore looked for before the text is divided.
    code: (given) =>
      inPieces(withoutPrivateKeys(known.without(given, filtered), filtered, true), (piece) =>
        withoutLiterals(
          surely.reduce((rest, rule) => rule.apply(rest, filtered), piece),
          filtered,
        ),
      ),
  };
}

/** What cannot be anything else, wherever it stands. */
const inCode = new Set<ScrubKind>(["tokens", "url_credentials"]);

function bounded(given: string, known: KnownSecrets, rules: (text: string) => string): string {
  const isLong = given.length > charactersMax;
  const isCut = !isLong && given.endsWith(cutMark);
  const text = isLong ? given.slice(0, charactersMax) : isCut ? given.slice(0, -cutMark.length) : given;
  const scrubbed = rules(known.without(text, filtered));
  if (isLong) return scrubbed.slice(0, -doubtfulCharacters);
  if (!isCut) return scrubbed;
  // The word at the cut may be the first half of a secret.
  return known.withoutBeginning(scrubbed, filtered).replace(/[^\s[\]]{1,1000}$/, "") + cutMark;
}

/** Files may be longer than any message, and must not be cut: they are scrubbed piece by piece, broken at line ends. */
function inPieces(given: string, scrub: (piece: string) => string): string {
  if (given.length <= charactersMax) return scrub(given);
  let scrubbed = "";
  for (let from = 0; from < given.length; ) {
    const until = from + charactersMax;
    const lineEnd = given.lastIndexOf("\n", until);
    const end = until >= given.length ? given.length : lineEnd > from ? lineEnd + 1 : until;
    scrubbed += scrub(given.slice(from, end));
    from = end;
  }
  return scrubbed;
}
