import type { Metadata } from "next";
import Link from "next/link";
import { z } from "zod";
import { Severity } from "#domain/issue.ts";
import { type Status, statuses } from "#domain/lifecycle.ts";
import type { FiguresView } from "#domain/view.ts";
import { SeverityBadge, StatusBadge, statusWords } from "#ui/badge.tsx";
import { buttonClass } from "#ui/button.tsx";
import { counted, Panel } from "#ui/facts.tsx";
import { Branch, Commit, PullRequest } from "#ui/source-links.tsx";
import { Time } from "#ui/time.tsx";
import { signedIn } from "../signed-in.ts";
import { Plots } from "./plots.tsx";

export const metadata: Metadata = { title: "History" };

const pageSize = 50;

/** Whatever stands in the address: what is not understood counts as not asked for. */
const Query = z.object({
  text: z.string().trim().max(200).optional().catch(undefined),
  status: z
    .enum(statuses as [Status, ...Status[]])
    .optional()
    .catch(undefined),
  severity: Severity.optional().catch(undefined),
  type: z.string().max(100).optional().catch(undefined),
  days: z.coerce.number().int().min(1).max(365).optional().catch(undefined),
  after: z.string().max(100).optional().catch(undefined),
});

type Query = z.infer<typeof Query>;

export default async function HistoryPage({ searchParams }: { searchParams: Promise<Record<string, string>> }) {
  const { agent } = await signedIn();
  const given = Object.entries(await searchParams).filter(([, value]) => value !== "");
  const query = Query.parse(Object.fromEntries(given));
  const { type, ...filter } = query;
  const [page, figures, types] = await Promise.all([
    agent.views.history({ ...filter, issueType: type, limit: pageSize }),
    agent.views.figures(query.days ?? 30),
    agent.views.issueTypes(),
  ]);
  return (
    <>
      <h1 className="font-semibold text-lg">History</h1>
      <Figures figures={figures} />
      <Filters query={query} types={types} />
      <Panel title={counted(page.inAll, "issue")} id="issues">
        {page.rows.length === 0 && <p className="px-4 py-6 text-muted">No issue fits these filters.</p>}
        <ul className="divide-y divide-line">
          {page.rows.map((row) => (
            <li key={row.id} data-issue={row.id} className="flex flex-wrap items-center gap-x-3 gap-y-1 px-4 py-2">
              <SeverityBadge severity={row.severity} />
              <Link
                href={`/dashboard/agent/issues/${row.id}`}
                prefetch={false}
                className="min-w-0 flex-1 basis-64 truncate font-medium hover:underline"
              >
                {row.title}
              </Link>
              <StatusBadge status={row.status} />
              <Commit id={row.commit} repository={page.repositoryUrl} />
              {row.branch !== null && <Branch name={row.branch} repository={page.repositoryUrl} />}
              {row.pullRequestUrl !== null && <PullRequest url={row.pullRequestUrl} />}
              <span className="text-muted tabular-nums">
                {row.durationMs === null ? "under way" : inWords(row.durationMs)}
              </span>
              <span className="text-muted">
                <Time iso={row.createdAt} style="date" />
              </span>
            </li>
          ))}
        </ul>
      </Panel>
      {page.next !== null && (
        <Link href={addressOf({ ...query, after: page.next })} className={buttonClass("plain")} prefetch={false}>
          Older issues
        </Link>
      )}
    </>
  );
}

function addressOf(query: Query): string {
  const parts = Object.entries(query).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]]));
  return `/dashboard/agent/history?${new URLSearchParams(parts)}`;
}

const field = "min-h-10 rounded-md border border-line bg-panel px-2 sm:min-h-8";

/** A plain form: it works before any script has come, and the address says what is shown. */
function Filters({ query, types }: { query: Query; types: string[] }) {
  return (
    <form className="flex flex-wrap items-end gap-2">
      <label>
        <span className="block text-muted text-xs">Search</span>
        <input
          name="text"
          type="search"
          defaultValue={query.text}
          placeholder="title, route, commit"
          className={field}
        />
      </label>
      <label>
        <span className="block text-muted text-xs">Status</span>
        <select name="status" defaultValue={query.status ?? ""} className={field}>
          <option value="">any</option>
          {statuses.map((status) => (
            <option key={status} value={status}>
              {statusWords[status].label}
            </option>
          ))}
        </select>
      </label>
      <label>
        <span className="block text-muted text-xs">Severity</span>
        <select name="severity" defaultValue={query.severity ?? ""} className={field}>
          <option value="">any</option>
          {Severity.options.map((severity) => (
            <option key={severity}>{severity}</option>
          ))}
        </select>
      </label>
      <label>
        <span className="block text-muted text-xs">Type</span>
        <select name="type" defaultValue={query.type ?? ""} className={field}>
          <option value="">any</option>
          {types.map((type) => (
            <option key={type} value={type}>
              {type.replaceAll("_", " ")}
            </option>
          ))}
        </select>
      </label>
      <label>
        <span className="block text-muted text-xs">Since</span>
        <select name="days" defaultValue={query.days ?? ""} className={field}>
          <option value="">ever</option>
          {[1, 7, 30, 90].map((days) => (
            <option key={days} value={days}>
              {days === 1 ? "a day" : `${days} days`}
            </option>
          ))}
        </select>
      </label>
      <button type="submit" className={buttonClass("plain")}>
        Show
      </button>
    </form>
  );
}

/** Against the targets of spec.md §16. */
function Figures({ figures }: { figures: FiguresView }) {
  const { days, withoutPersonPct, medianToStagingMs, keptPct, falsePositivePct } = figures;
  const shown = [
    { name: "P2–P4 fixed without a person", value: pct(withoutPersonPct), target: "≥ 80 %" },
    {
      name: "Median to a tested fix on staging",
      value: medianToStagingMs === null ? "—" : inWords(medianToStagingMs),
      target: "< 10 min",
    },
    { name: "Deployed fixes never rolled back", value: pct(keptPct), target: "≥ 95 %" },
    { name: "False positives", value: pct(falsePositivePct), target: "< 1 %" },
    { name: "Resolved of what ended", value: pct(figures.successPct), target: null },
    {
      name: "Time to fix, mean and median",
      value: `${ms(figures.meanFixMs)}, ${ms(figures.medianFixMs)}`,
      target: null,
    },
    { name: "Rollbacks", value: String(figures.rolledBack), target: null },
    { name: "Spent on models", value: `$${figures.spendUsd.toFixed(2)}`, target: null },
  ];
  return (
    <Panel title={days === 1 ? "The last day" : `The last ${days} days`} id="figures">
      <dl className="grid grid-cols-2 gap-4 p-4 md:grid-cols-4">
        {shown.map(({ name, value, target }) => (
          <div key={name}>
            <dt className="text-muted">{name}</dt>
            <dd className="font-semibold text-base tabular-nums">
              {value} {target !== null && <span className="font-normal text-muted text-xs">target {target}</span>}
            </dd>
          </div>
        ))}
      </dl>
      <Plots figures={figures} />
    </Panel>
  );
}

function pct(value: number | null): string {
  return value === null ? "—" : `${value.toFixed(value < 10 ? 1 : 0)} %`;
}

function ms(value: number | null): string {
  return value === null ? "—" : inWords(value);
}

function inWords(durationMs: number): string {
  const minutes = durationMs / 60_000;
  if (minutes < 1) return `${Math.round(durationMs / 1_000)} s`;
  if (minutes < 120) return `${Math.round(minutes)} min`;
  return minutes < 2_880 ? `${Math.round(minutes / 60)} h` : `${Math.round(minutes / 1_440)} d`;
}
