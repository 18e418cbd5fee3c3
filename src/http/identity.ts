import type { Actor, Agent } from "#agent.ts";
import { Failure } from "#domain/failure.ts";
import { bearerOf, isSecret } from "./secret.ts";

/**
 * Who asks, or a refusal. The one place that every operators' handler goes through: a session of the dashboard becomes
 * one more way in here. The answer never depends on the body (reliability D29).
 */
export async function identify(request: Request, agent: Agent): Promise<Actor> {
  if (isSecret(bearerOf(request), agent.secrets.apiToken)) return { kind: "token", name: "api-token" };
  throw new Failure("unauthorized", "Only for operators.", { hint: "Send Authorization: Bearer <AGENT_API_TOKEN>." });
}

/**
 * Refuses a change that a page elsewhere asked a browser for. Programs send no `Origin`; a browser always does, and it
 * must be Vigil's own address as configured: headers of the request cannot say what that is (reliability D19).
 */
export function refuseForeignOrigin(request: Request, agent: Agent): void {
  const origin = request.headers.get("origin");
  if (origin === null || origin === new URL(agent.appUrl).origin) return;
  throw new Failure("forbidden", "This page may not give orders here.", {
    hint: "APP_URL must be the address in the browser.",
  });
}
