import { createVerify } from "node:crypto";
import { type Answer, type Call, notFound, problem, type Route } from "./router.ts";
import type { Permissions, Token } from "./state.ts";

/** A GitHub App that is (or is not) installed on the repository: https://docs.github.com/rest/apps */
export interface App {
  appId: string;
  /** PEM; what the app's tokens are signed with is checked against it. */
  publicKey: string;
  permissions: Permissions;
  installed: boolean;
}

export const installationId = 7_001;

/** The app's own calls, authorised by a JSON web token and not by an installation's. */
export function appRoutes(app: App | null, issue: (token: Token) => string): Route[] {
  return [
    {
      method: "GET",
      path: "/repos/:owner/:repo/installation",
      needs: null,
      handle: () =>
        app?.installed
          ? {
              status: 200,
              body: {
                id: installationId,
                app_id: Number(app.appId) || app.appId,
                permissions: app.permissions,
                repository_selection: "selected",
              },
            }
          : notFound(),
    },
    {
      method: "GET",
      path: "/app",
      needs: null,
      handle: () =>
        app === null
          ? notFound()
          : { status: 200, body: { id: 1, slug: "vigil", name: "Vigil", permissions: app.permissions } },
    },
    {
      method: "POST",
      path: "/app/installations/:id/access_tokens",
      needs: null,
      handle: (call) => createToken(call, app, issue),
    },
  ];
}

function createToken(call: Call, app: App | null, issue: (token: Token) => string): Answer {
  if (app === null || !app.installed || call.params.id !== String(installationId)) return notFound();
  const expiresAt = new Date(Date.now() + 3_600_000);
  const token = issue({ login: "vigil[bot]", kind: "installation", permissions: app.permissions, expiresAt });
  return {
    status: 201,
    body: {
      token,
      expires_at: expiresAt.toISOString().replace(/\.\d+Z$/, "Z"),
      permissions: app.permissions,
      repository_selection: "selected",
    },
  };
}

/** What GitHub answers to a web token that is not good; `undefined`: it is. */
export function refuseWebToken(app: App | null, token: string): Answer | undefined {
  const [header = "", payload = "", signature = ""] = token.split(".");
  const undecodable = problem(401, "A JSON web token could not be decoded");
  if (app === null || signature === "") return undecodable;
  const verify = createVerify("RSA-SHA256").update(`${header}.${payload}`);
  if (!verify.verify(app.publicKey, Buffer.from(signature, "base64url"))) return undecodable;
  const claims: { iss?: unknown; exp?: unknown; iat?: unknown } = JSON.parse(
    Buffer.from(payload, "base64url").toString("utf8"),
  );
  const now = Date.now() / 1_000;
  if (String(claims.iss) !== app.appId) return problem(404, "Integration not found");
  if (Number(claims.exp) > now + 660) return problem(401, "'Expiration time' claim ('exp') is too far in the future");
  if (Number(claims.exp) < now)
    return problem(
      401,
      "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires",
    );
  return undefined;
}
