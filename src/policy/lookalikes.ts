/** Letters of other scripts that a reader takes for Latin ones; enough for paths and identifiers, no complete list. */
const latinLookalikes: Record<string, string> = {
  ...pairs("абвгдеѕіјкӏмнорстухһԁԛԝѵ", "a6brdesijkimhopctyxhdqwv"),
  ...pairs("АВСЕНІЈКМОРЅТХУԌԚԜ", "ABCEHIJKMOPSTXYGQW"),
  ...pairs("αβγεικνορτυχ", "abyeikvoptux"),
  ...pairs("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "ABEZHIKMNOPTYX"),
  ...pairs("ıɡɑǀⅼօոսհցյ․⁄∕‐‑‒–−", "igalonuhgj.//-----"),
};

/** The Latin letters that `text` shows to a reader: compatibility forms, accents and look-alikes are resolved, invisible signs dropped. */
export function latinSkeleton(text: string): string {
  const plain = text.normalize("NFKD").replace(/[\p{M}\p{Cf}]/gu, "");
  return [...plain].map((letter) => latinLookalikes[letter] ?? letter).join("");
}

/** Whether an identifier mixes Latin letters with those of a look-alike script, or is written with look-alikes alone. */
export function isDisguised(identifier: string): boolean {
  if (!/[^\x20-\x7e]/.test(identifier)) return false;
  const foreign = /[\p{Script=Cyrillic}\p{Script=Greek}\p{Script=Armenian}]/u.test(identifier);
  if (foreign && /\p{Script=Latin}/u.test(identifier)) return true;
  if (identifier.normalize("NFKC") !== identifier) return true;
  return foreign && [...identifier].every((letter) => letter < "\x7f" || latinLookalikes[letter] !== undefined);
}

function pairs(from: string, to: string): Record<string, string> {
  const letters = [...to];
  return Object.fromEntries([...from].map((letter, place) => [letter, letters[place] ?? letter]));
}
