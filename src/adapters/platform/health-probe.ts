import { type IncomingMessage, request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { isIP } from "node:net";
import type { HealthCheck } from "#domain/evidence.ts";
import type { Sha } from "#domain/ids.ts";
import { type HealthAnswer, judgeAnswer } from "./health-answer.ts";
import { isPublicAddress, lookupPublic, privateAddressCode } from "./public-address.ts";

export interface HealthProbeOptions {
  /** For everything together: name, connection, redirects and the last byte. Default 5 s (reliability A7). */
  timeoutMs?: number;
  /** Default 64 KB (reliability A7). */
  bodyBytesMax?: number;
  /** On the same host. Default 3 (reliability A7). */
  redirectsMax?: number;
  /** An address that answers whenever our own network works: when it is silent too, nothing is said about the target (A6). */
  controlUrl: string | null;
  /** Only for releases on this machine. Otherwise: https only, and no private, link-local or metadata address (D20). */
  allowPrivateHosts: boolean;
  /** Sent along, to the asked host only: redirects never leave it. */
  headers?: Record<string, string>;
}

/** Asks `url` once and judges the answer. Never throws. */
export type HealthProbe = (url: string, expected: Sha | null) => Promise<HealthCheck>;

/** Creates the probe that every platform checks health with. It gives no grace: a wrong release is unhealthy at once (A5). */
export function createHealthProbe(options: HealthProbeOptions): HealthProbe {
  const limits: Limits = {
    ...options,
    timeoutMs: options.timeoutMs ?? 5_000,
    bodyBytesMax: options.bodyBytesMax ?? 64 * 1024,
    redirectsMax: options.redirectsMax ?? 3,
  };

  return async (url, expected) => {
    const startedMs = performance.now();
    const look = await lookAt(url, limits);
    const latencyMs = Math.round(performance.now() - startedMs);
    if (look.kind === "answer") {
      return { ...judgeAnswer(look.answer, expected), httpStatus: look.answer.status, latencyMs };
    }
    const isOurs = look.kind === "silent" && (look.isOurs || (await isControlSilent(limits)));
    return {
      outcome: isOurs ? "no_data" : "unhealthy",
      because: isOurs ? `our own network seems to be down (${look.why})` : look.why,
      servedCommit: null,
      httpStatus: look.kind === "bad" ? look.httpStatus : null,
      latencyMs,
    };
  };
}

interface Limits extends HealthProbeOptions {
  timeoutMs: number;
  bodyBytesMax: number;
  redirectsMax: number;
}

type Look =
  | { kind: "answer"; answer: HealthAnswer }
  /** It answered, and the answer is wrong; or it may not be asked. */
  | { kind: "bad"; why: string; httpStatus: number | null }
  /** Nothing came. `isOurs`: it cannot be the target's fault. */
  | { kind: "silent"; why: string; isOurs: boolean };

const loginPath = /(^|[/._-])(log-?in|sign-?in|auth|sso|oauth2?|saml|session)([/._?-]|$)/i;

async function lookAt(first: string, limits: Limits): Promise<Look> {
  const timeout = AbortSignal.timeout(limits.timeoutMs);
  let address = first;
  for (let redirects = 0; redirects <= limits.redirectsMax; redirects++) {
    const url = URL.parse(address);
    const objection = url === null ? "not an address" : objectionTo(url, limits);
    if (url === null || objection !== undefined) return bad(objection ?? "not an address");
    const look = await ask(url, limits, timeout);
    if (look.kind !== "answer" || !isRedirect(look.answer.status)) return look;
    const next = redirectFrom(url, look.answer);
    if (typeof next !== "string") return next;
    address = next;
  }
  return bad(`more than ${limits.redirectsMax} redirects`);
}

const isRedirect = (status: number) => [301, 302, 303, 307, 308].includes(status);

const bad = (why: string, httpStatus: number | null = null): Look => ({ kind: "bad", why, httpStatus });

function objectionTo(url: URL, { allowPrivateHosts }: Limits): string | undefined {
  if (url.protocol !== "https:" && !(allowPrivateHosts && url.protocol === "http:")) {
    return allowPrivateHosts ? "only http and https addresses are asked" : "only https addresses are asked";
  }
  // A URL has already turned decimal, octal and hexadecimal spellings of an address into the usual one.
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const isRefused = !allowPrivateHosts && isIP(host) !== 0 && !isPublicAddress(host);
  return isRefused ? "a private address is not asked" : undefined;
}

function redirectFrom(url: URL, { status, headers }: HealthAnswer): string | Look {
  const next = headers.location === undefined ? null : URL.parse(headers.location, url);
  if (next === null) return bad(`status ${status} without a usable location`, status);
  if (loginPath.test(next.pathname)) return bad(`redirects to a login page (${brief(next.pathname)})`, status);
  if (next.host !== url.host) return bad(`redirects to another host (${brief(next.host)})`, status);
  if (url.protocol === "https:" && next.protocol !== "https:") return bad("redirects from https to http", status);
  return next.href;
}

const brief = (text: string) => (text.length > 60 ? `${text.slice(0, 60)}…` : text);

/** One request. Resolves with what came of it, at the latest when `timeout` fires; nothing of it goes on after that. */
function ask(url: URL, limits: Limits, timeout: AbortSignal): Promise<Look> {
  const late: Look = { kind: "silent", why: `no answer within ${limits.timeoutMs / 1_000} s`, isOurs: false };
  return new Promise((resolve) => {
    if (timeout.aborted) return resolve(late);
    const send = url.protocol === "https:" ? requestHttps : requestHttp;
    const outgoing = send(url, {
      agent: false,
      signal: timeout,
      headers: {
        "user-agent": "vigil-probe/1",
        "x-vigil-probe": "1",
        accept: "application/json, text/plain;q=0.9, */*;q=0.5",
        "accept-encoding": "identity",
        "cache-control": "no-cache",
        ...limits.headers,
      },
      ...(limits.allowPrivateHosts ? {} : { lookup: lookupPublic }),
    });
    outgoing.on("error", (error) => resolve(timeout.aborted ? late : lookOf(error)));
    outgoing.on("response", (incoming) => {
      incoming.on("error", (error) => resolve(timeout.aborted ? late : lookOf(error)));
      collect(incoming, limits.bodyBytesMax, resolve);
    });
    outgoing.end();
  });
}

/** Reports the answer when it is complete or too large. One that breaks off is an error of the message. */
function collect(incoming: IncomingMessage, bytesMax: number, report: (look: Look) => void): void {
  const chunks: Buffer[] = [];
  let bytes = 0;
  const status = incoming.statusCode ?? 0;
  incoming.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes <= bytesMax) return void chunks.push(chunk);
    report(bad(`the answer is larger than ${Math.floor(bytesMax / 1024)} KB`, status));
    incoming.destroy();
  });
  incoming.on("end", () =>
    report({ kind: "answer", answer: { status, headers: incoming.headers, body: Buffer.concat(chunks) } }),
  );
}

const silences: Record<string, string> = {
  ECONNREFUSED: "it refuses connections",
  ECONNRESET: "it broke the connection off",
  EPIPE: "it broke the connection off",
  ETIMEDOUT: "no connection",
  EHOSTUNREACH: "its host cannot be reached",
  ENOTFOUND: "its name cannot be found",
  EAI_AGAIN: "its name cannot be looked up now",
};
/** Before a packet left this machine: these say nothing about the target. */
const ourFaults: Record<string, string> = {
  ENETUNREACH: "no route to the network",
  ENETDOWN: "the network is down",
  EADDRNOTAVAIL: "no local address",
  EMFILE: "too many open files",
  ENFILE: "too many open files",
  ENOBUFS: "no buffers",
};

function lookOf(error: Error): Look {
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  const isOurs = ourFaults[code] !== undefined;
  const why = ourFaults[code] ?? silences[code];
  if (why !== undefined) return { kind: "silent", why, isOurs };
  if (code === privateAddressCode) return bad("a private address is not asked");
  if (code === "CERT_HAS_EXPIRED") return bad("its certificate has expired");
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID") return bad("its certificate is for another host");
  if (/CERT|SELF_SIGNED|ISSUER|SIGNATURE/.test(code)) return bad(`its certificate is not trusted (${code})`);
  if (/SSL|TLS|EPROTO/.test(code)) return bad(`it does not speak TLS properly (${code})`);
  if (code.startsWith("HPE_")) return bad("it does not speak HTTP");
  return { kind: "silent", why: `it cannot be asked (${code === "" ? "unknown error" : code})`, isOurs: false };
}

/** Any answer at all shows that our network works. */
async function isControlSilent(limits: Limits): Promise<boolean> {
  const url = limits.controlUrl === null ? null : URL.parse(limits.controlUrl);
  if (url === null || objectionTo(url, limits) !== undefined) return false;
  const plain = { ...limits, headers: {} };
  return (await ask(url, plain, AbortSignal.timeout(limits.timeoutMs))).kind === "silent";
}
