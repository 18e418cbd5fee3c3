import { headers } from "next/headers";
import { redirect } from "next/navigation";
import { type Agent, agent } from "#agent.ts";
import { type Session, sessionOf } from "#http/session.ts";

/**
 * The agent for whoever is signed in; everybody else goes to the door and comes back to this address. Every page asks
 * here, not only the layout: Next.js may answer for a page without running the layout around it.
 */
export async function signedIn(): Promise<{ agent: Agent; session: Session }> {
  const [running, given] = await Promise.all([agent(), headers()]);
  const session = await sessionOf(given.get("cookie"), running);
  if (session === undefined) redirect(`/sign-in?next=${encodeURIComponent(given.get("x-address") ?? "")}`);
  return { agent: running, session };
}
