import { createHash } from "node:crypto";
import { createServerClient } from "@supabase/ssr";
import { type AuthError, isAuthApiError, isAuthSessionMissingError, type User } from "@supabase/supabase-js";
import { z } from "zod";
import { Failure } from "#domain/failure.ts";
import type { Account, Cookie, CookieToSet, Operators, Visit } from "#ports/operators.ts";
import { cookieName, ours, type Tokens, tokensOf } from "./cookies.ts";
import { refusalOf } from "./refusals.ts";

export interface SupabaseOptions {
  url: string;
  anonKey: string;
  /** Vigil's own address: what cookies may do depends on whether it is https. */
  appUrl: string;
  /** Who may come in: addresses, and `@domain` for all of one. Empty: every account with a role. */
  emails: readonly string[];
  ways: Operators["ways"];
  now(): Date;
  /** Supabase gets this long to answer, repetitions included. */
  answerWithinMs?: number;
  fetch?: typeof globalThis.fetch;
}

/** A role that was taken away, a ban and a sign-out elsewhere count after this long at the latest, and before any change at once. */
const believedMs = 30_000;
const believedMax = 500;
/** Tokens are renewed this long before they expire: clocks may differ by five minutes. Short-lived ones at half their time. */
const renewBeforeSeconds = 6 * 60;
/** Several requests of one page bring the same old tokens; within this time they get the same new ones. */
const sharedMs = 8_000;
/** What Supabase Auth says about a sign-in that is over, however it ended. */
const endings = new Set([
  ...["bad_jwt", "no_authorization", "session_not_found", "session_expired", "user_not_found", "user_banned"],
  ...["refresh_token_not_found", "refresh_token_already_used"],
]);
const Role = z.enum(["viewer", "operator"]);
const Claims = z.object({ session_id: z.uuid() });

/** Supabase Auth, asked by the server alone: the browser holds cookies that no script can read, and no key. */
export function createSupabaseOperators(options: SupabaseOptions): Operators {
  const { url, anonKey, appUrl, fetch = globalThis.fetch, now, answerWithinMs = 5_000 } = options;
  const isSecure = appUrl.startsWith("https:");
  const name = cookieName(isSecure);
  const believed = new Map<string, { account: Promise<Account | undefined>; untilMs: number }>();
  const renewing = new Map<string, { visit: Promise<Visit<boolean>>; untilMs: number }>();

  /** One client for one visit, as its makers demand. Nothing of it goes on after its time, repetitions included. */
  function clientFor(cookies: Cookie[]) {
    const signal = AbortSignal.timeout(answerWithinMs);
    const set = new Map<string, CookieToSet>();
    const client = createServerClient(url, anonKey, {
      cookies: {
        encode: "tokens-only",
        getAll: () => cookies,
        setAll: (changed) => {
          for (const cookie of changed)
            set.set(cookie.name, ours(cookie.name, cookie.value, cookie.options.maxAge === 0 || cookie.value === ""));
        },
      },
      cookieOptions: { name, path: "/" },
      global: { fetch: (input, init) => fetch(input, { ...init, signal }) },
    });
    return { auth: client.auth, changed: () => [...set.values()], signal };
  }

  function accountOf(user: User, accessToken: string): Account {
    const email = user.email?.toLowerCase() ?? "";
    if (email === "" || user.is_anonymous === true || (user.email_confirmed_at ?? "") === "")
      throw notWelcome("This account has no confirmed e-mail address.");
    const listed = isListed(email, options.emails);
    if (options.emails.length > 0 && listed === "no") throw notWelcome("This account is not on the list of operators.");
    // What a person may write himself (user_metadata) gives no rights.
    const role = Role.safeParse(user.app_metadata.role);
    if (!role.success && listed !== "by address") throw notWelcome("This account has no role here.");
    const { session_id } = Claims.parse(payloadOf(accessToken));
    return { session: session_id, email, role: role.success ? role.data : "operator" };
  }

  /** The keeper of the accounts is asked; `undefined`: it does not know these tokens, or no longer. */
  async function ask(accessToken: string): Promise<Account | undefined> {
    const { auth } = clientFor([]);
    const { data, error } = await auth.getUser(accessToken);
    if (error === null) return accountOf(data.user, accessToken);
    if (isAuthSessionMissingError(error) || endings.has(error.code ?? "")) return undefined;
    throw refusalOf(error);
  }

  async function whoIs(cookies: Cookie[], { fresh }: { fresh: boolean }): Promise<Account | undefined> {
    const tokens = await tokensOf(name, cookies);
    if (tokens === undefined) return undefined;
    const key = createHash("sha256").update(tokens.access_token).digest("base64url");
    const known = believed.get(key);
    if (!fresh && known !== undefined && known.untilMs > performance.now()) return known.account;
    believed.delete(key);
    for (const oldest of believed.keys()) if (believed.size >= believedMax) believed.delete(oldest);
    // Several parts of one page ask at the same moment.
    const account = ask(tokens.access_token).catch((error: unknown) => {
      if (error instanceof Failure && error.code === "forbidden") return undefined;
      believed.delete(key);
      throw error;
    });
    believed.set(key, { account, untilMs: performance.now() + believedMs });
    return account;
  }

  function forgotten(cookies: Cookie[]): CookieToSet[] {
    return cookies.filter((cookie) => cookie.name.startsWith(name)).map((cookie) => ours(cookie.name, "", true));
  }

  function isDue({ expires_at, expires_in }: Tokens): boolean {
    return expires_at - now().getTime() / 1_000 < Math.min(renewBeforeSeconds, expires_in / 2);
  }

  /** A failure leaves the cookies as they are; a refusal removes them. */
  async function renew(cookies: Cookie[], { refresh_token }: Tokens): Promise<Visit<boolean>> {
    // Shown the old tokens as well, the client would renew them twice.
    const { auth, changed, signal } = clientFor([]);
    // The client repeats for half a minute; nobody waits that long for a page.
    const late = new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
    const outcome = await Promise.race([auth.refreshSession({ refresh_token }), late]);
    const error = outcome?.error ?? null;
    const isOver = isAuthApiError(error) && endings.has(error.code ?? "");
    const renewed = new Set(changed().map((cookie) => cookie.name));
    if (!isOver && renewed.size === 0) return { answer: false, cookies: [] };
    const stale = cookies.filter((cookie) => !renewed.has(cookie.name) && !cookie.name.includes("code-verifier"));
    return { answer: true, cookies: [...changed(), ...forgotten(stale)] };
  }

  /** Whoever may not come in is signed out again at once: no tokens are left lying about. */
  async function admit(client: ReturnType<typeof clientFor>, outcome: SignedIn): Promise<Visit<Account>> {
    if (outcome.error !== null) throw refusalOf(outcome.error);
    const { user, session } = outcome.data;
    if (user === null || session === null) throw new Failure("unavailable", "Supabase Auth answered nothing usable.");
    try {
      return { answer: accountOf(user, session.access_token), cookies: client.changed() };
    } catch (error) {
      await client.auth.signOut({ scope: "local" });
      throw error;
    }
  }

  return {
    ways: options.ways,
    whoIs,
    refresh: async (cookies) => {
      const tokens = await tokensOf(name, cookies);
      if (tokens === undefined || !isDue(tokens)) return { answer: false, cookies: [] };
      for (const [token, { untilMs }] of renewing) if (untilMs <= performance.now()) renewing.delete(token);
      const known = renewing.get(tokens.refresh_token)?.visit ?? renew(cookies, tokens);
      renewing.set(tokens.refresh_token, { visit: known, untilMs: performance.now() + sharedMs });
      return known;
    },
    enter: async (cookies, credentials) => {
      const client = clientFor(cookies);
      return admit(client, await client.auth.signInWithPassword(credentials));
    },
    sendLink: async (cookies, { email, backTo }) => {
      const { auth, changed } = clientFor(cookies);
      const { error } = await auth.signInWithOtp({
        email,
        options: { shouldCreateUser: false, emailRedirectTo: backTo },
      });
      // It says so when there is no such account. Nobody else has to know.
      if (error !== null && error.code !== "otp_disabled" && error.code !== "user_not_found") throw refusalOf(error);
      return { answer: undefined, cookies: changed() };
    },
    startWith: async (cookies, { provider, backTo }) => {
      const { auth, changed } = clientFor(cookies);
      const { data, error } = await auth.signInWithOAuth({
        // Which names there are is Supabase's business.
        provider: provider as "github",
        options: { redirectTo: backTo, skipBrowserRedirect: true },
      });
      if (error !== null) throw refusalOf(error);
      const target = new URL(data.url);
      // It would answer with the address instead of going there.
      target.searchParams.delete("skip_http_redirect");
      return { answer: target.href, cookies: changed() };
    },
    finish: async (cookies, code) => {
      const client = clientFor(cookies);
      const visit = await admit(client, await client.auth.exchangeCodeForSession(code));
      // What was kept of sign-ins that were begun is of no use any more.
      const begun = cookies.filter((cookie) => cookie.name.includes("code-verifier"));
      return { ...visit, cookies: [...visit.cookies, ...forgotten(begun)] };
    },
    leave: async (cookies) => {
      const tokens = await tokensOf(name, cookies);
      if (tokens !== undefined) await clientFor([]).auth.admin.signOut(tokens.access_token, "local");
      return { answer: undefined, cookies: forgotten(cookies) };
    },
  };
}

type SignedIn =
  | { data: { user: User | null; session: { access_token: string } | null }; error: null }
  | { data: unknown; error: AuthError };

function isListed(email: string, list: readonly string[]): "by address" | "by domain" | "no" {
  if (list.includes(email)) return "by address";
  return list.includes(email.slice(email.lastIndexOf("@"))) ? "by domain" : "no";
}

function notWelcome(message: string): Failure {
  return new Failure("forbidden", message, {
    hint: "Whoever runs Vigil gives roles (docs/supabase.md).",
  });
}

/** Read only after the keeper has confirmed the token. */
function payloadOf(accessToken: string): unknown {
  return JSON.parse(Buffer.from(accessToken.split(".")[1] ?? "", "base64url").toString("utf8"));
}
