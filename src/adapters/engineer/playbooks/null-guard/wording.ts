/** The answers that a guard may give: nothing found, something not sent, nobody signed in. */
export type WantedStatus = 400 | 401 | 404;

const statusNames: Record<number, string> = {
  400: "BAD_REQUEST",
  401: "UNAUTHORIZED",
  403: "FORBIDDEN",
  404: "NOT_FOUND",
  409: "CONFLICT",
  410: "GONE",
  422: "UNPROCESSABLE_ENTITY",
  500: "INTERNAL_SERVER_ERROR",
};

/** The number of a status that is written as a name: `NOT_FOUND`, `NotFoundException`, `notFound`, `not_found`. */
export function statusOfName(name: string): number | undefined {
  const plain = name
    .replace(/^(?:http)?/i, "")
    .replace(/(?:Http)?(?:Error|Exception|Response)$/, "")
    .replace(/[_\- ]/g, "")
    .toLowerCase();
  const found = Object.entries(statusNames).find(([, known]) => known.replaceAll("_", "").toLowerCase() === plain);
  return found === undefined ? undefined : Number(found[0]);
}

/** `NOT_FOUND` for 404, in the letters that `like` is written with. */
export function nameOfStatus(status: WantedStatus, like: string): string {
  const name = statusNames[status] ?? "";
  if (like === like.toUpperCase()) return name;
  if (like.includes("_")) return name.toLowerCase();
  if (like.includes("-")) return name.toLowerCase().replaceAll("_", "-");
  const words = name.toLowerCase().split("_");
  const joined = words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join(like.includes(" ") ? " " : "");
  return /^[a-z]/.test(like) ? joined.charAt(0).toLowerCase() + joined.slice(1) : joined;
}

/** The sentence for a missing `noun`, worded like the nearest example that says the same of something else. */
export function messageFor(status: WantedStatus, noun: string, examples: string[]): string {
  for (const example of examples) {
    const like =
      status === 401 ? likeSignIn(example) : status === 404 ? likeNotFound(example, noun) : likeMissing(example, noun);
    if (like !== undefined) return like;
  }
  const stop =
    examples.length > 0 && examples.filter((text) => text.endsWith(".")).length * 2 > examples.length ? "." : "";
  if (status === 401) return `Unauthorized${stop}`;
  if (noun === "") return `${status === 404 ? "Not found" : "Bad request"}${stop}`;
  return `${capital(noun)} ${status === 404 ? "not found" : "is required"}${stop}`;
}

function likeNotFound(example: string, noun: string): string | undefined {
  if (/^not found[.!]?$/i.test(example)) return noun === "" ? example : undefined;
  if (noun === "") return undefined;
  const after =
    /^(the |this |that |requested )?([\w ]{1,40}?) ((?:was |could |is |were )?(?:not (?:be )?found|not exist|unknown)|does(?: not|n't) exist|not found)([.!]?)$/i.exec(
      example,
    );
  if (after !== null) {
    const [, article = "", old = "", tail = "", stop = ""] = after;
    const name = article === "" ? caseLike(noun, old) : noun;
    return `${article}${name} ${tail}${stop}`;
  }
  const before =
    /^((?:could not|couldn't|cannot|can't|unable to) find|no such|unknown)( (?:the|a|an))? ([\w ]{1,40}?)([.!]?)$/i.exec(
      example,
    );
  if (before === null) return undefined;
  const [, lead = "", article = "", , stop = ""] = before;
  return `${lead}${/^ an?$/.test(article) ? (/^[aeiou]/.test(noun) ? " an" : " a") : article} ${noun}${stop}`;
}

function likeMissing(example: string, noun: string): string | undefined {
  if (noun === "") return undefined;
  const after =
    /^([\w ]{1,40}?) (is required|is missing|required|missing|must be provided|must be given)([.!]?)$/i.exec(example);
  if (after !== null) return `${caseLike(noun, after[1] ?? "")} ${after[2]}${after[3]}`;
  const before = /^(missing(?: required)?)( field| parameter| param)? [`'"]?[\w ]{1,40}?[`'"]?([.!]?)$/i.exec(example);
  return before === null ? undefined : `${before[1]}${before[2] ?? ""} ${noun}${before[3]}`;
}

function likeSignIn(example: string): string | undefined {
  return /^(unauthori[sz]ed|not authenticated|unauthenticated|authentication required|not signed in|not logged in|please (?:sign|log) in)[.!]?$/i.test(
    example,
  )
    ? example
    : undefined;
}

/** A code such as `patient_not_found`, made to speak of `noun`; `undefined` when it speaks of something that cannot be told. */
export function codeFor(code: string, noun: string): string | undefined {
  const found = /^(.*?)([_-])?(not[_-]?found|missing|required)$/i.exec(code);
  if (found === null) return undefined;
  const [, old = "", sign = "", tail = ""] = found;
  if (old === "" || noun === "") return old === "" ? code : `${tail}`;
  const isUpper = code === code.toUpperCase();
  const joined = noun.split(" ").join(sign === "" ? "_" : sign);
  return `${isUpper ? joined.toUpperCase() : joined}${sign}${tail}`;
}

function caseLike(noun: string, like: string): string {
  return /^[A-Z]/.test(like) ? capital(noun) : noun;
}

export function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
