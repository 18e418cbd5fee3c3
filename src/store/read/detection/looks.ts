import { sql } from "drizzle-orm";
import { z } from "zod";
import type { Connection } from "../../connect.ts";
import { knownIssues } from "./known-issue.ts";
import type { DetectionReads } from "./reads.ts";
import { trafficHistory } from "./traffic.ts";

const probesMax = 1_500;
const calmMax = 50;

type LookReads = Pick<
  DetectionReads,
  "probes" | "trafficHistory" | "issueOf" | "calmConditions" | "isWatched" | "ruleCounts"
>;

/** What was seen of the running application, and what is remembered about it. */
export function lookReads({ db, rows }: Connection, projectId: string, at: Date): LookReads {
  return {
    probes: (environment, windowMs) =>
      rows(
        z.object({
          slot: z.coerce.number(),
          outcome: z.enum(["healthy", "unhealthy", "no_data"]),
          because: z.string(),
        }),
        sql`SELECT slot, outcome, because FROM agent_probes
            WHERE project_id = ${projectId} AND environment = ${environment}
              AND slot > ${Math.floor((at.getTime() - windowMs) / 60_000)} AND slot <= ${Math.floor(at.getTime() / 60_000)}
            ORDER BY slot LIMIT ${probesMax}`,
      ),
    trafficHistory: (environment) => trafficHistory(rows, projectId, environment, at),
    issueOf: async (fingerprint) => {
      const [row] = await rows(
        z.object({ id: z.string() }),
        sql`SELECT id FROM agent_issues WHERE project_id = ${projectId} AND fingerprint = ${fingerprint}`,
      );
      return row === undefined ? undefined : (await knownIssues(db, [row.id])).get(row.id);
    },
    calmConditions: async (keyStart, calmMs, requestsMin) => {
      const calmSince = new Date(at.getTime() - calmMs).toISOString();
      const found = await rows(
        z.object({ id: z.string() }),
        sql`SELECT i.id FROM agent_issues i WHERE i.project_id = ${projectId} AND starts_with(i.fingerprint, ${keyStart})
              AND i.state <> 'recovered' AND i.last_seen < ${calmSince}::timestamptz
              AND (SELECT coalesce(sum(t.requests), 0) FROM agent_traffic_minutes t WHERE t.project_id = i.project_id
                AND t.environment = 'production' AND t.operation = coalesce(i.operation, '')
                AND t.minute > ${calmSince}::timestamptz AND t.minute <= ${at.toISOString()}::timestamptz) >= ${requestsMin}
            ORDER BY i.last_seen LIMIT ${calmMax}`,
      );
      return [
        ...(
          await knownIssues(
            db,
            found.map(({ id }) => id),
          )
        ).values(),
      ];
    },
    isWatched: async (environment) => {
      const [row] = await rows(
        z.object({ watched: z.boolean() }),
        sql`SELECT EXISTS (SELECT 1 FROM agent_issues WHERE project_id = ${projectId}
              AND status = ${environment === "production" ? "monitoring" : "staging"}) AS watched`,
      );
      return row?.watched ?? false;
    },
    ruleCounts: () =>
      rows(
        z.object({
          name: z.string(),
          steps: z.coerce.number(),
          issues: z.coerce.number(),
          falseAlarms: z.coerce.number(),
        }),
        sql`SELECT coalesce(i.rule, r.name) AS name, coalesce(r.steps, 0) AS steps,
              count(i.id) AS issues, count(i.id) FILTER (WHERE i.false_alarm) AS "falseAlarms"
            FROM (SELECT * FROM agent_issues WHERE project_id = ${projectId} AND rule IS NOT NULL) i
            FULL JOIN (SELECT * FROM agent_rules WHERE project_id = ${projectId}) r
              ON r.name = i.rule
            WHERE r.since IS NULL OR i.id IS NULL OR i.created_at >= r.since
            GROUP BY 1, 2 ORDER BY 1 LIMIT 100`,
      ),
  };
}
