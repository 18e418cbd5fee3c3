import type { Actor, Agent } from "#agent.ts";
import { Failure } from "#domain/failure.ts";
import { isOwnOrigin, requireOwnPage } from "./own-page.ts";
import { bearerOf, isSecret } from "./secret.ts";
import { actorOf, sessionOf } from "./session.ts";

/**
 * Who asks, or a refusal: a program with the API token, or a person signed in to the dashboard. The one place that every
 * operators' handler goes through. A viewer may look and change nothing; a signed-in browser may change something only
 * from Vigil's own pages. The answer never depends on the body (reliability D19, D29). `onlyLooks`: what is posted here takes
 * work and changes nothing, so viewers may as well.
 */
export async function identify(request: Request, agent: Agent, { onlyLooks = false } = {}): Promise<Actor> {
  if (isSecret(bearerOf(request), agent.secrets.apiToken)) return { kind: "token", name: "api-token" };
  const looks = request.method === "GET" || request.method === "HEAD";
  const session = await sessionOf(request.headers.get("cookie"), agent, { fresh: !looks });
  if (session === undefined) {
    throw new Failure("unauthorized", "Only for operators.", {
      hint: "Sign in, or send Authorization: Bearer <AGENT_API_TOKEN>.",
    });
  }
  if (looks) return actorOf(session);
  requireOwnPage(request, agent, session);
  if (session.role === "operator" || onlyLooks) return actorOf(session);
  throw new Failure("forbidden", "A viewer may look, and change nothing.", {
    hint: agent.operators.accounts === null ? "Sign in with the operators' password." : "Ask for the role operator.",
  });
}

/**
 * Refuses a change that a page elsewhere asked a browser for. Programs send no `Origin`; a browser always does, and it
 * must be Vigil's own address as configured: headers of the request cannot say what that is (reliability D19).
 */
export function refuseForeignOrigin(request: Request, agent: Agent): void {
  const origin = request.headers.get("origin");
  if (origin === null || isOwnOrigin(origin, agent.appUrl)) return;
  throw new Failure("forbidden", "This page may not give orders here.", {
    hint: "APP_URL must be the address in the browser.",
  });
}
