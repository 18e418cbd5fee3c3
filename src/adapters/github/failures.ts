import { z } from "zod";
import { Failure } from "#domain/failure.ts";

/** What an error of the client holds, whatever class it is of. */
const Refused = z.object({
  status: z.number(),
  message: z.string().catch(""),
  response: z
    .object({ headers: z.record(z.string(), z.unknown()).catch({}), data: z.unknown() })
    .optional()
    .catch(undefined),
});
const QueryErrors = z.object({
  errors: z.array(z.object({ type: z.string().optional(), message: z.string() })).min(1),
});

/** Without a word from GitHub, this long is waited. */
const limitFallbackMs = 60_000;
const whyCharactersMax = 500;

/** The names of the variables that a person would have to change. */
export interface Names {
  repository: string;
  credentials: string;
}

/** GitHub's error in our words. Its own text may hold anything and is cut and cleaned; tokens are never part of it. */
export function failureOf(error: unknown, names: Names, nowMs: number): unknown {
  if (error instanceof Failure) return error;
  const query = QueryErrors.safeParse(error).data?.errors[0];
  if (query !== undefined) return queryFailure(query, names, error);
  const refused = Refused.safeParse(error).data;
  if (refused === undefined) return error;
  const headers = refused.response?.headers ?? {};
  const limit = limitOf(refused.message, refused.status, headers, nowMs);
  if (limit !== undefined) return limited(limit, error);
  switch (refused.status) {
    case 401:
      return badCredentials(names, error);
    case 403:
      return notAllowed(refused.message, headers, names, error);
    case 404:
    case 410:
      return gone(names, error);
    case 451:
      return new Failure("misconfigured", `GitHub has blocked the repository ${names.repository}.`, { cause: error });
    default:
      break;
  }
  if (refused.status >= 500 || refused.status === 408) {
    const answer = refused.response === undefined ? "does not answer" : `answered ${refused.status}`;
    return new Failure("unavailable", `GitHub ${answer}.`, { hint: "It is tried again.", cause: error });
  }
  const why = cleaned(refused.message);
  return new Failure("misconfigured", `GitHub refuses the request (${refused.status}): ${why}`, { cause: error });
}

export function statusOf(error: unknown): number | undefined {
  return Refused.safeParse(error).data?.status;
}

/** The first error of a GraphQL answer that is about the request itself and not about credentials, limits or permissions. */
export function queryRefusal(error: unknown): string | undefined {
  const query = QueryErrors.safeParse(error).data?.errors[0];
  if (query === undefined || isPermission(query) || query.type === "RATE_LIMITED") return undefined;
  return query.type === "NOT_FOUND" ? undefined : cleaned(query.message);
}

export function renamed(names: Names, now: string | undefined): Failure {
  const where = now === undefined ? "" : ` It is ${now} now.`;
  return new Failure("misconfigured", `The repository ${names.repository} was renamed or moved.${where}`, {
    hint: `Set AGENT_REPOSITORY to github:${now ?? "owner/name"}.`,
  });
}

export function gone(names: Names, cause: unknown): Failure {
  return new Failure("misconfigured", `There is no repository ${names.repository}, or the agent may not see it.`, {
    hint: `It was deleted or renamed, or ${names.credentials} has no access to it. Check AGENT_REPOSITORY.`,
    cause,
  });
}

/** One line of plain text. */
export function cleaned(text: string): string {
  const plain = text.replace(/ - https:\/\/docs\.github\.com\S*$/, "").replace(/\p{C}+/gu, " ");
  return plain.replace(/ {2,}/g, " ").trim().slice(0, whyCharactersMax);
}

function badCredentials({ credentials }: Names, cause: unknown): Failure {
  return new Failure("misconfigured", `GitHub does not accept ${credentials}.`, {
    hint: `Set ${credentials} to one that is valid; tokens expire.`,
    cause,
  });
}

function notAllowed(message: string, headers: Record<string, unknown>, names: Names, cause: unknown): Failure {
  const accepted = headers["x-accepted-github-permissions"];
  const missing = typeof accepted === "string" ? `: it needs the permission ${cleaned(accepted)}` : "";
  if (!/not accessible by/.test(message)) {
    return new Failure("misconfigured", `GitHub forbids it: ${cleaned(message)}`, { cause });
  }
  return new Failure("misconfigured", `${names.credentials} may not do this on ${names.repository}${missing}.`, {
    hint: "Grant it in the token's or the app's settings. Vigil needs contents and pull requests (write), checks and commit statuses (read).",
    cause,
  });
}

function isPermission({ type, message }: { type?: string | undefined; message: string }): boolean {
  return type === "FORBIDDEN" || /not accessible by/.test(message);
}

function queryFailure(query: { type?: string | undefined; message: string }, names: Names, cause: unknown): Failure {
  if (query.type === "RATE_LIMITED") return limited(new Date(Date.now() + limitFallbackMs), cause);
  if (query.type === "NOT_FOUND") return gone(names, cause);
  if (isPermission(query)) return notAllowed("not accessible by", {}, names, cause);
  return new Failure("unavailable", `GitHub could not answer: ${cleaned(query.message)}`, { cause });
}

/** Until when GitHub wants no more calls; `undefined` where this is about something else. */
function limitOf(message: string, status: number, headers: Record<string, unknown>, nowMs: number): Date | undefined {
  if (status !== 403 && status !== 429) return undefined;
  const after = Number(headers["retry-after"]);
  if (after > 0) return new Date(nowMs + after * 1_000);
  const reset = Number(headers["x-ratelimit-reset"]);
  if (String(headers["x-ratelimit-remaining"]) === "0" && reset > 0) return new Date(reset * 1_000);
  const isLimit = status === 429 || /secondary rate|rate limit exceeded/i.test(message);
  return isLimit ? new Date(nowMs + limitFallbackMs) : undefined;
}

function limited(until: Date, cause: unknown): Failure {
  const time = until.toISOString().slice(0, 19).replace("T", " ");
  return new Failure("unavailable", `GitHub's limit is reached until ${time} UTC.`, {
    hint: "It goes on by itself after that.",
    cause,
  });
}
