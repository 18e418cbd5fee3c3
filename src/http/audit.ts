import { z } from "zod";
import type { TimelineEntry } from "#domain/view.ts";
import { type Http, thisProcess } from "./context.ts";
import { identify, refuseForeignOrigin } from "./identity.ts";
import { endpoint, type Handler, json } from "./respond.ts";

const rowsPerReading = 1_000;

const Query = z.object({
  format: z.enum(["ndjson", "csv"]).default("ndjson"),
  text: z.string().max(200).optional(),
  actor: z.enum(["agent", "people"]).optional(),
  outcome: z.enum(["intended", "done", "failed", "refused"]).optional(),
  before: z.coerce.number().int().positive().optional(),
});

/**
 * `GET` exports the audit trail, newest first, as NDJSON or CSV: all of it, at the pace of its reader, or a stream that visibly
 * breaks off; `POST` walks the chain and says whether it is whole. */
export function auditTrail(http: Http = thisProcess) {
  const exported: Handler = async (request) => {
    const agent = await http.agentOf();
    await identify(request, agent);
    const given = [...new URL(request.url).searchParams].filter(([, value]) => value !== "");
    const { format, ...filter } = Query.parse(Object.fromEntries(given));
    const write = format === "csv" ? csvLine : (row: TimelineEntry) => `${JSON.stringify(row)}\n`;
    let before = filter.before;
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        if (format === "csv") controller.enqueue(new TextEncoder().encode(`${columns.join(",")}\r\n`));
      },
      pull: async (controller) => {
        const rows = await agent.views.audit({ ...filter, before, limit: rowsPerReading }).catch((cause: unknown) => {
          http.log("the export of the audit trail broke off", cause);
          throw cause;
        });
        before = rows.at(-1)?.seq;
        controller.enqueue(new TextEncoder().encode(rows.map(write).join("")));
        if (rows.length < rowsPerReading) controller.close();
      },
    });
    const type = format === "csv" ? "text/csv; charset=utf-8" : "application/x-ndjson; charset=utf-8";
    const headers = { "content-type": type, "content-disposition": `attachment; filename="vigil-audit.${format}"` };
    return new Response(body, {
      headers: { ...headers, "cache-control": "no-store", "x-content-type-options": "nosniff" },
    });
  };
  const verify: Handler = async (request) => {
    const agent = await http.agentOf();
    refuseForeignOrigin(request, agent);
    await identify(request, agent, { onlyLooks: true });
    return json(await agent.verifyAudit([]));
  };
  return endpoint(http.log, { GET: exported, POST: verify });
}

const columns = ["seq", "at", "actor", "action", "subject", "outcome", "because", "issueId", "detail"] as const;

function csvLine(row: TimelineEntry): string {
  const cells = columns.map((name) =>
    csvCell(name === "detail" ? JSON.stringify(row.detail) : String(row[name] ?? "")),
  );
  return `${cells.join(",")}\r\n`;
}

/** A cell that starts like a formula would be run by a spreadsheet: a quote in front makes it text (reliability D27). */
function csvCell(text: string): string {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return `"${safe.replaceAll('"', '""')}"`;
}
