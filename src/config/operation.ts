import { z } from "zod";
import type { Config } from "../config.ts";
import { isOnThisMachine, type Variables } from "./environment.ts";
import { supabaseOf } from "./supabase.ts";

/** How Vigil itself runs: where, on which database, who may talk to it, whom it tells. */
export interface Shape {
  isVercel: boolean;
  home: string;
}

const cronSecretCharactersMin = 32;
const keyCharactersMin = 20;
const passwordCharactersMin = 12;
const drainSecretCharactersMin = 16;

export function shapeOf(variables: Variables): Shape {
  const isVercel = variables.text("VERCEL") === "1";
  // A function may write nowhere else.
  return { isVercel, home: variables.text("VIGIL_HOME") ?? (isVercel ? "/tmp/vigil" : ".vigil") };
}

export function listenOf(variables: Variables): Config["listen"] {
  const host = variables.parsed("HOST", z.string().regex(/^[\w.:[\]-]{1,255}$/), "must be a host name or an address");
  const port = variables.parsed(
    "PORT",
    z
      .string()
      .regex(/^\d{1,5}$/)
      .transform(Number)
      .pipe(z.int().min(1).max(65_535)),
    "must be a number from 1 to 65535",
  );
  return { host: host ?? "127.0.0.1", port: port ?? 3000 };
}

/** `APP_URL`, else what the hosting platform says, else the address that this process listens on. */
export function publicAddressOf(variables: Variables, { host, port }: Config["listen"]): string {
  const given = variables.url("APP_URL");
  if (given !== null) return new URL(given).origin;
  const deployed = variables.text("VERCEL_PROJECT_PRODUCTION_URL");
  if (deployed !== null && z.hostname().safeParse(deployed).success) return `https://${deployed}`;
  return `http://${host === "0.0.0.0" || host === "::" ? "127.0.0.1" : host}:${port}`;
}

export function drainOf(variables: Variables, platform: Config["platform"]): Config["drain"] {
  const sampling = variables.parsed(
    "VERCEL_DRAIN_SAMPLING",
    z
      .string()
      .regex(/^[01](?:\.\d{1,6})?$/)
      .transform(Number)
      .pipe(z.number().min(0.0001).max(1)),
    "must be the drain's sampling rate as a share, for example 0.25",
  );
  return {
    secret: secret(variables, "VERCEL_DRAIN_SECRET", drainSecretCharactersMin),
    verify: secret(variables, "VERCEL_DRAIN_VERIFY", 1),
    // On Vercel itself the variable names the project that Vigil runs in; with a token it is the watched one.
    projectId: platform.kind === "vercel" ? platform.projectId : null,
    samplingRate: sampling ?? 1,
  };
}

/** Both are the operator's own addresses: https, or on this machine (reliability A6, D20). */
export function oversightOf(variables: Variables): Config["oversight"] {
  return {
    heartbeatUrl: variables.url("HEARTBEAT_URL", { secureOnly: true }),
    controlUrl: variables.url("AGENT_CONTROL_URL", { secureOnly: true }),
  };
}

export function secretsOf(variables: Variables, { isVercel }: Shape): Pick<Config, "secrets" | "operators"> {
  const secrets = {
    cronSecret: secret(variables, "CRON_SECRET", cronSecretCharactersMin),
    ingestKey: secret(variables, "AGENT_INGEST_KEY", keyCharactersMin),
    apiToken: secret(variables, "AGENT_API_TOKEN", keyCharactersMin),
  };
  refuseReuse(variables, secrets);
  const password = secret(variables, "AGENT_OPERATOR_PASSWORD", passwordCharactersMin);
  const viewerPassword = secret(variables, "AGENT_VIEWER_PASSWORD", passwordCharactersMin);
  if (viewerPassword !== null && viewerPassword === password) {
    variables.bad("AGENT_VIEWER_PASSWORD", "must differ from AGENT_OPERATOR_PASSWORD");
  }
  const supabase = supabaseOf(variables);
  if (isVercel) requireKeys(variables, supabase === null);
  return { secrets, operators: { password, viewerPassword, isOwnPassword: false, supabase } };
}

/** A function has no file in which keys of its own could be kept (reliability D17, D18). */
function requireKeys(variables: Variables, needsPassword: boolean): void {
  const without = {
    CRON_SECRET: "without it no cron route does anything",
    AGENT_INGEST_KEY: "without it nobody can report",
    ...(needsPassword && { AGENT_OPERATOR_PASSWORD: "without it, or accounts of Supabase, nobody can sign in" }),
  };
  for (const [name, why] of Object.entries(without)) {
    if (variables.text(name) === null) variables.bad(name, `must be set on Vercel: ${why}`);
  }
}

/** Whoever may send events must not be able to approve fixes. */
function refuseReuse(variables: Variables, { cronSecret, ingestKey, apiToken }: Config["secrets"]): void {
  const fix = "must differ from the other keys: each opens another door";
  if (apiToken !== null && (apiToken === ingestKey || apiToken === cronSecret)) variables.bad("AGENT_API_TOKEN", fix);
  if (ingestKey !== null && ingestKey === cronSecret) variables.bad("AGENT_INGEST_KEY", fix);
}

/** Visible characters only: a space or a line break inside a key is a slip of the clipboard. */
export function secret(variables: Variables, name: string, charactersMin: number): string | null {
  const schema = z
    .string()
    .min(charactersMin)
    .regex(/^[\x21-\x7e]+$/);
  const fix =
    charactersMin === 1
      ? "must be visible characters only"
      : `must have at least ${charactersMin} visible characters; make one with: openssl rand -base64 32`;
  return variables.parsed(name, schema, fix);
}

/** Whether both addresses lead to the same deployment, whatever way they are written. */
export function isSameTarget(one: string, other: string): boolean {
  const [a, b] = [new URL(one), new URL(other)];
  const host = (url: URL) => (isOnThisMachine(url.href) ? "localhost" : url.hostname.replace(/\.$/, ""));
  const port = (url: URL) => url.port || (url.protocol === "https:" ? "443" : "80");
  return host(a) === host(b) && port(a) === port(b);
}
