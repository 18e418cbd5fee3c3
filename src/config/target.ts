import { isIP } from "node:net";
import { z } from "zod";
import type { Config, GithubCredentials } from "../config.ts";
import { isOnThisMachine, type Variables } from "./environment.ts";
import { isSameTarget, type Shape } from "./operation.ts";

/** What is watched and repaired: repository, test bench, deployments, and who writes the fixes. */

/** Where the bundled demo serves when nothing else is said. */
const demoPorts = { staging: 3101, production: 3102 };

export function repositoryOf(variables: Variables, { isVercel }: Shape): Config["repository"] {
  const given = variables.text("AGENT_REPOSITORY");
  const github = given?.match(/^github:([A-Za-z0-9][A-Za-z0-9-]{0,38})\/([A-Za-z0-9._-]{1,100})$/);
  if (github?.[1] !== undefined && github[2] !== undefined) {
    return {
      kind: "github",
      owner: github[1],
      name: github[2].replace(/\.git$/, ""),
      apiUrl: variables.url("GITHUB_API_URL", { secureOnly: true }),
      credentials: githubCredentialsOf(variables),
    };
  }
  if (isVercel) variables.bad("AGENT_REPOSITORY", "must be github:owner/name on Vercel: there is no git to run");
  if (given === null) return { kind: "demo" };
  if (!isRemote(given)) {
    variables.bad("AGENT_REPOSITORY", "must be a path, a git address without password, or github:owner/name");
  }
  return { kind: "local", remote: given };
}

/** What git would take for an option or for a command of its own is no remote (`--upload-pack`, `ext::`). */
function isRemote(remote: string): boolean {
  if (/^-|^github:|::|\p{Cc}/u.test(remote)) return false;
  return !/^[a-z][a-z0-9+.-]*:\/\/[^/@]*:[^/@]*@/i.test(remote);
}

function githubCredentialsOf(variables: Variables): GithubCredentials {
  const token = variables.text("GITHUB_TOKEN");
  if (token !== null) return { kind: "token", token };
  const appId = variables.parsed("GITHUB_APP_ID", z.string().regex(/^[\w.-]{1,100}$/), "must be the app's id");
  // Many hosts keep a key on one line with `\n` written out.
  const privateKey = variables.text("GITHUB_APP_PRIVATE_KEY")?.replaceAll("\\n", "\n") ?? null;
  if (privateKey !== null && !privateKey.includes("PRIVATE KEY-----")) {
    variables.bad("GITHUB_APP_PRIVATE_KEY", "must be the app's key in PEM form (-----BEGIN … PRIVATE KEY-----)");
  }
  if (appId !== null && privateKey !== null) return { kind: "app", appId, privateKey };
  if (appId !== null) variables.bad("GITHUB_APP_PRIVATE_KEY", "must be set together with GITHUB_APP_ID");
  else if (privateKey !== null) variables.bad("GITHUB_APP_ID", "must be set together with GITHUB_APP_PRIVATE_KEY");
  else variables.bad("GITHUB_TOKEN", "(or GITHUB_APP_ID and GITHUB_APP_PRIVATE_KEY) must be set for github:owner/name");
  return { kind: "token", token: "" };
}

export function testBenchOf(
  variables: Variables,
  { isVercel }: Shape,
  repository: Config["repository"],
): Config["testBench"] {
  const isolation = variables.parsed("AGENT_SANDBOX", z.enum(["bubblewrap", "none"]), "must be bubblewrap or none");
  const command = variables.text("AGENT_TEST_COMMAND");
  const dependencies = variables.text("AGENT_DEPENDENCIES");
  if (isVercel && repository.kind === "github") return { kind: "checks" };
  return { kind: "sandbox", isolation: isolation ?? "bubblewrap", command, dependencies };
}

export function platformOf(
  variables: Variables,
  repository: Config["repository"],
  ownAddress: string,
): Config["platform"] {
  const urls = { staging: variables.url("STAGING_URL"), production: variables.url("PRODUCTION_URL") };
  refuseSharedTargets(variables, urls, ownAddress);
  const healthPath =
    variables.parsed(
      "AGENT_HEALTH_PATH",
      z
        .string()
        .max(300)
        .regex(/^\/(?!\/)[^\s#\\]*$/),
      "must be a path that starts with one slash",
    ) ?? "/api/health";
  const vercel = vercelOf(variables, urls, healthPath);
  if (vercel !== null) return vercel;
  const startCommand = variables.text("AGENT_START_COMMAND");
  const isDemo = repository.kind === "demo";
  if (isDemo && urls.staging === null && urls.production === null) {
    return { kind: "processes", startCommand, ports: demoPorts, healthPath };
  }
  if (urls.staging === null || urls.production === null) return missingUrls(variables, urls, healthPath);
  if (startCommand === null && !isDemo) {
    refusePlainHttp(variables, urls);
    return { kind: "url", urls: { staging: urls.staging, production: urls.production }, healthPath };
  }
  const ports = { staging: localPort(variables, "STAGING_URL"), production: localPort(variables, "PRODUCTION_URL") };
  return { kind: "processes", startCommand, ports, healthPath };
}

type Urls = { staging: string | null; production: string | null };

function missingUrls(variables: Variables, urls: Urls, healthPath: string): Config["platform"] {
  const fix = "must be set: releases are watched there";
  if (urls.staging === null) variables.bad("STAGING_URL", fix);
  if (urls.production === null) variables.bad("PRODUCTION_URL", fix);
  return { kind: "url", urls: { staging: urls.staging ?? "", production: urls.production ?? "" }, healthPath };
}

/** A candidate watched on production, or Vigil rolling itself back, would make every verdict worthless (reliability B22). */
function refuseSharedTargets(variables: Variables, { staging, production }: Urls, ownAddress: string): void {
  if (staging !== null && production !== null && isSameTarget(staging, production)) {
    variables.bad("STAGING_URL", "must not point at the same deployment as PRODUCTION_URL");
  }
  const fix = "must not point at Vigil itself (APP_URL): it cannot watch its own deployment";
  if (staging !== null && isSameTarget(staging, ownAddress)) variables.bad("STAGING_URL", fix);
  if (production !== null && isSameTarget(production, ownAddress)) variables.bad("PRODUCTION_URL", fix);
}

function localPort(variables: Variables, name: "STAGING_URL" | "PRODUCTION_URL"): number {
  const address = variables.url(name);
  const port = address === null ? 0 : Number(new URL(address).port);
  if (address === null || !isOnThisMachine(address) || port === 0) {
    variables.bad(
      name,
      "must be http://127.0.0.1:<port> where Vigil itself starts the releases (AGENT_START_COMMAND, demo)",
    );
  }
  return port;
}

function vercelOf(variables: Variables, urls: Urls, healthPath: string): Config["platform"] | null {
  const token = variables.text("VERCEL_TOKEN");
  // VERCEL_PROJECT_ID alone means nothing: Vercel sets it for its own functions, to the project that Vigil itself is.
  if (token === null) return null;
  const id = z.string().regex(/^[\w-]{1,100}$/);
  const projectId =
    variables.parsed("AGENT_VERCEL_PROJECT_ID", id, "must be a project's id") ??
    variables.parsed("VERCEL_PROJECT_ID", id, "must be a project's id");
  const teamId = variables.parsed("VERCEL_TEAM_ID", id, "must be a team's id");
  if (projectId === null) variables.bad("VERCEL_PROJECT_ID", "must be set together with VERCEL_TOKEN");
  const apiUrl = variables.url("VERCEL_API_URL", { secureOnly: true });
  refusePlainHttp(variables, urls);
  // Not VERCEL_AUTOMATION_BYPASS_SECRET: on Vercel that is the secret of Vigil's own project, nothing to send elsewhere.
  const bypassSecret = variables.parsed(
    "VERCEL_BYPASS_SECRET",
    z.string().regex(/^[\x21-\x7e]{16,200}$/),
    "must be the secret from the watched project's Settings → Deployment Protection",
  );
  return { kind: "vercel", token, projectId: projectId ?? "", teamId, apiUrl, bypassSecret, urls, healthPath };
}

/** Releases elsewhere are asked by https; by http only where the address is plainly one of the operator's own network. */
function refusePlainHttp(variables: Variables, { staging, production }: Urls): void {
  for (const [name, address] of [
    ["STAGING_URL", staging],
    ["PRODUCTION_URL", production],
  ] as const) {
    if (!address?.startsWith("http:")) continue;
    const host = new URL(address).hostname;
    const isOwn = host === "localhost" || isIP(host.replace(/^\[|\]$/g, "")) !== 0;
    if (!isOwn) variables.bad(name, "must start with https:// (http:// only for localhost or a private IP address)");
  }
}

/** The newest model of each class that the SDK names: quick and cheap, able, and the strongest for what is hard. */
const defaultModels = {
  triage: "claude-haiku-5-5",
  diagnose: "claude-sonnet-5-5",
  fix: "claude-sonnet-5-5",
  escalate: "claude-opus-5-5",
};

export function engineerOf(variables: Variables): Config["engineer"] {
  const model = (name: string) =>
    variables.parsed(name, z.string().regex(/^[\w.:@/-]{1,90}$/), "must be the id of a model");
  const baseUrl = variables.url("ANTHROPIC_BASE_URL");
  const escalate = model("AGENT_MODEL_ESCALATE") ?? defaultModels.escalate;
  const playbooks = variables.parsed("AGENT_PLAYBOOKS", z.enum(["first", "off"]), "must be first or off");
  return {
    claude: claudeKeyOf(variables.text("ANTHROPIC_API_KEY"), baseUrl),
    baseUrl,
    models: {
      triage: model("AGENT_MODEL_TRIAGE") ?? defaultModels.triage,
      diagnose: model("AGENT_MODEL_DIAGNOSE") ?? defaultModels.diagnose,
      fix: model("AGENT_MODEL_FIX") ?? defaultModels.fix,
      escalate: escalate === "none" ? null : escalate,
    },
    playbooks: playbooks ?? "first",
  };
}

/** Another service that speaks the Messages API has keys of another form. */
function claudeKeyOf(key: string | null, baseUrl: string | null): Config["engineer"]["claude"] {
  if (key === null) return { kind: "missing" };
  const isElsewhere = baseUrl !== null && /^[\x21-\x7e]{1,500}$/.test(key);
  if (isElsewhere || /^sk-ant-[\w-]{20,300}$/.test(key)) return { kind: "present", apiKey: key };
  const why = key.startsWith("sk-ant-")
    ? "is cut short or holds characters that no key has."
    : "does not start with sk-ant-.";
  return { kind: "malformed", why };
}
