import { createHash } from "node:crypto";
import { z } from "zod";
import type { Account, Agent, CookieToSet, Operators } from "#agent.ts";
import { Failure } from "#domain/failure.ts";
import { type Http, thisProcess } from "./context.ts";
import { ownPath } from "./own-page.ts";
import { endpoint, type Handler } from "./respond.ts";
import { cookieHeader, cookiesOf, type Session } from "./session-cookie.ts";

const email = z.email().max(254);
const next = z.string().max(2_000).optional();

/** How the door's page asks: with a password, for a link by mail, or for the way to another provider. */
export const AccountSignIn = z.union([
  z.strictObject({ email, password: z.string().min(1).max(1_000) }),
  z.strictObject({ email, link: z.literal(true), next }),
  z.strictObject({ provider: z.string().regex(/^[a-z_]{2,30}$/), next }),
]);
type AccountSignIn = z.infer<typeof AccountSignIn>;

/** What the page does next: it is in, it waits for a mail, or it goes to another site. */
export type Entered = { session: { name: string; role: Session["role"] } } | { sent: true } | { goTo: string };

/** Opens the door of whoever keeps the accounts. */
export async function enterByAccount(
  agent: Agent,
  accounts: Operators,
  asked: AccountSignIn,
  request: Request,
): Promise<{ entered: Entered; cookies: string[] }> {
  const cookies = cookiesOf(request.headers.get("cookie"));
  const headers = (set: CookieToSet[]) => set.map((cookie) => cookieHeader(agent, cookie));
  if ("password" in asked) {
    requireWay(accounts, "password");
    const visit = await accounts.enter(cookies, asked);
    const { name, role } = sessionOfAccount(visit.answer);
    return { entered: { session: { name, role } }, cookies: headers(visit.cookies) };
  }
  const backTo = `${agent.appUrl}/sign-in/callback?next=${encodeURIComponent(ownPath(asked.next))}`;
  if ("link" in asked) {
    requireWay(accounts, "link");
    const visit = await accounts.sendLink(cookies, { email: asked.email, backTo });
    return { entered: { sent: true }, cookies: headers(visit.cookies) };
  }
  requireWay(accounts, asked.provider);
  const visit = await accounts.startWith(cookies, { provider: asked.provider, backTo });
  return { entered: { goTo: visit.answer }, cookies: headers(visit.cookies) };
}

function requireWay({ ways }: Operators, way: string): void {
  if (ways.includes(way)) return;
  throw new Failure("forbidden", "This way to sign in is not offered here.", {
    hint: "AGENT_SIGN_IN_WITH names them.",
  });
}

/** The page's token follows from what only the holder of the sign-in knows, and outlives the renewal of tokens. */
export function sessionOfAccount({ email: name, role, session }: Account): Session {
  return { name, role, csrf: createHash("sha256").update(`vigil csrf ${session}`).digest("base64url") };
}

/**
 * Where links in mails and other providers send the browser back to. Only the browser that began the sign-in holds what
 * ends it, so a link that somebody else planted opens nothing. Whatever goes wrong is told on the door's page.
 */
export function signInCallback(http: Http = thisProcess) {
  const arrive: Handler = async (request) => {
    const agent = await http.agentOf();
    const { accounts } = agent.operators;
    const query = new URL(request.url).searchParams;
    const wanted = ownPath(query.get("next"));
    if (accounts === null) return goTo(agent, wanted, []);
    try {
      const code = z.string().min(1).max(1_000).safeParse(query.get("code"));
      if (!code.success) throw refusedElsewhere(query.get("error_code") ?? query.get("error"));
      const visit = await accounts.finish(cookiesOf(request.headers.get("cookie")), code.data);
      return goTo(
        agent,
        wanted,
        visit.cookies.map((cookie) => cookieHeader(agent, cookie)),
      );
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      if (error.status >= 500) http.log("a sign-in could not be ended", error.cause);
      const parameters = new URLSearchParams({ next: wanted, trouble: troubleOf(error) });
      return goTo(agent, `/sign-in?${parameters}`, []);
    }
  };
  return endpoint(http.log, { GET: arrive });
}

function refusedElsewhere(code: string | null): Failure {
  const isOver = code === "otp_expired" || code === "flow_state_expired" || code === null;
  return new Failure("unauthorized", isOver ? troubles.expired : troubles.refused);
}

/** What the door's page may be told through its address: a word, never a text. */
export const troubles = {
  expired: "This link has expired or was used before. Ask for a new one.",
  browser: "Another browser began this sign-in. Open the link in the browser that asked for it.",
  welcome: "This account may not come in: it has no role here. Whoever runs Vigil gives roles (docs/supabase.md).",
  unavailable: "Supabase Auth does not answer. Try again in a moment.",
  refused: "The sign-in was refused.",
} as const;

function troubleOf(error: Failure): keyof typeof troubles {
  if (error.code === "forbidden") return "welcome";
  if (error.status >= 500) return "unavailable";
  if (/browser/.test(error.message)) return "browser";
  return /expired/.test(error.message) ? "expired" : "refused";
}

function goTo({ appUrl }: Agent, path: string, cookies: string[]): Response {
  const headers = new Headers({ location: new URL(path, appUrl).href, "cache-control": "no-store" });
  for (const cookie of cookies) headers.append("set-cookie", cookie);
  return new Response(null, { status: 303, headers });
}
