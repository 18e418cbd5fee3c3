import { RateLimiterMemory } from "rate-limiter-flexible";
import { z } from "zod";
import type { Actor, Agent } from "#agent.ts";
import { Failure } from "#domain/failure.ts";
import { cleanText } from "#domain/text.ts";
import { AccountSignIn, enterByAccount, sessionOfAccount } from "./accounts.ts";
import { readJson } from "./body.ts";
import { type Http, thisProcess } from "./context.ts";
import { requireOwnOrigin } from "./own-page.ts";
import { enterByPassword, leavePassword, sealedSession } from "./password.ts";
import { endpoint, type Handler, json } from "./respond.ts";
import { cookieHeader, cookiesOf, type Session } from "./session-cookie.ts";

export type { Session } from "./session-cookie.ts";

const failuresPerAddress = 10;
const failuresInAll = 100;
const windowSeconds = 15 * 60;

/**
 * The session of a `Cookie` header, or `undefined`. Where somebody else keeps the accounts, they are asked whether it still
 * stands: `fresh` at once, otherwise half a minute may have passed.
 */
export async function sessionOf(
  cookies: string | null,
  agent: Agent,
  { fresh = false }: { fresh?: boolean } = {},
): Promise<Session | undefined> {
  const { accounts } = agent.operators;
  if (accounts === null) return sealedSession(cookies, agent);
  const account = await accounts.whoIs(cookiesOf(cookies), { fresh });
  return account === undefined ? undefined : sessionOfAccount(account);
}

const SignIn = z.strictObject({
  password: z.string().max(1_000),
  /** How the audit trail names this person; several people may share one password. */
  name: z.string().transform(cleanText).pipe(z.string().trim().max(60)).default(""),
});

/** `GET` says who is signed in, `POST` signs in, `DELETE` signs out. */
export function session(http: Http = thisProcess) {
  const refusals = createRefusals();
  const show: Handler = async (request) => {
    const agent = await http.agentOf();
    const found = await sessionOf(request.headers.get("cookie"), agent);
    return json({ session: found === undefined ? null : { name: found.name, role: found.role } });
  };
  const enter: Handler = async (request) => {
    const agent = await http.agentOf();
    requireOwnOrigin(request, agent);
    const { accounts, password } = agent.operators;
    if (accounts === null && password === null) {
      throw new Failure("misconfigured", "No password is set.", { hint: "Set AGENT_OPERATOR_PASSWORD." });
    }
    const body = await readJson(request);
    const door = accounts === null ? passwordDoor(agent, body) : accountDoor(agent, accounts, body, request);
    const address = request.headers.get("x-forwarded-for")?.split(",").at(-1)?.trim().slice(0, 60) ?? "direct";
    await refusals.requireFew(address);
    try {
      const { entered, cookies } = await door();
      return withCookies(json(entered), cookies);
    } catch (error) {
      if (error instanceof Failure && error.code === "unauthorized") await refusals.count(address);
      throw error;
    }
  };
  const leave: Handler = async (request) => {
    const agent = await http.agentOf();
    requireOwnOrigin(request, agent);
    return withCookies(json({ session: null }), await leaveAll(agent, request));
  };
  return endpoint(http.log, { GET: show, POST: enter, DELETE: leave });
}

function passwordDoor(agent: Agent, body: unknown) {
  const given = SignIn.parse(body);
  return async () => {
    const { session: opened, cookie } = await enterByPassword(agent, given);
    return { entered: { session: { name: opened.name, role: opened.role } }, cookies: [cookie] };
  };
}

function accountDoor(
  agent: Agent,
  accounts: NonNullable<Agent["operators"]["accounts"]>,
  body: unknown,
  request: Request,
) {
  const given = AccountSignIn.parse(body);
  return () => enterByAccount(agent, accounts, given, request);
}

async function leaveAll(agent: Agent, request: Request): Promise<string[]> {
  const { accounts } = agent.operators;
  if (accounts === null) return [leavePassword(agent)];
  const { cookies } = await accounts.leave(cookiesOf(request.headers.get("cookie")));
  return cookies.map((cookie) => cookieHeader(agent, cookie));
}

function withCookies(response: Response, cookies: string[]): Response {
  for (const cookie of cookies) response.headers.append("set-cookie", cookie);
  return response;
}

/** Guessing ends after a few refusals; whoever keeps the accounts sees one address for all of us and cannot tell guessers apart. */
function createRefusals() {
  const perAddress = new RateLimiterMemory({ points: failuresPerAddress, duration: windowSeconds });
  const inAll = new RateLimiterMemory({ points: failuresInAll, duration: windowSeconds });
  return {
    count: async (address: string) => {
      await Promise.allSettled([perAddress.consume(address), inAll.consume("all")]);
    },
    requireFew: async (address: string) => {
      for (const state of [await perAddress.get(address), await inAll.get("all")]) {
        if (state === null || state.remainingPoints > 0) continue;
        const minutes = Math.ceil(state.msBeforeNext / 60_000);
        throw new Failure("rate_limited", "Too many wrong passwords.", { hint: `Try again in ${minutes} minutes.` });
      }
    },
  };
}

/** As the audit trail names a signed-in person. */
export function actorOf({ name, role }: Session): Actor {
  return { kind: role, name };
}
