import { setTimeout as sleep } from "node:timers/promises";
import type { z } from "zod";
import { Failure } from "#domain/failure.ts";
import { cleanLine, cut } from "#domain/text.ts";
import { ApiError } from "./shapes.ts";

export interface VercelAccess {
  token: string;
  projectId: string;
  teamId: string | null;
  /** `null`: Vercel's own. */
  apiUrl: string | null;
}

export interface VercelClientOptions extends VercelAccess {
  /** One call. Default 10 s. */
  timeoutMs?: number;
  /** How long a call that may be repeated goes on trying. Default 20 s: a function has to end. */
  patienceMs?: number;
}

export interface VercelClient {
  /** `atMs`: Vercel's own time, so that its times can be compared without trusting our clock. */
  get<Value>(
    path: string,
    query: Record<string, string>,
    schema: z.ZodType<Value>,
  ): Promise<{ value: Value; atMs: number }>;
  /** Asks for a change. `refused`: Vercel understood and will not do it. */
  change(method: "POST" | "PATCH", path: string, query?: Record<string, string>): Promise<Changed>;
}

export type Changed = { kind: "accepted" } | { kind: "refused"; status: number; why: string };

export const vercelApi = "https://api.vercel.com";
/** Larger than any answer that Vigil asks for; a project with hundreds of variables has 1 MB. */
const bodyBytesMax = 8 * 1024 * 1024;
const pausesMs = [300, 1_000, 3_000];
/** Whoever asks us to wait longer is asked again at the next look. */
const longestPauseMs = 5_000;
const tokenHint =
  "Make a token at vercel.com/account/tokens whose scope is the project's team, and set VERCEL_TOKEN (and VERCEL_TEAM_ID).";

/**
 * Vercel's REST API over fetch. `@vercel/sdk` (1.28) is made and maintained for this, and not used: it brings 52 MB in
 * 1,025 modules for the eight calls below, which a function would load at each cold start.
 */
export function createVercelClient(options: VercelClientOptions): VercelClient {
  const { timeoutMs = 10_000, patienceMs = 20_000 } = options;

  async function once(method: string, path: string, query: Record<string, string>): Promise<Reply> {
    const url = new URL(`${options.apiUrl ?? vercelApi}${path}`);
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    if (options.teamId !== null) url.searchParams.set("teamId", options.teamId);
    const headers = { authorization: `Bearer ${options.token}`, accept: "application/json" };
    const signal = AbortSignal.timeout(timeoutMs);
    try {
      const response = await fetch(url, {
        method,
        headers: method === "GET" ? headers : { ...headers, "content-type": "application/json" },
        ...(method === "GET" ? {} : { body: "{}" }),
        // A redirect would carry the token to wherever it points.
        redirect: "error",
        signal,
      });
      const body = await boundedText(response);
      // A body that was cut off at the limit is no answer, even where its stream just ends.
      signal.throwIfAborted();
      return { kind: "answer", response, body };
    } catch (error) {
      return { kind: "silent", cause: error };
    }
  }

  /** Repeats what failed in passing, within the patience. All calls may be repeated: they say how things shall be. */
  async function call(method: string, path: string, query: Record<string, string>): Promise<Answered> {
    const startedMs = performance.now();
    for (let tries = 0; ; tries++) {
      const reply = await once(method, path, query);
      if (reply.kind === "answer" && !isPassing(reply.response.status)) return reply;
      const pauseMs = askedPauseMs(reply) ?? pausesMs[tries];
      const spentMs = performance.now() - startedMs;
      const isOver = pauseMs === undefined || pauseMs > longestPauseMs || spentMs + pauseMs > patienceMs;
      if (isOver || tries >= pausesMs.length) throw passingFailure(reply);
      await sleep(pauseMs);
    }
  }

  return {
    async get(path, query, schema) {
      const { response, body } = await call("GET", path, query);
      if (!response.ok) throw refusal(response.status, body, options.projectId);
      const parsed = schema.safeParse(jsonOf(body));
      if (!parsed.success) {
        throw new Failure("unavailable", "Vercel's API answered something that is not understood.", {
          hint: "Is VERCEL_API_URL right? Otherwise Vercel changed this answer.",
          cause: parsed.error,
        });
      }
      const date = Date.parse(response.headers.get("date") ?? "");
      return { value: parsed.data, atMs: Number.isNaN(date) ? Date.now() : date };
    },
    async change(method, path, query = {}) {
      const { response, body } = await call(method, path, query);
      if (response.ok) return { kind: "accepted" };
      if (response.status === 401 || response.status === 403) throw refusal(response.status, body, options.projectId);
      return { kind: "refused", status: response.status, why: saidIn(body) ?? `status ${response.status}` };
    },
  };
}

interface Answered {
  kind: "answer";
  response: Response;
  body: string;
}
type Reply = Answered | { kind: "silent"; cause: unknown };

const isPassing = (status: number) => status === 429 || status === 408 || status >= 500;

/** What Vercel asks us to wait: `Retry-After`, or the moment at which its limit starts anew, on its own clock. */
function askedPauseMs(reply: Reply): number | undefined {
  if (reply.kind !== "answer") return undefined;
  const { headers } = reply.response;
  const after = headers.get("retry-after");
  const nowMs = Date.parse(headers.get("date") ?? "");
  if (after !== null && /^\d{1,6}$/.test(after)) return Number(after) * 1_000;
  const atMs = after === null ? Number(headers.get("x-ratelimit-reset") ?? "") * 1_000 : Date.parse(after);
  if (reply.response.status !== 429 || !(atMs > 0) || Number.isNaN(nowMs)) return undefined;
  return Math.max(0, atMs - nowMs);
}

function passingFailure(reply: Reply): Failure {
  if (reply.kind === "silent") {
    return new Failure("unavailable", "Vercel's API does not answer.", { cause: reply.cause });
  }
  const { status } = reply.response;
  if (status === 429) {
    return new Failure("rate_limited", "Vercel's API asks to wait: too many requests with VERCEL_TOKEN.", {
      cause: cut(reply.body, 500),
    });
  }
  return new Failure("unavailable", `Vercel's API answers ${status}.`, { cause: cut(reply.body, 500) });
}

function refusal(status: number, body: string, projectId: string): Failure {
  const parsed = ApiError.safeParse(jsonOf(body)).data?.error;
  const cause = cut(body, 500);
  if (status === 401 || parsed?.invalidToken === true) {
    return new Failure("misconfigured", "Vercel refuses VERCEL_TOKEN: it is wrong, revoked or expired.", {
      hint: tokenHint,
      cause,
    });
  }
  if (status === 403) {
    return new Failure("forbidden", "Vercel does not allow this with VERCEL_TOKEN and VERCEL_TEAM_ID.", {
      hint: `The token's owner needs the role Owner or Member in the project's team (or Project Administrator). ${tokenHint}`,
      cause,
    });
  }
  if (status === 404) {
    return new Failure("misconfigured", `Vercel finds no project ${projectId} for this token.`, {
      hint: "VERCEL_PROJECT_ID is the project's id (Settings → General, prj_…); VERCEL_TEAM_ID the id of the team that owns it (team_…).",
      cause,
    });
  }
  return new Failure("unavailable", `Vercel's API answers ${status}.`, { cause });
}

/** Vercel's own words, made harmless: they may repeat names from the repository. */
function saidIn(body: string): string | undefined {
  const message = ApiError.safeParse(jsonOf(body)).data?.error.message;
  return typeof message === "string" ? cut(cleanLine(message), 300) : undefined;
}

function jsonOf(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

async function boundedText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > bodyBytesMax) throw new Error("the answer is too large");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
