import { createHash, randomBytes } from "node:crypto";
import { sealData, unsealData } from "iron-session";
import { RateLimiterMemory } from "rate-limiter-flexible";
import { z } from "zod";
import type { Actor, Agent } from "#agent.ts";
import { Failure } from "#domain/failure.ts";
import { cleanText } from "#domain/text.ts";
import { readJson } from "./body.ts";
import { type Http, thisProcess } from "./context.ts";
import { endpoint, type Handler, json } from "./respond.ts";
import { isSecret } from "./secret.ts";

/** Who is signed in to the dashboard. `csrf` must come back in a header with every change (reliability D19). */
export const Session = z.object({
  name: z.string().min(1).max(80),
  role: z.enum(["viewer", "operator"]),
  csrf: z.string().min(20),
});
export type Session = z.infer<typeof Session>;

const ttlSeconds = 7 * 24 * 60 * 60;
const failuresPerAddress = 10;
const failuresInAll = 100;
const windowSeconds = 15 * 60;

/** On https the prefix makes browsers refuse the cookie from a neighbouring host. */
export function cookieName(agent: Pick<Agent, "appUrl">): string {
  return agent.appUrl.startsWith("https:") ? "__Host-vigil" : "vigil";
}

/** The session of a `Cookie` header, or `undefined`: none, expired, forged, or sealed before the password changed. */
export async function sessionOf(cookies: string | null, agent: Agent): Promise<Session | undefined> {
  const wanted = cookieName(agent);
  const sealed = (cookies ?? "")
    .split(";")
    .map((part) => part.trim())
    .find((part) => part.startsWith(`${wanted}=`))
    ?.slice(wanted.length + 1);
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

const SignIn = z.strictObject({
  password: z.string().max(1_000),
  /** How the audit trail names this person; several people may share one password. */
  name: z.string().transform(cleanText).pipe(z.string().trim().max(60)).default(""),
});

/** `GET` says who is signed in, `POST` signs in with the password, `DELETE` signs out. */
export function session(http: Http = thisProcess) {
  const perAddress = new RateLimiterMemory({ points: failuresPerAddress, duration: windowSeconds });
  const inAll = new RateLimiterMemory({ points: failuresInAll, duration: windowSeconds });
  const show: Handler = async (request) => {
    const agent = await http.agentOf();
    const found = await sessionOf(request.headers.get("cookie"), agent);
    return json({ session: found === undefined ? null : { name: found.name, role: found.role } });
  };
  const enter: Handler = async (request) => {
    const agent = await http.agentOf();
    requireOwnOrigin(request, agent);
    if (agent.operators.password === null) {
      throw new Failure("misconfigured", "No password is set.", { hint: "Set AGENT_OPERATOR_PASSWORD." });
    }
    const { password, name } = SignIn.parse(await readJson(request));
    const address = request.headers.get("x-forwarded-for")?.split(",").at(-1)?.trim().slice(0, 60) ?? "direct";
    await refuseGuessing([
      [perAddress, address],
      [inAll, "all"],
    ]);
    // Both are compared whatever the first answer is: the time tells nothing.
    const isViewer = isSecret(password, agent.operators.viewerPassword);
    const isOperator = isSecret(password, agent.operators.password);
    if (!isOperator && !isViewer) {
      await Promise.allSettled([perAddress.consume(address), inAll.consume("all")]);
      throw new Failure("unauthorized", "That is not the password.");
    }
    const role = isOperator ? "operator" : "viewer";
    const opened: Session = { name: name || role, role, csrf: randomBytes(24).toString("base64url") };
    const sealed = await sealData(opened, { password: sealingKey(agent) ?? "", ttl: ttlSeconds });
    return json(
      { session: { name: opened.name, role } },
      { headers: { "set-cookie": cookie(agent, sealed, ttlSeconds) } },
    );
  };
  const leave: Handler = async (request) => {
    const agent = await http.agentOf();
    requireOwnOrigin(request, agent);
    return json({ session: null }, { headers: { "set-cookie": cookie(agent, "", 0) } });
  };
  return endpoint(http.log, { GET: show, POST: enter, DELETE: leave });
}

async function refuseGuessing(limiters: [RateLimiterMemory, string][]): Promise<void> {
  for (const [limiter, key] of limiters) {
    const state = await limiter.get(key);
    if (state !== null && state.remainingPoints <= 0) {
      const minutes = Math.ceil(state.msBeforeNext / 60_000);
      throw new Failure("rate_limited", "Too many wrong passwords.", { hint: `Try again in ${minutes} minutes.` });
    }
  }
}

function cookie(agent: Agent, value: string, maxAgeSeconds: number): string {
  const secure = agent.appUrl.startsWith("https:") ? "; Secure" : "";
  return `${cookieName(agent)}=${value}; Path=/; Max-Age=${maxAgeSeconds}; HttpOnly; SameSite=Strict${secure}`;
}

/** A signed-in browser may change something only from a page of Vigil's own, and with the session's token. */
export function requireOwnPage(request: Request, agent: Agent, { csrf }: Session): void {
  requireOwnOrigin(request, agent);
  if (isSecret(request.headers.get("x-csrf-token"), csrf)) return;
  throw new Failure("forbidden", "This page is not allowed to give orders.", { hint: "Reload the page." });
}

function requireOwnOrigin(request: Request, agent: Agent): void {
  const origin = request.headers.get("origin");
  if (origin !== null && isOwnOrigin(origin, agent.appUrl)) return;
  throw new Failure("forbidden", "This page may not give orders here.", {
    hint: "APP_URL must be the address in the browser.",
  });
}

const loopback = new Set(["localhost", "127.0.0.1", "[::1]"]);

/** Vigil's address as configured; on this machine its other names are the same address. */
export function isOwnOrigin(origin: string, appUrl: string): boolean {
  const own = new URL(appUrl);
  if (origin === own.origin) return true;
  if (!loopback.has(own.hostname) || !URL.canParse(origin)) return false;
  const { protocol, hostname, port } = new URL(origin);
  return loopback.has(hostname) && protocol === own.protocol && port === own.port;
}

/** As the audit trail names a signed-in person. */
export function actorOf({ name, role }: Session): Actor {
  return { kind: role, name };
}
