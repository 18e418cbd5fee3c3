import type { Readable } from "node:stream";
import { z } from "zod";
import type { Level, State, Token } from "./state.ts";

/** One answer, as GitHub would give it. */
export interface Answer {
  status: number;
  body?: unknown;
  headers?: Record<string, string>;
  /** In place of `body`: bytes as they come. */
  stream?: Readable;
  bytes?: Buffer;
}

export interface Call {
  method: string;
  path: string;
  params: Record<string, string>;
  query: URLSearchParams;
  body: unknown;
  accept: string;
  /** The origin that the caller used. */
  origin: string;
  token: Token;
  state: State;
}

export interface Route {
  method: string;
  /** `:name` is one segment, `:name*` is the rest of the path. */
  path: string;
  /** The permission that a token needs, for example `["contents", "write"]`. */
  needs: [string, Level] | null;
  handle(call: Call): Promise<Answer> | Answer;
}

/**
 * Routes below `/repos/:owner/:repo`, each as `METHOD /path permission=level`, in the order in which they are tried.
 *
 *   routes({ "GET /pulls pull_requests=read": listPulls })
 */
export function routes(table: Record<string, Route["handle"]>): Route[] {
  return Object.entries(table).map(([line, handle]) => {
    const [method = "", path = "", needs = ""] = line.split(" ");
    const [permission = "", level] = needs.split("=");
    const asked: Route["needs"] = [permission, level === "write" ? "write" : "read"];
    return { method, path: `/repos/:owner/:repo${path === "/" ? "" : path}`, needs: asked, handle };
  });
}

const documentation = "https://docs.github.com/rest";

export function problem(status: number, message: string, extra: Record<string, unknown> = {}): Answer {
  return { status, body: { message, ...extra, documentation_url: documentation, status: String(status) } };
}

export const notFound = () => problem(404, "Not Found");

export function invalid(resource: string, field: string, code: string, message?: string): Answer {
  return problem(422, "Validation Failed", {
    errors: [{ resource, field, code, ...(message === undefined ? {} : { message }) }],
  });
}

export class Refusal extends Error {
  readonly answer: Answer;
  constructor(answer: Answer) {
    super("refused");
    this.answer = answer;
  }
}

/** The body in the shape that the documentation gives, or GitHub's 422. */
export function bodyOf<S extends z.ZodType>(call: Call, schema: S): z.infer<S> {
  const parsed = schema.safeParse(call.body ?? {});
  if (parsed.success) return parsed.data;
  throw new Refusal(problem(422, `Invalid request.\n\n${z.prettifyError(parsed.error)}`));
}

export function matchRoute(routes: Route[], method: string, path: string) {
  for (const route of routes) {
    if (route.method !== method) continue;
    const params = matchPath(route.path, path);
    if (params !== undefined) return { route, params };
  }
  return undefined;
}

function matchPath(pattern: string, path: string): Record<string, string> | undefined {
  const names: string[] = [];
  const expression = pattern.replace(/:(\w+)(\*?)/g, (_, name: string, rest: string) => {
    names.push(name);
    return rest === "*" ? "(.+)" : "([^/]+)";
  });
  const found = new RegExp(`^${expression}/?$`).exec(path);
  if (found === null) return undefined;
  return Object.fromEntries(names.map((name, index) => [name, decodeURIComponent(found[index + 1] ?? "")]));
}

/** One page of a list, with the `Link` header that leads to the next. */
export function pageOf<T>(call: Call, all: T[], perPageDefault = 30): { items: T[]; headers: Record<string, string> } {
  const perPage = Math.min(100, Math.max(1, Number(call.query.get("per_page") ?? perPageDefault) || perPageDefault));
  const page = Math.max(1, Number(call.query.get("page") ?? 1) || 1);
  const items = all.slice((page - 1) * perPage, page * perPage);
  if (page * perPage >= all.length) return { items, headers: {} };
  const address = (number: number) => {
    const query = new URLSearchParams(call.query);
    query.set("page", String(number));
    return `${call.origin}${call.path}?${query}`;
  };
  const last = Math.ceil(all.length / perPage);
  return { items, headers: { link: `<${address(page + 1)}>; rel="next", <${address(last)}>; rel="last"` } };
}
