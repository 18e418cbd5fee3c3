import { createHash, randomBytes, randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import { type Algorithm, createSigner } from "./tokens.ts";

export interface TestUser {
  id: string;
  email: string;
  password: string;
  appMetadata: Record<string, unknown>;
  userMetadata: Record<string, unknown>;
  isConfirmed: boolean;
  isBanned: boolean;
  isAnonymous: boolean;
}

/** Supabase Auth over HTTP, with everything in memory and a clock that a test moves. */
export interface Gotrue {
  url: string;
  anonKey: string;
  /** Makes an account; what a test does not name is an operator's. */
  addUser(user: Partial<TestUser>): TestUser;
  removeUser(id: string): void;
  /** Ends every sign-in of a person, as the Supabase dashboard can. */
  endSessions(userId: string): void;
  /** Mails that were sent: where each link leads. */
  mails: { email: string; link: string }[];
  /** Every request, in order: method and path. */
  seen: string[];
  /** From now on everything is answered like this; `null`: as usual. */
  fail(status: number | null): void;
  /** Lets time pass. */
  pass(seconds: number): void;
  close(): Promise<void>;
}

/** Access tokens last an hour; an old refresh token is taken again for ten seconds, as in a new project. */
const tokenSeconds = 3_600;
const reuseSeconds = 10;
const anonKey = "sb_publishable_of_the_tests";

interface Session {
  id: string;
  userId: string;
}
interface Flow {
  code: string;
  challenge: string;
  userId: string;
  atSeconds: number;
}
class Refusal extends Error {
  readonly status: number;
  readonly code: string | null;
  constructor(status: number, code: string | null, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** The endpoints, shapes and error codes of github.com/supabase/auth (2026-08) behind a project's gateway, which wants the key. */
export async function startGotrue({ algorithm = "ES256" }: { algorithm?: Algorithm } = {}): Promise<Gotrue> {
  const signer = createSigner(algorithm);
  const users = new Map<string, TestUser>();
  const sessions = new Map<string, Session>();
  /** `usedAt`: when it was given back for a new one; within the interval that new one is answered again. */
  const refreshTokens = new Map<string, { sessionId: string; usedAt: number | null; next: string | null }>();
  const flows: Flow[] = [];
  const links = new Map<string, Omit<Flow, "code"> & { redirectTo: string; isUsed: boolean }>();
  const mails: Gotrue["mails"] = [];
  const seen: string[] = [];
  let passed = 0;
  let failure: number | null = null;
  const seconds = () => Math.floor(Date.now() / 1_000) + passed;

  const byEmail = (email: unknown) => [...users.values()].find((user) => user.email === String(email).toLowerCase());
  function userJson(user: TestUser) {
    const at = "2026-11-23T10:00:00Z";
    return {
      ...{ id: user.id, aud: "authenticated", role: "authenticated", email: user.email, phone: "" },
      ...(user.isConfirmed ? { email_confirmed_at: at, confirmed_at: at } : {}),
      ...{ app_metadata: user.appMetadata, user_metadata: user.userMetadata, identities: [] },
      ...{ created_at: at, updated_at: at, is_anonymous: user.isAnonymous },
    };
  }
  function tokensFor(session: Session, refreshToken: string) {
    const user = users.get(session.userId);
    if (user === undefined) throw new Refusal(403, "user_not_found", "User from sub claim in JWT does not exist");
    const iat = seconds();
    const claims = {
      ...{ iss: `${url}/auth/v1`, sub: user.id, aud: "authenticated", exp: iat + tokenSeconds, iat, email: user.email },
      ...{ phone: "", app_metadata: user.appMetadata, user_metadata: user.userMetadata, role: "authenticated" },
      ...{ aal: "aal1", amr: [{ method: "password", timestamp: iat }], session_id: session.id },
      is_anonymous: user.isAnonymous,
    };
    return {
      ...{ access_token: signer.sign(claims), token_type: "bearer", expires_in: tokenSeconds },
      ...{ expires_at: iat + tokenSeconds, refresh_token: refreshToken, user: userJson(user) },
    };
  }
  function newRefreshToken(sessionId: string): string {
    const token = randomBytes(9)
      .toString("base64url")
      .toLowerCase()
      .replaceAll(/[^a-z0-9]/g, "x");
    refreshTokens.set(token, { sessionId, usedAt: null, next: null });
    return token;
  }
  function open(user: TestUser) {
    if (user.isBanned) throw new Refusal(400, "user_banned", "User is banned");
    const session = { id: randomUUID(), userId: user.id };
    sessions.set(session.id, session);
    return tokensFor(session, newRefreshToken(session.id));
  }
  function bearer(request: IncomingMessage): { user: TestUser; session: Session } {
    const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? "")?.[1];
    if (token === undefined) throw new Refusal(401, "no_authorization", "This endpoint requires a valid Bearer token");
    const claims = signer.verify(token);
    if (claims === undefined || Number(claims.exp) <= seconds())
      throw new Refusal(403, "bad_jwt", "invalid JWT: unable to parse or verify signature, token is expired or forged");
    const user = users.get(String(claims.sub));
    if (user === undefined) throw new Refusal(403, "user_not_found", "User from sub claim in JWT does not exist");
    const session = sessions.get(String(claims.session_id));
    if (session === undefined)
      throw new Refusal(403, "session_not_found", "Session from session_id claim in JWT does not exist");
    if (user.isBanned) throw new Refusal(403, "user_banned", "User is banned");
    return { user, session };
  }

  const grants: Record<string, (body: Record<string, unknown>) => unknown> = {
    password: ({ email, password }) => {
      const user = byEmail(email);
      if (user === undefined || user.password !== password)
        throw new Refusal(400, "invalid_credentials", "Invalid login credentials");
      if (user.isBanned) throw new Refusal(400, "user_banned", "User is banned");
      if (!user.isConfirmed) throw new Refusal(400, "email_not_confirmed", "Email not confirmed");
      return open(user);
    },
    refresh_token: ({ refresh_token }) => {
      const known = refreshTokens.get(String(refresh_token));
      const session = known && sessions.get(known.sessionId);
      if (known === undefined || session === undefined)
        throw new Refusal(400, "refresh_token_not_found", "Invalid Refresh Token: Refresh Token Not Found");
      if (users.get(session.userId)?.isBanned) throw new Refusal(400, "user_banned", "User is banned");
      if (known.usedAt !== null && (known.next === null || seconds() - known.usedAt > reuseSeconds)) {
        sessions.delete(session.id);
        throw new Refusal(400, "refresh_token_already_used", "Invalid Refresh Token: Already Used");
      }
      known.next ??= newRefreshToken(session.id);
      known.usedAt ??= seconds();
      return tokensFor(session, known.next);
    },
    pkce: ({ auth_code, code_verifier }) => {
      const at = flows.findIndex(({ code }) => code === auth_code);
      const [flow] = at === -1 ? [] : flows.splice(at, 1);
      if (flow === undefined)
        throw new Refusal(404, "flow_state_not_found", "invalid flow state, no valid flow state found");
      if (seconds() - flow.atSeconds > 300)
        throw new Refusal(403, "flow_state_expired", "invalid flow state, flow state has expired");
      const challenge = createHash("sha256").update(String(code_verifier)).digest("base64url");
      if (challenge !== flow.challenge)
        throw new Refusal(400, "bad_code_verifier", "code challenge does not match previously saved code verifier");
      const user = users.get(flow.userId);
      if (user === undefined) throw new Refusal(404, "user_not_found", "User not found");
      return open(user);
    },
  };

  function withCode(redirectTo: string, flow: Omit<Flow, "code">): string {
    const code = randomUUID();
    flows.push({ ...flow, code });
    const target = new URL(redirectTo);
    target.searchParams.set("code", code);
    return target.href;
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://gateway");
    const send = (status: number, body?: unknown, headers: Record<string, string> = {}) => {
      response.writeHead(status, {
        "content-type": "application/json",
        "x-supabase-api-version": "2024-01-01",
        ...headers,
      });
      response.end(body === undefined ? undefined : JSON.stringify(body));
    };
    const raw = await text(request);
    const body: Record<string, unknown> = raw === "" ? {} : JSON.parse(raw);
    const where = `${request.method} ${pathname.replace("/auth/v1", "")}`;
    seen.push(where);
    if (failure !== null) return send(failure, { code: "unexpected_failure", message: "down" });
    // Browsers come to these two by a link, without the key.
    if (where === "GET /authorize") {
      const redirectTo = searchParams.get("redirect_to") ?? "";
      const user = byEmail(`${searchParams.get("provider")}@example.com`);
      if (user === undefined) {
        const refused = new URL(redirectTo);
        refused.searchParams.set("error", "access_denied");
        refused.searchParams.set("error_code", "signup_disabled");
        return send(302, undefined, { location: refused.href });
      }
      const flow = { challenge: searchParams.get("code_challenge") ?? "", userId: user.id, atSeconds: seconds() };
      return send(302, undefined, { location: withCode(redirectTo, flow) });
    }
    if (where === "GET /verify") {
      const link = links.get(searchParams.get("token") ?? "");
      const target = new URL(link?.redirectTo ?? searchParams.get("redirect_to") ?? "http://nowhere");
      if (link === undefined || link.isUsed || seconds() - link.atSeconds > 3_600) {
        for (const [name, value] of Object.entries({ error: "access_denied", error_code: "otp_expired" }))
          target.searchParams.set(name, value);
        return send(303, undefined, { location: target.href });
      }
      link.isUsed = true;
      return send(303, undefined, { location: withCode(target.href, { ...link, atSeconds: seconds() }) });
    }
    if (request.headers.apikey !== anonKey) return send(401, { message: "Invalid API key" });
    switch (where) {
      case "POST /token": {
        const grant = grants[searchParams.get("grant_type") ?? ""];
        if (grant === undefined) throw new Refusal(400, "invalid_credentials", "unsupported_grant_type");
        return send(200, grant(body));
      }
      case "GET /user":
        return send(200, userJson(bearer(request).user));
      case "POST /logout":
        sessions.delete(bearer(request).session.id);
        return send(204);
      case "POST /otp": {
        const user = byEmail(body.email);
        if (user === undefined) throw new Refusal(422, "otp_disabled", "Signups not allowed for otp");
        const token = randomUUID();
        const redirectTo = searchParams.get("redirect_to") ?? "";
        const flow = { challenge: String(body.code_challenge), userId: user.id, atSeconds: seconds() };
        links.set(token, { ...flow, redirectTo, isUsed: false });
        const query = new URLSearchParams({ token, type: "magiclink", redirect_to: redirectTo });
        mails.push({ email: user.email, link: `${url}/auth/v1/verify?${query}` });
        return send(200, {});
      }
      case "GET /.well-known/jwks.json":
        return send(200, signer.jwks);
      default:
        return send(404, { code: "not_found", message: where });
    }
  }

  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      const refusal = error instanceof Refusal ? error : new Refusal(500, "unexpected_failure", String(error));
      response.writeHead(refusal.status, {
        "content-type": "application/json",
        "x-supabase-api-version": "2024-01-01",
      });
      response.end(JSON.stringify({ code: refusal.code, message: refusal.message }));
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the server has no port");
  const url = `http://127.0.0.1:${address.port}`;
  return {
    url,
    anonKey,
    mails,
    seen,
    addUser: (given) => {
      const user: TestUser = {
        ...{ id: randomUUID(), email: `person-${users.size}@example.com`, password: "a-long-password" },
        ...{
          appMetadata: { role: "operator" },
          userMetadata: {},
          isConfirmed: true,
          isBanned: false,
          isAnonymous: false,
        },
        ...given,
      };
      users.set(user.id, user);
      return user;
    },
    removeUser: (id) => void users.delete(id),
    endSessions: (userId) => {
      for (const session of [...sessions.values()]) if (session.userId === userId) sessions.delete(session.id);
    },
    fail: (status) => {
      failure = status;
    },
    pass: (by) => {
      passed += by;
    },
    close: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}
