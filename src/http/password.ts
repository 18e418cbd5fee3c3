import { createHash, randomBytes } from "node:crypto";
import { sealData, unsealData } from "iron-session";
import type { Agent } from "#agent.ts";
import { Failure } from "#domain/failure.ts";
import { isSecret } from "./secret.ts";
import { cookieHeader, cookiesOf, Session } from "./session-cookie.ts";

const ttlSeconds = 7 * 24 * 60 * 60;

/** On https the prefix makes browsers refuse the cookie from a neighbouring host. */
function cookieName(agent: Pick<Agent, "appUrl">): string {
  return agent.appUrl.startsWith("https:") ? "__Host-vigil" : "vigil";
}

/** `undefined`: none, expired, forged, or sealed before the password changed. */
export async function sealedSession(cookies: string | null, agent: Agent): Promise<Session | undefined> {
  const sealed = cookiesOf(cookies).find(({ name }) => name === cookieName(agent))?.value;
  const password = sealingKey(agent);
  if (sealed === undefined || sealed.length > 4_000 || password === null) return undefined;
  const opened = Session.safeParse(await unsealData<unknown>(sealed, { password, ttl: ttlSeconds }));
  return opened.success ? opened.data : undefined;
}

/** Changing a password ends every session that was opened with it. */
function sealingKey({ operators }: Agent): string | null {
  if (operators.password === null) return null;
  const parts = JSON.stringify(["vigil session", operators.password, operators.viewerPassword]);
  return createHash("sha256").update(parts).digest("base64url");
}

/** Opens a session with the password, under the name that the audit trail will show; several people may share one password. */
export async function enterByPassword(
  agent: Agent,
  { password, name }: { password: string; name: string },
): Promise<{ session: Session; cookie: string }> {
  // Both are compared whatever the first answer is: the time tells nothing.
  const isViewer = isSecret(password, agent.operators.viewerPassword);
  const isOperator = isSecret(password, agent.operators.password);
  if (!isOperator && !isViewer) throw new Failure("unauthorized", "That is not the password.");
  const role = isOperator ? "operator" : "viewer";
  const session: Session = { name: name || role, role, csrf: randomBytes(24).toString("base64url") };
  const sealed = await sealData(session, { password: sealingKey(agent) ?? "", ttl: ttlSeconds });
  return { session, cookie: sealedCookie(agent, sealed, ttlSeconds) };
}

export function leavePassword(agent: Agent): string {
  return sealedCookie(agent, "", 0);
}

function sealedCookie(agent: Agent, value: string, maxAgeSeconds: number): string {
  return cookieHeader(agent, { name: cookieName(agent), value, maxAgeSeconds, sameSite: "strict" });
}
