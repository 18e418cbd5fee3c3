import { z } from "zod";
import type { Agent, Cookie, CookieToSet } from "#agent.ts";

/** Who is signed in to the dashboard. `csrf` must come back in a header with every change (reliability D19). */
export const Session = z.object({
  name: z.string().min(1).max(254),
  role: z.enum(["viewer", "operator"]),
  csrf: z.string().min(20),
});
export type Session = z.infer<typeof Session>;

/** The cookies of a `Cookie` header. */
export function cookiesOf(header: string | null): Cookie[] {
  return (header ?? "").split(";").flatMap((part) => {
    const [name, ...value] = part.trim().split("=");
    return name === undefined || name === "" || value.length === 0 ? [] : [{ name, value: value.join("=") }];
  });
}

/** A `Set-Cookie` header: no script reads it, and no other host. */
export function cookieHeader({ appUrl }: Pick<Agent, "appUrl">, cookie: CookieToSet): string {
  const { name, value, maxAgeSeconds, sameSite } = cookie;
  const secure = appUrl.startsWith("https:") ? "; Secure" : "";
  const site = sameSite === "strict" ? "Strict" : "Lax";
  return `${name}=${value}; Path=/; Max-Age=${maxAgeSeconds}; HttpOnly; SameSite=${site}${secure}`;
}
