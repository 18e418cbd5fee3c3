import type { Problem } from "#ports/engineer.ts";
import { diagnosisOf, stopClaim } from "./findings.ts";
import { nullishErrorOf } from "./null-guard/error-text.ts";
import type { Finding, Playbook } from "./playbook.ts";

const examinedCharactersMax = 4_000;
const network =
  /\b(ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|EPIPE|UND_ERR_\w{1,30}TIMEOUT)\b(?:[^\n]{0,40}?\s((?:[\w-]{1,63}\.){0,8}[\w-]{1,63}|\[[0-9a-f:]{2,40}\])(?::(\d{1,5}))?)?/;
const machine = /\b(ENOSPC|EMFILE|ENFILE|ENOMEM|JavaScript heap out of memory|too many connections)\b/;
const answered =
  /\b(?:status(?: code)?|HTTP|responded with|answered)[ :=]{1,3}(5\d\d|429)\b|\b(50[234]) (?:Bad Gateway|Service Unavailable|Gateway Time-?out)\b/i;
const databasePorts = new Set(["5432", "5433", "6432", "6543", "3306", "27017", "6379", "1433"]);

/** Another machine did not answer, or ours has no room left: nothing in the code is wrong, so nothing is repaired. */
export function createOutagePlaybook(): Playbook {
  return {
    name: "outage",
    diagnose: async (problem) => outageOf(problem),
    repair: async () => ({ kind: "cannot_fix", because: "an outage is not a fault of the code" }),
  };
}

function outageOf(problem: Problem): Finding {
  // A faulty line may read a value named after a network error; what failed is still the line.
  if (nullishErrorOf(problem) !== undefined) return { kind: "not_mine" };
  const text = `${problem.message}\n${problem.title}`.slice(0, examinedCharactersMax);
  const exhausted = machine.exec(text);
  if (exhausted !== null)
    return outage(problem, "infrastructure", `The machine ran out of something: ${exhausted[0]}.`);
  const refused = network.exec(text);
  if (refused !== null) return unreachable(problem, refused);
  const status = answered.exec(text);
  if (status === null) return { kind: "not_mine" };
  return outage(
    problem,
    "third_party",
    `Another service answered ${status[1] ?? status[2]}; the call itself is as before.`,
  );
}

function unreachable(problem: Problem, [, code = "", host = "", port = ""]: RegExpExecArray): Finding {
  const isOurs = isOwnHost(host) || databasePorts.has(port);
  const place = host === "" ? "a host" : `${host}${port === "" ? "" : `:${port}`}`;
  return outage(problem, isOurs ? "infrastructure" : "third_party", `${place} could not be reached (${code}).`);
}

/** A name without a dot or a private address is a machine of the application's own operators. */
function isOwnHost(host: string): boolean {
  if (host === "" || host.startsWith("[")) return true;
  if (/^\d+(?:\.\d+){3}$/.test(host)) return /^(10|127|192\.168|172\.(1[6-9]|2\d|3[01])|169\.254)\./.test(host);
  return !host.includes(".") || /\.(internal|local|localhost|svc|cluster)$/.test(host);
}

function outage(problem: Problem, causeClass: "infrastructure" | "third_party", rootCause: string): Finding {
  const diagnosis = diagnosisOf({
    causeClass,
    rootCause,
    evidence: [],
    fixStrategy: "Nothing to change in the code.",
    files: [],
    confidence: 85,
    claim: stopClaim(problem, "It stops when the other side is back."),
  });
  return { kind: "found", diagnosis };
}
