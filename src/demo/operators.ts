import { z } from "zod";
import { statuses } from "#domain/lifecycle.ts";

/** What the demo reads of an issue in the list; everything else is left to others. */
const IssueSummary = z.object({
  id: z.string(),
  severity: z.string(),
  status: z.string(),
  title: z.string(),
  issueType: z.string(),
  operation: z.string().nullish().default(null),
});
export type IssueSummary = z.infer<typeof IssueSummary>;

const Step = z.object({ at: z.string(), status: z.string(), because: z.string().nullish() });
export type Step = z.infer<typeof Step>;

const Fix = z.object({
  files: z.array(z.string()).nullish(),
  /** What is tested, staged and shipped; before there is such a commit, the one on the fix's branch. */
  commit: z.string().nullish(),
  diff: z.string().nullish(),
  diffHash: z.string().nullish(),
});

/** Only the steps that are statuses: what else happened in between is told by the actions. */
const Timeline = z.array(Step).transform((steps) => steps.filter(({ status }) => isStatus(status)));

const IssueDetail = IssueSummary.extend({ timeline: Timeline, fix: Fix.nullish() });
export type IssueDetail = z.infer<typeof IssueDetail>;

const IssueList = z.object({ issues: z.array(IssueSummary) });

/** The operators' API of a running Vigil, as any program of an operator would use it. */
export interface Operators {
  health(): Promise<{ status: number; body: string }>;
  changeSettings(patch: Record<string, unknown>): Promise<void>;
  issues(): Promise<IssueSummary[]>;
  issue(id: string): Promise<IssueDetail>;
  approve(issue: IssueDetail, reason: string): Promise<void>;
}

const answerTimeoutMs = 30_000;
const answerTriesMax = 3;
const errorCharsMax = 1_000;

export function createOperators({ url, token }: { url: string; token: string }): Operators {
  async function call(method: string, path: string, body?: unknown): Promise<unknown> {
    const response = await answerTo(new URL(path, url), {
      method,
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: body === undefined ? null : JSON.stringify(body),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${text.slice(0, errorCharsMax)}`);
    return JSON.parse(text);
  }
  return {
    async health() {
      const response = await fetch(new URL("/api/health", url), { signal: AbortSignal.timeout(answerTimeoutMs) });
      return { status: response.status, body: (await response.text()).slice(0, errorCharsMax) };
    },
    changeSettings: async (patch) => void (await call("PATCH", "/api/agent/settings", patch)),
    issues: async () => IssueList.parse(await call("GET", "/api/agent/issues")).issues,
    issue: async (id) => IssueDetail.parse(await call("GET", `/api/agent/issues/${id}`)),
    async approve({ id, fix }, reason) {
      // Bound to the very diff that was shown: had it changed meanwhile, the answer would be a refusal.
      const diffHash = fix?.diffHash ?? undefined;
      await call("POST", `/api/agent/issues/${id}/approve`, { reason, diffHash });
    },
  };
}

/** A server may close an idle connection just when it is used again: a question, and no order, is then asked once more. */
async function answerTo(address: URL, request: RequestInit): Promise<Response> {
  for (let tries = 1; ; tries++) {
    try {
      return await fetch(address, { ...request, signal: AbortSignal.timeout(answerTimeoutMs) });
    } catch (error) {
      if (request.method !== "GET" || tries === answerTriesMax) throw error;
    }
  }
}

function isStatus(text: string): boolean {
  return statuses.some((status) => status === text);
}
