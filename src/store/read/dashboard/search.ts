import { type SQL, sql } from "drizzle-orm";

/** Words that stand in an issue's title, message or operation, or the beginning of its id or commit; `issue` names it in the query. */
export function textCondition(text: string, issue: "i" | "agent_issues"): SQL {
  const plain = patternOf(text);
  const column = (name: string) => sql.raw(`${issue}.${name}`);
  return sql`(concat_ws(' ', ${column("title")}, ${column("message")}, ${column("operation")}) ILIKE ${`%${plain}%`}
    OR ${column("id")}::text LIKE ${`${plain}%`} OR ${column("commit_sha")} LIKE ${`${plain}%`})`;
}

/** What was asked for, without the one character that no text in the database can hold. */
export function storable(text: string): string {
  return text.replaceAll("\0", "\uFFFD");
}

/** A text for LIKE that stands for nothing but itself. */
export function patternOf(text: string): string {
  return storable(text).replaceAll(/[\\%_]/g, "\\$&");
}
