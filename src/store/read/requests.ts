import { sql } from "drizzle-orm";

/**
 * The requests of some rows of `agent_traffic_minutes`. A source that reports the application as a whole (operation "") may stand
 * beside one that reports each route: the larger sum counts, never both.
 */
export const requestsOnce = sql`coalesce(greatest(sum(requests) FILTER (WHERE operation = ''), sum(requests) FILTER (WHERE operation <> '')), 0)`;
