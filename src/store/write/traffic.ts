import { sql } from "drizzle-orm";
import type { TrafficReport } from "#domain/event.ts";
import type { Transaction } from "../connect.ts";
import { counts, groupBy, instants, minuteOf, texts } from "./columns.ts";
import { rememberNew } from "./seen-events.ts";

/** Requests as they are counted. `key`: by what a repeated delivery is known (`deliveryKey`); `null`: by nothing. */
export interface TrafficArrival extends Omit<TrafficReport, "id"> {
  key: string | null;
}

/** Adds requests and failures to their minutes. A report that was counted before is left out. */
export async function recordTraffic(tx: Transaction, projectId: string, reports: TrafficArrival[]): Promise<void> {
  const isNew = await rememberNew(
    tx,
    reports.flatMap(({ key }) => key ?? []),
  );
  let place = 0;
  const fresh = reports.filter(({ key }) => key === null || isNew[place++] === true);
  if (fresh.length === 0) return;
  const rows = groupBy(fresh, ({ at, environment, release, operation }) =>
    [environment, release ?? "", operation, minuteOf(at).toISOString()].join("\n"),
  ).map((group) => {
    const [{ environment, release, operation, at }] = group;
    const requests = group.reduce((sum, report) => sum + report.requests, 0);
    const failures = group.reduce((sum, report) => sum + report.failures, 0);
    return { environment, release: release ?? "", operation, minute: minuteOf(at), requests, failures };
  });
  await tx.execute(sql`
    INSERT INTO agent_traffic_minutes AS known (project_id, environment, release, operation, minute, requests, failures)
    SELECT ${projectId}, * FROM unnest(
      ${texts(rows.map(({ environment }) => environment))}, ${texts(rows.map(({ release }) => release))},
      ${texts(rows.map(({ operation }) => operation))}, ${instants(rows.map(({ minute }) => minute))},
      ${counts(rows.map(({ requests }) => requests))}, ${counts(rows.map(({ failures }) => failures))})
    ON CONFLICT (project_id, environment, release, operation, minute) DO UPDATE SET
      requests = known.requests + excluded.requests, failures = known.failures + excluded.failures`);
}
