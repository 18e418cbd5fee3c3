import type { Metadata } from "next";
import Link from "next/link";
import { z } from "zod";
import { buttonClass } from "#ui/button.tsx";
import { Panel } from "#ui/facts.tsx";
import { Timeline } from "#ui/timeline.tsx";
import { VerifyChain } from "#ui/verify-chain.tsx";
import { signedIn } from "../signed-in.ts";

export const metadata: Metadata = { title: "Audit log" };

const pageSize = 100;

const Query = z.object({
  text: z.string().trim().max(200).optional().catch(undefined),
  actor: z.enum(["agent", "people"]).optional().catch(undefined),
  outcome: z.enum(["intended", "done", "failed", "refused"]).optional().catch(undefined),
  before: z.coerce.number().int().positive().optional().catch(undefined),
});

export default async function AuditPage({ searchParams }: { searchParams: Promise<Record<string, string>> }) {
  const { agent } = await signedIn();
  const given = Object.entries(await searchParams).filter(([, value]) => value !== "");
  const query = Query.parse(Object.fromEntries(given));
  const entries = await agent.views.audit({ ...query, limit: pageSize });
  const last = entries.at(-1)?.seq;
  return (
    <>
      <h1 className="font-semibold text-lg">Audit log</h1>
      <p className="text-muted">
        Every action of the agent and of people. Rows cannot be changed or removed: each one's hash covers the row
        before it.
      </p>
      <VerifyChain />
      <form className="flex flex-wrap items-end gap-2">
        <label>
          <span className="block text-muted text-xs">Search</span>
          <input name="text" type="search" defaultValue={query.text} className={field} />
        </label>
        <label>
          <span className="block text-muted text-xs">By</span>
          <select name="actor" defaultValue={query.actor ?? ""} className={field}>
            <option value="">anybody</option>
            <option value="agent">the agent</option>
            <option value="people">people</option>
          </select>
        </label>
        <label>
          <span className="block text-muted text-xs">Outcome</span>
          <select name="outcome" defaultValue={query.outcome ?? ""} className={field}>
            <option value="">any</option>
            {["intended", "done", "failed", "refused"].map((outcome) => (
              <option key={outcome}>{outcome}</option>
            ))}
          </select>
        </label>
        <button type="submit" className={buttonClass("plain")}>
          Show
        </button>
        <a href={`/api/agent/audit?${addressOf({ ...query, format: "ndjson" })}`} className={buttonClass("quiet")}>
          Export NDJSON
        </a>
        <a href={`/api/agent/audit?${addressOf({ ...query, format: "csv" })}`} className={buttonClass("quiet")}>
          Export CSV
        </a>
      </form>
      <Panel title="Actions" id="actions">
        <div className="p-4">
          <Timeline entries={entries} />
        </div>
      </Panel>
      {entries.length === pageSize && last !== undefined && (
        <Link
          href={`/dashboard/agent/audit?${addressOf({ ...query, before: last })}`}
          prefetch={false}
          className={buttonClass("plain")}
        >
          Older actions
        </Link>
      )}
    </>
  );
}

const field = "min-h-10 rounded-md border border-line bg-panel px-2 sm:min-h-8";

function addressOf(query: Record<string, string | number | undefined>): string {
  const parts = Object.entries(query).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]]));
  return new URLSearchParams(parts).toString();
}
