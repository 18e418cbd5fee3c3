/** Names under which secrets are kept. */

const sensitiveWords = new Set(
  "password passwd passphrase pwd secret secrets token cookie cookies session sid sessid csrf xsrf credential credentials auth authorization authentication otp totp pin cvv cvc apikey jwt bearer signature ssn iban".split(
    " ",
  ),
);
const sensitivePairs = new Set(
  "api key,private key,access key,secret key,encryption key,signing key,account key,session id,connection string,database url,card number".split(
    ",",
  ),
);
/** A number about tokens, or a name for one, is no token. */
const harmlessAfter = new Set(
  "count counts limit limits type usage budget length name expiry expired expires valid id_hash policy strategy provider scheme required enabled duration ttl age".split(
    " ",
  ),
);
/** `max_tokens` is one word too many; these are words of their own that only look sensitive. */
const harmlessBefore = new Set("max min total num number prompt completion input output cached".split(" "));

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
    return sensitiveWords.has(word) && !harmlessAfter.has(next) && !harmlessBefore.has(words[index - 1] ?? "");
  });
}
