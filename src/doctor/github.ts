import { createAppAuth } from "@octokit/auth-app";
import { Octokit } from "@octokit/rest";
import { z } from "zod";
import type { Config } from "#config.ts";
import { type Checkup, degraded, down, type Finding, type Findings, ok } from "./checkup.ts";

type Github = Extract<Config["repository"], { kind: "github" }>;

/** What Vigil does with each permission; GitHub's names for them as its settings show them. */
const permissions = [
  { key: "contents", level: "write", name: "Contents: Read and write", use: "commits and branches" },
  { key: "pull_requests", level: "write", name: "Pull requests: Read and write", use: "the pull request of a fix" },
  { key: "checks", level: "read", name: "Checks: Read-only", use: "test results" },
  { key: "statuses", level: "read", name: "Commit statuses: Read-only", use: "test results" },
  { key: "actions", level: "read", name: "Actions: Read-only", use: "the log of a failed test" },
] as const;

const nowhere = "0".repeat(40);
const silent = () => {};

/** Token or app, each permission, the branches, what protects main, and whether anything tests a commit. */
export function githubCheckup(github: Github): Checkup {
  const { owner, name: repo } = github;
  return {
    name: "github",
    async look(signal): Promise<Findings> {
      const entry = await entryOf(github, signal);
      if ("refused" in entry) return { github: accessFinding(entry.refused, github) };
      const { call, given } = entry;
      const found = await call("GET /repos/{owner}/{repo}");
      if (found.status !== 200) return { github: accessFinding(found.status, github) };
      const fullName = Repository.safeParse(found.data).data?.full_name ?? `${owner}/${repo}`;
      const isRenamed = fullName.toLowerCase() !== `${owner}/${repo}`.toLowerCase();
      const missing = given === undefined ? missingOfToken(call) : missingIn(given);
      const [rights, branches, tests] = await Promise.all([missing, branchFindings(call), testsFinding(call)]);
      return {
        github: isRenamed
          ? degraded(`the repository was renamed to ${fullName}`, `Set AGENT_REPOSITORY to github:${fullName}.`)
          : ok(`${fullName} can be read`),
        "github permissions": rightsFinding(rights, github.credentials.kind),
        ...branches,
        "github checks": tests,
      };
    },
  };
}

const Repository = z.object({ full_name: z.string() });
const Installation = z.object({ id: z.int(), permissions: z.record(z.string(), z.string()) });

/** `given`: what an app was allowed; a token does not say. `refused`: the status where even that cannot be asked. */
async function entryOf(
  { owner, name: repo, apiUrl, credentials }: Github,
  signal: AbortSignal,
): Promise<{ call: Call; given?: Record<string, string> } | { refused: number }> {
  const place = { owner, repo };
  const basics = {
    ...(apiUrl === null ? {} : { baseUrl: apiUrl }),
    request: { signal },
    // What fails is reported here; the library's own lines would stand in the middle of the report.
    log: { debug: silent, info: silent, warn: silent, error: silent },
  };
  if (credentials.kind === "token") return { call: callOf(new Octokit({ ...basics, auth: credentials.token }), place) };
  const { appId, privateKey } = credentials;
  const asApp = new Octokit({ ...basics, authStrategy: createAppAuth, auth: { appId, privateKey } });
  const found = await callOf(asApp, place)("GET /repos/{owner}/{repo}/installation");
  const installation = Installation.safeParse(found.data).data;
  if (installation === undefined) return { refused: found.status };
  const auth = { appId, privateKey, installationId: installation.id };
  const octokit = new Octokit({ ...basics, authStrategy: createAppAuth, auth });
  return { call: callOf(octokit, place), given: installation.permissions };
}

type Call = (route: string, parameters?: Record<string, unknown>) => Promise<{ status: number; data: unknown }>;

/** Any answer is an answer here, refusals as well; `status` 0: nobody answered. */
function callOf(octokit: Octokit, place: { owner: string; repo: string }): Call {
  return async (route, parameters) => {
    try {
      const { status, data } = await octokit.request(route, { ...place, ...parameters });
      return { status, data };
    } catch (error) {
      const status = z.object({ status: z.int() }).safeParse(error).data?.status ?? 0;
      const response = z.object({ response: z.object({ data: z.unknown() }) }).safeParse(error);
      // The client counts a broken connection as an error of the server.
      return { status: response.success ? status : 0, data: response.data?.response.data };
    }
  };
}

function accessFinding(status: number, { owner, name, credentials }: Github): Finding {
  const isApp = credentials.kind === "app";
  const variable = isApp ? "GITHUB_APP_ID and GITHUB_APP_PRIVATE_KEY" : "GITHUB_TOKEN";
  if (status === 0) {
    const hint = isApp
      ? "Check the network, GITHUB_API_URL, and that the private key is whole."
      : "Check the network and GITHUB_API_URL.";
    return down("GitHub cannot be asked", hint);
  }
  if (status === 401)
    return down(`GitHub refuses ${variable}: wrong, revoked or expired`, "Make a new one (docs/deploy.md).");
  if (status === 403)
    return down(
      `GitHub does not let ${variable} read ${owner}/${name}`,
      "Allow the repository, or wait for the rate limit.",
    );
  const hint = isApp
    ? "Install the app on the repository."
    : "Select the repository in the token's settings, or correct AGENT_REPOSITORY.";
  return down(`${owner}/${name} is not there for ${variable} (${status})`, hint);
}

type Permission = (typeof permissions)[number];

function rightsFinding(missing: Permission[], kind: "token" | "app"): Finding {
  if (missing.length === 0) return ok("everything Vigil needs is allowed");
  const names = missing.map(({ name, use }) => `${name} (for ${use})`).join("; ");
  const where =
    kind === "app" ? "the app's Permissions & events (then accept them where it is installed)" : "the token's settings";
  const isInTheWay = missing.some(({ level }) => level === "write");
  return (isInTheWay ? down : degraded)("permissions are missing", `Add in ${where}: ${names}.`);
}

const missingIn = (given: Record<string, string>): Permission[] =>
  permissions.filter(({ key, level }) => given[key] !== "write" && given[key] !== level);

/** A token does not say what it may do. Each request here is one that changes nothing where it is allowed. */
async function missingOfToken(call: Call): Promise<Permission[]> {
  const requests: Record<Permission["key"], () => ReturnType<Call>> = {
    contents: () => call("POST /repos/{owner}/{repo}/git/refs", { ref: "refs/heads/vigil/doctor", sha: nowhere }),
    pull_requests: () => call("POST /repos/{owner}/{repo}/pulls", { title: "Vigil", head: "main", base: "main" }),
    checks: () => call("GET /repos/{owner}/{repo}/commits/{ref}/check-runs", { ref: "main" }),
    statuses: () => call("GET /repos/{owner}/{repo}/commits/{ref}/status", { ref: "main" }),
    actions: () => call("GET /repos/{owner}/{repo}/actions/jobs/{job}", { job: 1 }),
  };
  const asked = await Promise.all(
    permissions.map(async (permission) => ({ permission, status: (await requests[permission.key]()).status })),
  );
  return asked.filter(({ status }) => status === 403).map(({ permission }) => permission);
}

async function branchFindings(call: Call): Promise<Findings> {
  const Branch = z.object({ protected: z.boolean().optional() });
  const [main, staging, rules] = await Promise.all([
    call("GET /repos/{owner}/{repo}/branches/{branch}", { branch: "main" }),
    call("GET /repos/{owner}/{repo}/branches/{branch}", { branch: "staging" }),
    call("GET /repos/{owner}/{repo}/rules/branches/{branch}", { branch: "main" }),
  ]);
  if (main.status !== 200) {
    return {
      "branch main": down("the repository has no branch main", "main is production: create it, or rename yours."),
    };
  }
  const types =
    z
      .array(z.object({ type: z.string() }))
      .safeParse(rules.data)
      .data?.map(({ type }) => type) ?? [];
  const isHeld = types.includes("pull_request") || Branch.safeParse(main.data).data?.protected === true;
  return {
    "branch main": isHeld
      ? degraded(
          "main is protected: where it refuses a push, Vigil opens a pull request and a person merges it",
          "To let Vigil ship by itself, allow its app or user to bypass the rule.",
        )
      : ok("main is there, and Vigil may move it forward"),
    "branch staging":
      staging.status === 200 ? ok("staging is there") : ok("no branch staging yet: the first fix makes it"),
  };
}

async function testsFinding(call: Call): Promise<Finding> {
  const Runs = z.object({ total_count: z.int() });
  const [runs, status] = await Promise.all([
    call("GET /repos/{owner}/{repo}/commits/{ref}/check-runs", { ref: "main" }),
    call("GET /repos/{owner}/{repo}/commits/{ref}/status", { ref: "main" }),
  ]);
  const counts = [runs, status].map(({ data }) => Runs.safeParse(data).data?.total_count ?? 0);
  if (counts.some((count) => count > 0)) return ok("commits on main are tested");
  return degraded(
    "nothing has tested the newest commit on main: every fix would wait for a person",
    "Let a workflow run the tests on every push (docs/deploy.md has one).",
  );
}
