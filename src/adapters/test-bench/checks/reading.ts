import type { Sha } from "#domain/ids.ts";
import type { Client } from "../../github/client.ts";

/** One check run or commit status, the newest of its name. */
export interface Check {
  name: string;
  state: "open" | "passed" | "skipped" | "failed";
  /** What it ended with, in the service's word. */
  conclusion: string;
  startedAt: string | null;
  endedAt: string | null;
  /** The job of GitHub Actions behind it, which has a log. */
  job: number | null;
  summary: string;
}

const pagesMax = 5;
const perPage = 100;
/** https://docs.github.com/rest/checks/runs: these say that the check has nothing against the commit. */
const harmless = new Set(["success", "neutral", "skipped"]);

/** Everything that reported about the commit. */
export async function checksOf(client: Client, commit: Sha): Promise<Check[]> {
  const [runs, statuses] = await Promise.all([checkRuns(client, commit), commitStatuses(client, commit)]);
  return [...runs, ...statuses];
}

async function checkRuns({ repo, call }: Client, ref: Sha): Promise<Check[]> {
  const found: Check[] = [];
  for (let page = 1; page <= pagesMax; page++) {
    const asked = { ...repo, ref, filter: "latest" as const, per_page: perPage, page };
    const { data } = await call((api) => api.checks.listForRef(asked));
    for (const run of data.check_runs) {
      const conclusion = run.conclusion ?? "";
      const ended = harmless.has(conclusion) ? (conclusion === "success" ? "passed" : "skipped") : "failed";
      found.push({
        name: run.name,
        state: run.status === "completed" ? ended : "open",
        ...{ conclusion, startedAt: run.started_at, endedAt: run.completed_at },
        job: jobOf(run.details_url),
        summary: [run.output?.title, run.output?.summary].filter(Boolean).join("\n"),
      });
    }
    if (data.check_runs.length < perPage) break;
  }
  return found;
}

function jobOf(address: string | null): number | null {
  const found = /\/actions\/runs\/\d+\/job\/(\d{1,15})(?:$|[?#])/.exec(address ?? "")?.[1];
  return found === undefined ? null : Number(found);
}

async function commitStatuses({ repo, call }: Client, ref: Sha): Promise<Check[]> {
  const { data } = await call((api) => api.repos.getCombinedStatusForRef({ ...repo, ref, per_page: perPage }));
  const states = { success: "passed", pending: "open" } as const;
  return data.statuses.map(({ context, state, description, created_at, updated_at }) => ({
    ...{ name: context, conclusion: state, startedAt: created_at, endedAt: updated_at, job: null },
    state: state === "success" || state === "pending" ? states[state] : "failed",
    summary: description ?? "",
  }));
}

/** The names that `branch` requires, by protection and by rulesets. Empty: none is required, or there is no such branch. */
export async function requiredOf({ repo, find }: Client, branch: string): Promise<Set<string>> {
  const [found, rules] = await Promise.all([
    find((api) => api.repos.getBranch({ ...repo, branch })),
    find((api) => api.repos.getBranchRules({ ...repo, branch, per_page: perPage })),
  ]);
  const byProtection = found?.data.protection.required_status_checks?.contexts ?? [];
  const byRules = (rules?.data ?? []).flatMap((rule) =>
    rule.type === "required_status_checks"
      ? (rule.parameters?.required_status_checks ?? []).map(({ context }) => context)
      : [],
  );
  return new Set([...byProtection, ...byRules]);
}
