/** An account that may come in, as whoever keeps the accounts vouches for it at this moment. */
export interface Account {
  /** Stays the same as long as this sign-in lasts, and is known to nobody but its holder: pages prove with it that they are ours. */
  session: string;
  /** An address that was proven to belong to this person. */
  email: string;
  role: "viewer" | "operator";
}

export interface Cookie {
  name: string;
  value: string;
}

/** A cookie that the answer must set; the browser forgets one with `maxAgeSeconds: 0`. */
export interface CookieToSet extends Cookie {
  maxAgeSeconds: number;
  /** `lax`: comes along when another site leads the browser here. */
  sameSite: "strict" | "lax";
}

/** What was answered, and the cookies that have to go with it. */
export interface Visit<Answer> {
  answer: Answer;
  cookies: CookieToSet[];
}

/** A way in besides address and password. */
export type Provider = string;

/**
 * Where somebody else keeps the operators' accounts. Nothing in a cookie is trusted before the keeper of the accounts has
 * confirmed it. Refusals are `unauthorized` (wrong or expired), `forbidden` (known, but no operator here), `rate_limited` and
 * `unavailable` (nobody could say).
 */
export interface Operators {
  /** How people may sign in, in the order in which to offer it. */
  readonly ways: readonly ("password" | "link" | Provider)[];
  /** Who these cookies belong to. `fresh` asks the keeper now; without it an answer may be half a minute old. */
  whoIs(cookies: Cookie[], options: { fresh: boolean }): Promise<Account | undefined>;
  /** New tokens where the old ones are about to expire. The answer is whether cookies changed. */
  refresh(cookies: Cookie[]): Promise<Visit<boolean>>;
  enter(cookies: Cookie[], credentials: { email: string; password: string }): Promise<Visit<Account>>;
  /** Sends a link that leads to `backTo`. Whether there is such an account is not told. */
  sendLink(cookies: Cookie[], request: { email: string; backTo: string }): Promise<Visit<void>>;
  /** Where the browser has to go; from there it comes to `backTo`. */
  startWith(cookies: Cookie[], request: { provider: Provider; backTo: string }): Promise<Visit<string>>;
  /** Ends a sign-in that came back with a code. Only the browser that began it can. */
  finish(cookies: Cookie[], code: string): Promise<Visit<Account>>;
  /** Ends this sign-in, there as well. */
  leave(cookies: Cookie[]): Promise<Visit<void>>;
}
