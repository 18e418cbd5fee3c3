import { z } from "zod";
import { Failure } from "#domain/failure.ts";

/** What a route of Next.js calls, and what every test can call: a request in, a response out. */
export type Handler = (request: Request, context: RouteContext) => Promise<Response>;
export interface RouteContext {
  params: Promise<Record<string, string | string[] | undefined>>;
}

/** Writes one line for the operators: what failed, with everything that clients must not see. */
export type Log = (what: string, cause: unknown) => void;

const methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] as const;
type Method = (typeof methods)[number];

const everywhere = { "cache-control": "no-store", "x-content-type-options": "nosniff" };

export function json(body: unknown, init: { status?: number; headers?: Record<string, string> } = {}): Response {
  return Response.json(body, { status: init.status ?? 200, headers: { ...everywhere, ...init.headers } });
}

/**
 * All methods of one address. What is not handled answers 405 and names what is; whatever a handler throws becomes the
 * one error shape `{"error":{"code","message","hint"?}}`.
 */
export function endpoint(log: Log, handlers: Partial<Record<Method, Handler>>): Record<Method, Handler> {
  const allow = methods.filter((method) => method in handlers || method === "OPTIONS").join(", ");
  const answers = methods.map(
    (method) => [method, answering(log, handlers[method] ?? refusing(method, allow))] as const,
  );
  return Object.fromEntries(answers) as Record<Method, Handler>;
}

function refusing(method: Method, allow: string): Handler {
  if (method === "OPTIONS") return async () => new Response(null, { status: 204, headers: { ...everywhere, allow } });
  return async () => {
    const failure = new Failure("method_not_allowed", `${method} is not possible here.`, {
      hint: `Allowed: ${allow}.`,
    });
    return failureResponse(failure, { allow });
  };
}

function answering(log: Log, handler: Handler): Handler {
  return async (request, context) => {
    try {
      const response = await handler(request, context);
      return request.method === "HEAD" ? await withoutBody(response) : response;
    } catch (error) {
      return errorResponse(error, log, request);
    }
  };
}

async function withoutBody(response: Response): Promise<Response> {
  await response.body?.cancel();
  return new Response(null, { status: response.status, headers: response.headers });
}

/** Expected failures say what they are, a bad body says what is wrong with it, and a bug says nothing but that it is one. */
export function errorResponse(error: unknown, log: Log, request: Request): Response {
  if (error instanceof z.ZodError) return invalidBody(error);
  if (error instanceof Failure) {
    if (error.status >= 500) log(`${request.method} ${pathOf(request)}: ${error.message}`, error.cause);
    const headers: Record<string, string> = {};
    if (error.code === "unauthorized") headers["www-authenticate"] = "Bearer";
    if (error.status === 429 || error.status === 503) headers["retry-after"] = "30";
    return failureResponse(error, headers);
  }
  log(`${request.method} ${pathOf(request)} failed`, error);
  const internal = { code: "internal", message: "Something went wrong on our side; it was logged." };
  return json({ error: internal }, { status: 500 });
}

function failureResponse({ code, message, hint, status }: Failure, headers: Record<string, string>): Response {
  return json({ error: { code, message, ...(hint !== undefined && { hint }) } }, { status, headers });
}

const issuesMax = 20;

function invalidBody({ issues }: z.ZodError): Response {
  const shown = issues
    .slice(0, issuesMax)
    .map(({ path, message, code }) => ({ path: path.map(String), message, code }));
  return json({ error: { code: "invalid", message: "The request is not right.", issues: shown } }, { status: 400 });
}

/** Without the query: it may hold secrets. */
function pathOf(request: Request): string {
  return new URL(request.url).pathname;
}
