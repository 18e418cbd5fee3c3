import { combineChunks, stringFromBase64URL } from "@supabase/ssr";
import { z } from "zod";
import type { Cookie, CookieToSet } from "#ports/operators.ts";

/** Seven days, as with the embedded password. */
const tokensSeconds = 7 * 24 * 60 * 60;
/** A sign-in that began is ended by then, or not at all. */
const verifierSeconds = 60 * 60;
const encoded = "base64-";
/** More is no session of ours; the tokens have a few thousand characters. */
const charactersMax = 20_000;

/** The name that all cookies begin with. On https the prefix makes browsers refuse one from a neighbouring host. */
export function cookieName(isSecure: boolean): string {
  return isSecure ? "__Host-vigil-account" : "vigil-account";
}

const Tokens = z.object({
  access_token: z.string().min(1),
  refresh_token: z.string().min(1),
  /** Seconds since 1970. */
  expires_at: z.number(),
  /** How long they were good for when they were made, in seconds. */
  expires_in: z.number(),
});
export type Tokens = z.infer<typeof Tokens>;

/** What the cookies hold, unproven; `undefined`: nothing of ours. Reading never renews anything. */
export async function tokensOf(name: string, cookies: Cookie[]): Promise<Tokens | undefined> {
  const found = await combineChunks(name, (chunk) => cookies.find((one) => one.name === chunk)?.value ?? null);
  if (found === null || !found.startsWith(encoded) || found.length > charactersMax) return undefined;
  try {
    const parsed = Tokens.safeParse(JSON.parse(stringFromBase64URL(found.slice(encoded.length))));
    return parsed.success ? parsed.data : undefined;
  } catch {
    // Cut, forged, or of another version: whoever sent it is simply not signed in.
    return undefined;
  }
}

/** Tokens never leave this site; what proves where a sign-in began has to survive the way back from another one. */
export function ours(name: string, value: string, isRemoved: boolean): CookieToSet {
  const isVerifier = name.includes("code-verifier");
  const lasts = isVerifier ? verifierSeconds : tokensSeconds;
  return { name, value, maxAgeSeconds: isRemoved ? 0 : lasts, sameSite: isVerifier ? "lax" : "strict" };
}
