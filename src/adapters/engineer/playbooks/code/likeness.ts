/** Names longer than this are no slip of anyone's fingers. */
const nameCharactersMax = 60;
/** Up to this length a single other letter makes another word (`get` and `set`, `min` and `max`). */
const shortWord = 3;
const twoSlipsLettersMin = 7;

/** Words that are near each other in letters and mean different things. */
const different = new Set([
  "angel angle",
  "casual causal",
  "child children",
  "code mode",
  "code node",
  "contact contract",
  "dairy diary",
  "data date",
  "decode encode",
  "decrement increment",
  "decrypt encrypt",
  "exclude include",
  "export import",
  "field filed",
  "form from",
  "has hash",
  "inner outer",
  "invalid valid",
  "line link",
  "lower upper",
  "mode node",
  "model module",
  "next text",
  "quiet quite",
  "resource source",
  "start state",
  "state stats",
  "test text",
  "trail trial",
  "width with",
]);

/** How one name can be the other with a slip: fewer `steps` are plainer; letters in the wrong case count half a step. */
export interface Slip {
  name: string;
  steps: number;
  /** A plural, or another form of the same word: as likely as not it is another thing that was meant. */
  isOtherForm: boolean;
}

/** `name` as what `wrong` was meant to be; `undefined` when the two are different names. */
export function slipOf(wrong: string, name: string): Slip | undefined {
  if (wrong === name || Math.max(wrong.length, name.length) > nameCharactersMax) return undefined;
  if (wrong.toLowerCase() === name.toLowerCase()) {
    // `User` and `user` are a class and its object.
    const isOnlyFirst = wrong.slice(1) === name.slice(1);
    return isOnlyFirst ? undefined : { name, steps: 0.5, isOtherForm: false };
  }
  if (Math.abs(wrong.length - name.length) > 2 || digits(wrong) !== digits(name)) return undefined;
  // `_path` stands beside `path` on purpose.
  if (/^[_$]*/.exec(wrong)?.[0] !== /^[_$]*/.exec(name)?.[0]) return undefined;
  const count = steps(wrong.toLowerCase(), name.toLowerCase());
  const length = Math.min(wrong.length, name.length);
  if (count > (length >= twoSlipsLettersMin ? 2 : 1) || length < shortWord) return undefined;
  if (!sameWords(wrong, name)) return undefined;
  return { name, steps: count + (count === steps(wrong, name) ? 0 : 0.5), isOtherForm: hasOtherForm(wrong, name) };
}

/** The one name among `names` that `wrong` can be a slip of; `undefined` when there is none or more than one. */
export function onlySlip(wrong: string, names: Iterable<string>): Slip | undefined {
  const found: Slip[] = [];
  for (const name of new Set(names)) {
    const slip = slipOf(wrong, name);
    if (slip !== undefined) found.push(slip);
  }
  found.sort((one, other) => one.steps - other.steps);
  const [best, second] = found;
  if (best === undefined) return undefined;
  const isAlone = second === undefined || (best.steps <= 1 && second.steps >= best.steps + 1 && !best.isOtherForm);
  return isAlone ? best : undefined;
}

/** Word by word the same thing: no word more, none replaced by another short or opposite one. */
function sameWords(wrong: string, name: string): boolean {
  const [ones, others] = [wordsOf(wrong), wordsOf(name)];
  if (ones.length !== others.length) return isSplitAnew(wrong, name, ones, others);
  return ones.every((one, index) => {
    const other = others[index] ?? "";
    if (one === other) return true;
    if (different.has([one, other].toSorted().join(" "))) return false;
    const isSwapped = [...one].toSorted().join("") === [...other].toSorted().join("");
    if (isSwapped) return Math.min(one.length, other.length) >= shortWord;
    const [short, long] = one.length < other.length ? [one, other] : [other, one];
    if (long.length <= shortWord) return false;
    // A letter left out or doubled is a slip in any word; another letter only in a long one.
    if (isWithin(short, long)) return true;
    return short.length > shortWord + 1 && (one[0] === other[0] || short.length >= twoSlipsLettersMin);
  });
}

/** `user` and `users`, `handle` and `handler`, `create` and `created`. */
function hasOtherForm(wrong: string, name: string): boolean {
  const [ones, others] = [wordsOf(wrong), wordsOf(name)];
  return ones.some((one, index) => {
    const other = others[index] ?? "";
    const [short, long] = one.length < other.length ? [one, other] : [other, one];
    return long.startsWith(short) && /^(?:s|es|d|ed|r|er|n|y|or|al)$/.test(long.slice(short.length));
  });
}

/** The slip is in a capital letter or an underscore, so that the words part elsewhere. */
function isSplitAnew(wrong: string, name: string, ones: string[], others: string[]): boolean {
  const joined = [ones.join(""), others.join("")] as const;
  if (joined[0] === joined[1]) return true;
  const isWholeWord = ones.every((word) => others.includes(word)) || others.every((word) => ones.includes(word));
  return !isWholeWord && wrong.length >= twoSlipsLettersMin && name.length >= twoSlipsLettersMin;
}

function isWithin(short: string, long: string): boolean {
  let at = 0;
  for (const letter of long) if (letter === short[at]) at += 1;
  return at === short.length;
}

function wordsOf(name: string): string[] {
  return name
    .replace(/([a-z\d])([A-Z])/g, "$1 $2")
    .replace(/([A-Z])([A-Z][a-z])/g, "$1 $2")
    .split(/[ _$-]+/)
    .filter((word) => word !== "")
    .map((word) => word.toLowerCase());
}

function digits(name: string): string {
  return name.replace(/\D+/g, " ").trim();
}

/** How many letters must be put in, left out, changed or swapped with their neighbour to get from one word to the other. */
export function steps(one: string, other: string): number {
  const rows = Array.from({ length: one.length + 1 }, (_, row) =>
    Array.from({ length: other.length + 1 }, (_, column) => (row === 0 ? column : column === 0 ? row : 0)),
  );
  const at = (row: number, column: number) => rows[row]?.[column] ?? Number.POSITIVE_INFINITY;
  for (let row = 1; row <= one.length; row++) {
    for (let column = 1; column <= other.length; column++) {
      const same = one[row - 1] === other[column - 1] ? 0 : 1;
      let best = Math.min(at(row - 1, column) + 1, at(row, column - 1) + 1, at(row - 1, column - 1) + same);
      const swapped = row > 1 && column > 1 && one[row - 1] === other[column - 2] && one[row - 2] === other[column - 1];
      if (swapped) best = Math.min(best, at(row - 2, column - 2) + 1);
      const line = rows[row];
      if (line !== undefined) line[column] = best;
    }
  }
  return at(one.length, other.length);
}
