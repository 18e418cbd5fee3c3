import { accountsConfig } from "#config.ts";
import { cookieHeader, cookiesOf } from "#http/session-cookie.ts";
import type { Operators } from "#ports/operators.ts";

/** New tokens: the request goes on with them, and the browser gets them. */
export interface Renewal {
  /** The `Cookie` header as the browser would send it now. */
  cookie: string;
  setCookies: string[];
}

interface Door {
  accounts: Operators;
  appUrl: string;
}
let door: Door | null | undefined;

/**
 * Renews the tokens of whoever is signed in with an account, before they expire. Pages cannot set cookies, so this stands in
 * front of them; it only knows the accounts, because on functions it runs where there is no agent. `undefined`: nothing to do.
 */
export async function renewalFor(cookie: string | null): Promise<Renewal | undefined> {
  if (cookie === null || !cookie.includes("vigil-account")) return undefined;
  door ??= await openDoor();
  if (door === null) return undefined;
  const { appUrl, accounts } = door;
  const sent = cookiesOf(cookie);
  const { cookies } = await accounts.refresh(sent);
  if (cookies.length === 0) return undefined;
  const held = new Map(sent.map(({ name, value }) => [name, value]));
  for (const { name, value, maxAgeSeconds } of cookies) {
    if (maxAgeSeconds === 0) held.delete(name);
    else held.set(name, value);
  }
  return {
    cookie: [...held].map(([name, value]) => `${name}=${value}`).join("; "),
    setCookies: cookies.map((one) => cookieHeader({ appUrl }, one)),
  };
}

async function openDoor(): Promise<Door | null> {
  const chosen = accountsConfig();
  if (chosen === null) return null;
  const { accounts, appUrl } = chosen;
  const { createSupabaseOperators } = await import("#adapters/operators/supabase.ts");
  return { accounts: createSupabaseOperators({ ...accounts, appUrl, now: () => new Date() }), appUrl };
}
