import type { IncomingHttpHeaders } from "node:http";
import type { HealthCheck } from "#domain/evidence.ts";
import { type Sha, shortId } from "#domain/ids.ts";

/** A complete answer of a health endpoint. */
export interface HealthAnswer {
  status: number;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

type Judgement = Pick<HealthCheck, "outcome" | "because" | "servedCommit">;

/** Every other value of a `status` that is there, `degraded` included, is unhealthy: nobody promotes on a maybe. */
const goodStatuses = ["ok", "healthy", "pass", "passing", "up", "true", "alive", "live", "ready", "green", "200"];
const errorPageMarks = [
  "application error",
  "internal server error",
  "server error",
  "bad gateway",
  "gateway time",
  "service unavailable",
  "temporarily unavailable",
  "not found",
  "forbidden",
  "access denied",
  "unauthorized",
  "something went wrong",
  "an error occurred",
  "error occurred",
  "exception",
  "maintenance",
];
const loginMarks = ["log in", "login", "sign in", "signin"];
/** A page's text below its headings may well speak of errors; a plain text this short is the answer itself. */
const plainTextCharactersMax = 200;
const quotedCharactersMax = 60;
const releaseFields = ["release", "commit", "version"];

/**
 * Judges what an endpoint said. JSON: a `status` (or `ok`, `healthy`) must be a good one; without any, status 200 is
 * enough. Anything else is healthy unless its title, its headings or its short text are those of an error or login
 * page. Where a release is `expected`, the answer must name it: in full, or by 7 digits or more.
 */
export function judgeAnswer(answer: HealthAnswer, expected: Sha | null): Judgement {
  const text = textOf(answer.body);
  const json = text === undefined ? undefined : parseJson(text);
  const reported = reportedRelease(json, answer.headers);
  const servedCommit = reported !== null && expected?.startsWith(reported) ? expected : reported;
  const wrong = complaintAbout(answer, text, json) ?? wrongRelease(servedCommit, expected);
  return wrong === undefined
    ? { outcome: "healthy", because: "status 200", servedCommit }
    : { outcome: "unhealthy", because: wrong, servedCommit };
}

function complaintAbout(answer: HealthAnswer, text: string | undefined, json: unknown): string | undefined {
  const encoding = answer.headers["content-encoding"];
  if (answer.status !== 200) return `status ${answer.status}`;
  if (encoding !== undefined && encoding !== "identity")
    return "the answer is compressed although nobody asked for that";
  if (text === undefined) return "the answer is not text";
  if (json !== undefined) return complaintAboutJson(json);
  const type = answer.headers["content-type"] ?? "";
  return /\bjson\b/i.test(type) ? "the answer is broken JSON" : complaintAboutText(text);
}

function complaintAboutJson(json: unknown): string | undefined {
  const fields = asFields(json);
  if (fields === undefined) {
    return isGood(json) ? undefined : `the answer says nothing about health: ${quoted(json)}`;
  }
  const name = ["status", "ok", "healthy"].find((field) => fields[field] !== undefined);
  return name === undefined || isGood(fields[name]) ? undefined : `it reports ${name} ${quoted(fields[name])}`;
}

function isGood(value: unknown): boolean {
  const isScalar = typeof value === "string" || typeof value === "boolean" || typeof value === "number";
  return isScalar && goodStatuses.includes(String(value).trim().toLowerCase());
}

function complaintAboutText(text: string): string | undefined {
  const lower = text.toLowerCase();
  const isPage = lower.includes("<html") || lower.trimStart().startsWith("<!doctype");
  const shown = isPage ? ["title", "h1", "h2"].flatMap((tag) => contentsOf(lower, tag)).join(" ") : lower;
  const said = isPage ? shown : shown.slice(0, plainTextCharactersMax);
  const mark = errorPageMarks.find((one) => said.includes(one));
  if (mark !== undefined) return `status 200, but it is an error page ("${mark}")`;
  const isLogin = isPage && (/type=["']?password/.test(lower) || loginMarks.some((one) => said.includes(one)));
  return isLogin ? "status 200, but it is a login page" : undefined;
}

/** What stands between `<tag …>` and `</tag`, by plain search: hostile markup costs no more than its length. */
function contentsOf(html: string, tag: string): string[] {
  const contents: string[] = [];
  for (let at = html.indexOf(`<${tag}`); at !== -1; ) {
    const end = html.indexOf(`</${tag}`, at);
    if (end === -1) break;
    contents.push(html.slice(html.indexOf(">", at) + 1, end));
    at = html.indexOf(`<${tag}`, end);
  }
  return contents;
}

function wrongRelease(served: string | null, expected: Sha | null): string | undefined {
  if (expected === null || served === expected) return undefined;
  return served === null
    ? `does not say which release it serves, expected ${shortId(expected)}`
    : `serves ${shortId(served)}, expected ${shortId(expected)}`;
}

/** The first value that looks like a commit: a package version beside it is not what we ask for. */
function reportedRelease(json: unknown, headers: IncomingHttpHeaders): string | null {
  const fields = asFields(json) ?? {};
  const candidates = [...releaseFields.map((field) => fields[field]), headers["x-release"]];
  const commits = candidates.filter((one) => typeof one === "string").map((one) => one.trim().toLowerCase());
  return commits.find((one) => /^[0-9a-f]{7,40}$/.test(one)) ?? null;
}

function asFields(json: unknown): Record<string, unknown> | undefined {
  return typeof json === "object" && json !== null && !Array.isArray(json) ? { ...json } : undefined;
}

function quoted(value: unknown): string {
  const text = JSON.stringify(value) ?? "nothing";
  const plain = text.replace(/[^\x20-\x7e]/g, "?");
  return plain.length > quotedCharactersMax ? `${plain.slice(0, quotedCharactersMax)}…` : plain;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function textOf(body: Buffer): string | undefined {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(body);
    return text.includes("\0") ? undefined : text;
  } catch {
    return undefined;
  }
}
