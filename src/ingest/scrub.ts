import { escapedForms, personalData, typedSecrets } from "./secrets.ts";

/** What stands in the place of a secret. */
export const filtered = "[Filtered]";

/** Removes secrets and personal data from texts (design.md §7, detection.md §2.3). */
export interface Scrubber {
  text(text: string): string;
  /** A named value: a sensitive name hides it whole. */
  value(name: string, value: string): string;
}

/** Longer text is cut before any rule runs over it, so that no input can hold the process up (reliability D13). */
const charactersMax = 65_536;
/** Dropped at a cut: it may hold the first half of a secret that no rule recognises. */
const doubtfulCharacters = 1_000;
/** A shorter "secret" would black out ordinary words. */
const secretCharactersMin = 8;

/**
 * `secrets` are the configured values: found as they are and in base64, hexadecimal, URL and JSON form. Then come typed
 * secrets (keys, tokens, passwords in addresses and assignments) and personal data.
 */
export function createScrubber(secrets: readonly string[]): Scrubber {
  const known = [...new Set(secrets.filter((secret) => secret.length >= secretCharactersMin).flatMap(escapedForms))]
    .filter((form) => form.length >= secretCharactersMin)
    // The longest first: what is part of another must not break it into pieces.
    .toSorted((a, b) => b.length - a.length);
  function text(given: string): string {
    let scrubbed = given.slice(0, charactersMax);
    for (const form of known) scrubbed = scrubbed.replaceAll(form, filtered);
    scrubbed = personalData(typedSecrets(scrubbed, filtered));
    return given.length > charactersMax ? scrubbed.slice(0, -doubtfulCharacters) : scrubbed;
  }
  return { text, value: (name, value) => (isSensitiveName(name) ? filtered : text(value)) };
}

const sensitiveWords = new Set(
  "password passwd passphrase pwd secret token cookie cookies session sid csrf xsrf credential credentials auth authorization authentication otp pin apikey jwt bearer signature".split(
    " ",
  ),
);
const sensitivePairs = new Set([
  "api key",
  "private key",
  "access key",
  "secret key",
  "encryption key",
  "signing key",
  "session id",
]);
/** A number about tokens, or a name for one, is no token. */
const harmlessAfterToken = new Set([
  "count",
  "counts",
  "limit",
  "type",
  "usage",
  "budget",
  "length",
  "name",
  "expiry",
  "expired",
  "valid",
]);

/** Whether a field of this name holds a secret: `apiKey`, `csrf_token`, `Set-Cookie`; not `max_tokens`, `author`, `primaryKey`. */
export function isSensitiveName(name: string): boolean {
  const words = name
    .slice(0, 200)
    .replace(/([a-z0-9])([A-Z])/g, "$1 $2")
    .toLowerCase()
    .split(/[^a-z0-9]{1,200}/)
    .filter((word) => word !== "");
  return words.some((word, index) => {
    const next = words[index + 1] ?? "";
    if (sensitivePairs.has(`${word} ${next}`)) return true;
    return sensitiveWords.has(word) && !harmlessAfterToken.has(next);
  });
}
