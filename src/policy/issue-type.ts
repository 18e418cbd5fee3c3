import type { ErrorEvent } from "#domain/event.ts";

const databaseTypes =
  /^(Prisma|Postgres|Pg|Drizzle|Database|Sequelize|Knex|Mongo|MySQL|Sqlite)\w*|^(DatabaseError|QueryFailedError)$/i;
const databaseTexts =
  /ECONNREFUSED.{0,80}:(5432|5433|6432|6543|3306|27017)\b|\b(SQLSTATE|relation "[^"]{1,100}" does not exist|duplicate key value|violates (?:unique|foreign key|not-null|check) constraint|deadlock detected|too many (?:clients|connections)|remaining connection slots|column "[^"]{1,100}" does not exist|database (?:connection|is|server|system)|syntax error at or near)\b/i;
const timeouts = /\b(ETIMEDOUT|ESOCKETTIMEDOUT|timed? ?out|timeout|deadline exceeded)\b/i;
const external =
  /\b(ECONNREFUSED|ECONNRESET|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|EPIPE|socket hang up|bad gateway|upstream)\b|\b(request|call|response|webhook|api).{0,60}\b(status(?: code)?|HTTP)[ :=]{1,3}[45]\d\d\b/i;
const configuration =
  /\b(missing|required|invalid)\b.{0,60}\b(environment variable|env(?:ironment)? var|configuration)\b|\benvironment variable\b.{0,80}\b(missing|required|not set|undefined)/i;
const unsetVariable =
  /\b[A-Z][A-Z0-9]{1,30}_[A-Z0-9_]{1,40} (?:is|was) (?:not set|missing|required|not defined|undefined)/;
const rendering =
  /\b(hydrat\w+|React error #\d+|Rendered (?:more|fewer) hooks|Objects are not valid as a React child|Server Components render)\b/i;

const codeFault = /^(nullish read of|not a function:|not defined:|invalid JSON$|stack overflow$)/;

/** What a problem is about (detection.md §2.4.6). The sender's own word wins. */
export function issueTypeOf(event: ErrorEvent, pattern: string): string {
  if (event.issueType !== null && event.issueType.trim() !== "") return event.issueType.trim();
  const type = event.errorType ?? "";
  // A code fault may name any word in what it reads; only its place says what it is about.
  const text = codeFault.test(pattern) ? "" : event.message.slice(0, 1_000);
  if (pattern === "chunk load failed" || type === "ChunkLoadError") return "chunk_load";
  if (databaseTypes.test(type) || databaseTexts.test(text)) return "database_error";
  if (configuration.test(text) || unsetVariable.test(text)) return "config_error";
  if (/timeout/i.test(type) || timeouts.test(text)) return "timeout";
  if (
    pattern === "network request failed" ||
    external.test(text) ||
    /^(Axios|Fetch|Stripe|Got|HTTP)\w*Error$/.test(type)
  ) {
    return event.trust === "browser" ? "client_error" : "external_api_error";
  }
  if (rendering.test(text)) return "render_error";
  if (event.trust === "browser") return "client_error";
  if (/^[A-Z]{3,7} \//.test(event.operation ?? "")) return "api_error";
  if (event.frames.some(({ file, inApp }) => inApp && /(^|\/)(page|layout|template|error)\.[jt]sx?$/.test(file)))
    return "render_error";
  if (event.frames.length === 0 && event.stack === null && type === "") return "log_error";
  return "api_error";
}
