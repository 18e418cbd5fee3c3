import { steps } from "../code/likeness.ts";

/** Says whether a word is spelt right, and what was meant where that is plain. */
export interface Dictionary {
  knows(word: string): boolean;
  /** `listed`: a well-known slip with one known cure. `near`: no other word comes close. */
  cure(word: string): { word: string; certainty: "listed" | "near" } | undefined;
}

/** Spelling in American and British English, and the words of software, companies and tools. */
const dictionaries = ["en_us", "en-gb", "en-common-misspellings", "en-gb-common-misspellings"];
const suggestionsMax = 6;
const changesMax = 3;
/** An unlisted slip is corrected only where the second best word is clearly further away. */
const lead = 1.6;
const unlistedLettersMin = 6;
const searchedMax = 5_000;

/**
 * The bundled dictionaries of the spell checker. Nothing is fetched and no configuration is looked for: a target's own
 * settings would be code of the target.
 */
export async function loadDictionary(): Promise<Dictionary> {
  const checker = await import("cspell-lib");
  const bundled = await checker.getDefaultBundledSettingsAsync();
  const chosen = checker.mergeSettings(bundled, { language: "en,en-GB", dictionaries });
  const settings = checker.finalizeSettings(checker.constructSettingsForText(chosen, "", "typescript"));
  const words = await checker.getDictionary(settings);
  const knows = (word: string) => words.has(word) || words.has(word.toLowerCase());
  const near = (plain: string): string | undefined => {
    const options = { numSuggestions: suggestionsMax, numChanges: changesMax, includeTies: true };
    const [best, second] = words
      .suggest(plain, options)
      .filter((one) => /^[a-z]+$/.test(one.word) && one.cost > 0)
      .sort((one, other) => one.cost - other.cost);
    if (best === undefined || best.word.charAt(0) !== plain.charAt(0) || steps(plain, best.word) > 1) return undefined;
    const isClear = second === undefined || second.cost >= best.cost * lead || second.word.startsWith(best.word);
    return isClear ? best.word : undefined;
  };
  // One search takes a twentieth of a second, and names come again and again.
  const searched = new Map<string, string | undefined>();
  return {
    knows,
    cure(word) {
      const plain = word.toLowerCase();
      const listed = (words.getPreferredSuggestions?.(plain) ?? []).map((one) => one.word);
      const [only] = listed;
      if (only !== undefined) return listed.length === 1 ? { word: only, certainty: "listed" } : undefined;
      if (plain.length < unlistedLettersMin) return undefined;
      if (searched.size >= searchedMax) searched.clear();
      if (!searched.has(plain)) searched.set(plain, near(plain));
      const found = searched.get(plain);
      return found === undefined ? undefined : { word: found, certainty: "near" };
    },
  };
}

/** `word` in the letters of `like`: `Available` for `Avaliable`, `AVAILABLE` for `AVALIABLE`. */
export function caseLike(word: string, like: string): string {
  if (like.length > 1 && like === like.toUpperCase()) return word.toUpperCase();
  return /^\p{Lu}/u.test(like) ? word.charAt(0).toUpperCase() + word.slice(1) : word;
}
