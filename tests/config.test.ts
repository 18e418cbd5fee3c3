import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ensureKeys } from "#config/keys.ts";
import { repositoryAddressOf } from "#config/repository-address.ts";
import { secretValuesOf } from "#config/secret-values.ts";
import { intervalRefusal } from "#config/tick.ts";
import { readConfig, withOwnKeys } from "#config.ts";
import { Failure } from "#domain/failure.ts";
import { Settings } from "#domain/settings.ts";

const long = "a-key-of-more-than-thirty-two-characters";
const local = {
  AGENT_REPOSITORY: "/srv/app.git",
  STAGING_URL: "https://staging.test",
  PRODUCTION_URL: "https://app.test",
};

/** The names of the variables that the failure complains about. */
function complaints(environment: Record<string, string>): string[] {
  const failure = failureOf(() => readConfig(environment));
  expect(failure.code).toBe("misconfigured");
  return failure.message
    .split("\n")
    .slice(1)
    .map((line) => line.trim().split(" ")[0] ?? "");
}

function failureOf(action: () => unknown): Failure {
  try {
    action();
  } catch (error) {
    if (error instanceof Failure) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

describe("with nothing set", () => {
  it("serves the bundled demo on this machine", () => {
    expect(readConfig({})).toEqual({
      workers: true,
      home: ".vigil",
      listen: { host: "127.0.0.1", port: 3000 },
      appUrl: "http://127.0.0.1:3000",
      database: { kind: "embedded", directory: join(".vigil", "db") },
      repository: { kind: "demo" },
      testBench: { kind: "sandbox", isolation: "bubblewrap", command: null, dependencies: null },
      platform: {
        kind: "processes",
        startCommand: null,
        ports: { staging: 3101, production: 3102 },
        healthPath: "/api/health",
      },
      engineer: {
        claude: { kind: "missing" },
        baseUrl: null,
        models: {
          triage: "claude-haiku-5-5",
          diagnose: "claude-sonnet-5-5",
          fix: "claude-sonnet-5-5",
          escalate: "claude-opus-5-5",
        },
        playbooks: "first",
      },
      notifier: { kind: "console" },
      secrets: { cronSecret: null, ingestKey: null, apiToken: null },
      drain: { secret: null, verify: null, projectId: null, samplingRate: 1 },
      oversight: { heartbeatUrl: null, controlUrl: null },
      operators: { password: null, viewerPassword: null, isOwnPassword: false, supabase: null },
    });
  });

  it("takes an empty variable for an unset one", () => {
    const empty = Object.fromEntries(documentedVariables().map((name) => [name, " "]));
    expect(readConfig(empty)).toEqual(readConfig({}));
  });
});

describe("what is wrong", () => {
  it("is told all at once, one line each with how to mend it", () => {
    const failure = failureOf(() => readConfig({ PORT: "http", DATABASE_URL: "mysql://h/db", CRON_SECRET: "short" }));
    expect(failure.message).toBe(
      [
        "The environment is not right: 3 variables are bad.",
        "  PORT must be a number from 1 to 65535",
        "  DATABASE_URL must start with postgres:// or postgresql://",
        "  CRON_SECRET must have at least 32 visible characters; make one with: openssl rand -base64 32",
      ].join("\n"),
    );
  });

  it("never quotes a value", () => {
    const values = {
      DATABASE_URL: "mysql://u:hunter2@h/db",
      CRON_SECRET: "hunter2",
      AGENT_REPOSITORY: "https://u:hunter2@h/r",
    };
    expect(failureOf(() => readConfig(values)).message).not.toContain("hunter2");
  });

  it.each([
    ["CRON_SECRET", "undefined"],
    ["CRON_SECRET", "thirty-one-characters-are-short"],
    ["CRON_SECRET", `${long} with a space`],
    ["AGENT_INGEST_KEY", "nineteen-characters"],
    ["AGENT_API_TOKEN", "token"],
    ["AGENT_OPERATOR_PASSWORD", "password"],
    ["DATABASE_URL", "not a url"],
    ["PORT", "0"],
    ["PORT", "65536"],
    ["PORT", "-1"],
    ["HOST", "a b"],
    ["APP_URL", "vigil.example"],
    ["APP_URL", "ftp://vigil.example"],
    ["STAGING_URL", "https://user:pass@staging.test"],
    ["SLACK_WEBHOOK_URL", "http://hooks.test/services/x"],
    ["SLACK_BOT_TOKEN", "xoxp-a-persons-token-0123456789"],
    ["SLACK_SIGNING_SECRET", "short"],
    ["SLACK_API_URL", "http://slack.test/api"],
    ["SLACK_OPERATORS", "alice@example.com"],
    ["SLACK_OPERATORS", "U012ABCDEF=alice@example.com,@bob=bob@example.com"],
    ["ANTHROPIC_BASE_URL", "models.test"],
    ["AGENT_MODEL_FIX", "a model"],
    ["AGENT_MODEL_ESCALATE", "a model"],
    ["AGENT_PLAYBOOKS", "last"],
    ["AGENT_HEALTH_PATH", "//evil.test/health"],
    ["AGENT_HEALTH_PATH", "health"],
    ["AGENT_SANDBOX", "docker"],
    ["AGENT_SANDBOX", "x".repeat(30_000)],
  ])("names %s=%s", (name, value) => {
    expect(complaints({ ...local, [name]: value })).toEqual([name]);
  });

  it.each([
    ["--upload-pack=touch /tmp/x"],
    ["ext::sh -c id"],
    ["github:owner"],
    ["github:owner/name/extra"],
    ["https://user:token@git.test/repo.git"],
  ])("refuses the repository %s", (AGENT_REPOSITORY) => {
    expect(complaints({ ...local, AGENT_REPOSITORY })).toEqual(["AGENT_REPOSITORY"]);
  });

  it("refuses one key for two doors", () => {
    expect(complaints({ AGENT_INGEST_KEY: long, AGENT_API_TOKEN: long })).toEqual(["AGENT_API_TOKEN"]);
    expect(complaints({ AGENT_INGEST_KEY: long, CRON_SECRET: long })).toEqual(["AGENT_INGEST_KEY"]);
  });
});

describe("the watched application", () => {
  it.each([
    ["https://app.test", "https://app.test"],
    ["https://app.test", "https://APP.test:443/"],
    ["https://app.test/a", "https://app.test./b"],
    ["http://localhost:4000", "http://127.0.0.1:4000"],
  ])("cannot have staging %s and production %s: they are the same deployment", (STAGING_URL, PRODUCTION_URL) => {
    expect(complaints({ ...local, STAGING_URL, PRODUCTION_URL })).toEqual(["STAGING_URL"]);
  });

  it("cannot be Vigil itself", () => {
    const APP_URL = "https://vigil.test";
    expect(complaints({ ...local, APP_URL, PRODUCTION_URL: `${APP_URL}/app` })).toEqual(["PRODUCTION_URL"]);
  });

  it("needs both addresses once a repository is named", () => {
    expect(complaints({ AGENT_REPOSITORY: "/srv/app.git" })).toEqual(["STAGING_URL", "PRODUCTION_URL"]);
  });

  it("is only looked at where nothing is said about starting it", () => {
    expect(readConfig(local).platform).toEqual({
      kind: "url",
      urls: { staging: "https://staging.test", production: "https://app.test" },
      healthPath: "/api/health",
    });
  });

  it("runs as processes of this machine with a start command and local addresses", () => {
    const environment = {
      AGENT_REPOSITORY: "/srv/app.git",
      AGENT_START_COMMAND: "node server.js",
      STAGING_URL: "http://localhost:4001",
      PRODUCTION_URL: "http://127.0.0.1:4002/",
      AGENT_HEALTH_PATH: "/healthz?full=1",
    };
    expect(readConfig(environment).platform).toEqual({
      kind: "processes",
      startCommand: "node server.js",
      ports: { staging: 4001, production: 4002 },
      healthPath: "/healthz?full=1",
    });
    expect(complaints({ ...environment, PRODUCTION_URL: "https://app.test" })).toEqual(["PRODUCTION_URL"]);
    expect(complaints({ ...environment, STAGING_URL: "http://localhost" })).toEqual(["STAGING_URL"]);
  });

  it("is deployed by Vercel with a token and a project", () => {
    const environment = { ...local, VERCEL_TOKEN: "t", VERCEL_PROJECT_ID: "prj_1", VERCEL_TEAM_ID: "team_1" };
    expect(readConfig(environment).platform).toEqual({
      kind: "vercel",
      token: "t",
      projectId: "prj_1",
      teamId: "team_1",
      apiUrl: null,
      bypassSecret: null,
      urls: { staging: "https://staging.test", production: "https://app.test" },
      healthPath: "/api/health",
    });
    expect(complaints({ ...environment, VERCEL_PROJECT_ID: "" })).toEqual(["VERCEL_PROJECT_ID"]);
    // Where Vigil runs on Vercel the system gives the usual name to Vigil's own project.
    const hosted = { ...environment, VERCEL_PROJECT_ID: "prj_of_vigil_itself", AGENT_VERCEL_PROJECT_ID: "prj_1" };
    expect(readConfig(hosted).platform).toEqual(readConfig(environment).platform);
    expect(complaints({ ...environment, VERCEL_BYPASS_SECRET: "short" })).toEqual(["VERCEL_BYPASS_SECRET"]);
    const unnamed = { ...environment, STAGING_URL: "", PRODUCTION_URL: "" };
    expect(readConfig(unnamed).platform).toMatchObject({ urls: { staging: null, production: null } });
  });

  it("is asked by https where it runs elsewhere, and by http only at an address of one's own network", () => {
    const vercel = { ...local, VERCEL_TOKEN: "t", VERCEL_PROJECT_ID: "prj_1" };
    for (const environment of [local, vercel]) {
      expect(complaints({ ...environment, STAGING_URL: "http://staging.test" })).toEqual(["STAGING_URL"]);
      for (const STAGING_URL of ["http://localhost:4000", "http://10.1.2.3", "http://[::1]:4000"]) {
        expect(readConfig({ ...environment, STAGING_URL }).platform).toMatchObject({ urls: { staging: STAGING_URL } });
      }
    }
  });

  it("lives on GitHub with a token or an app", () => {
    const github = { ...local, AGENT_REPOSITORY: "github:acme/shop.git" };
    const repository = { kind: "github", owner: "acme", name: "shop", apiUrl: null };
    expect(readConfig({ ...github, GITHUB_TOKEN: "t" }).repository).toEqual({
      ...repository,
      credentials: { kind: "token", token: "t" },
    });
    const GITHUB_APP_PRIVATE_KEY = "-----BEGIN PRIVATE KEY-----\\nabc\\n-----END PRIVATE KEY-----";
    expect(readConfig({ ...github, GITHUB_APP_ID: "12", GITHUB_APP_PRIVATE_KEY }).repository).toEqual({
      ...repository,
      credentials: { kind: "app", appId: "12", privateKey: GITHUB_APP_PRIVATE_KEY.replaceAll("\\n", "\n") },
    });
    expect(complaints(github)).toEqual(["GITHUB_TOKEN"]);
    expect(complaints({ ...github, GITHUB_APP_ID: "12" })).toEqual(["GITHUB_APP_PRIVATE_KEY"]);
    expect(complaints({ ...github, GITHUB_APP_PRIVATE_KEY })).toEqual(["GITHUB_APP_ID"]);
  });
});

describe("where people look at the watched repository", () => {
  const address = (change: Record<string, string>) =>
    repositoryAddressOf(readConfig({ ...local, GITHUB_TOKEN: "t", ...change }).repository);
  const acme = { AGENT_REPOSITORY: "github:acme/shop" };
  it.each([
    [{ ...acme }, "https://github.com/acme/shop"],
    [{ ...acme, GITHUB_API_URL: "https://api.github.com/" }, "https://github.com/acme/shop"],
    [{ ...acme, GITHUB_API_URL: "https://git.acme.test/api/v3" }, "https://git.acme.test/acme/shop"],
    [{ ...acme, GITHUB_API_URL: "https://git.acme.test:8443/api/v3/" }, "https://git.acme.test:8443/acme/shop"],
    [{ ...acme, GITHUB_API_URL: "https://api.acme.ghe.com" }, "https://acme.ghe.com/acme/shop"],
    // Something in front of GitHub: nobody knows what it shows to people.
    [{ ...acme, GITHUB_API_URL: "https://proxy.acme.test/github" }, null],
    [{ AGENT_REPOSITORY: "/srv/git/shop.git" }, null],
    [{}, null],
  ])("is known of %j: %s", (change, expected) => expect(address(change)).toBe(expected));
});

describe("on Vercel", () => {
  it("runs no workers and asks for what a function cannot bring", () => {
    const keys = ["CRON_SECRET", "AGENT_INGEST_KEY", "AGENT_OPERATOR_PASSWORD"];
    expect(complaints({ VERCEL: "1" }).toSorted()).toEqual(["AGENT_REPOSITORY", "DATABASE_URL", ...keys].toSorted());
    const hosted = {
      ...local,
      VERCEL: "1",
      DATABASE_URL: "postgresql://u:p@db.test/app",
      AGENT_REPOSITORY: "github:acme/shop",
      GITHUB_TOKEN: "t",
      CRON_SECRET: "c".repeat(32),
      AGENT_INGEST_KEY: "i".repeat(32),
      AGENT_OPERATOR_PASSWORD: "a-long-password",
      VERCEL_PROJECT_ID: "prj_of_vigil_itself",
      VERCEL_PROJECT_PRODUCTION_URL: "vigil.vercel.app",
    };
    expect(readConfig(hosted)).toMatchObject({
      workers: false,
      appUrl: "https://vigil.vercel.app",
      testBench: { kind: "checks" },
      platform: { kind: "url" },
    });
  });

  it("refuses checks that are closer together than the scheduler's calls", () => {
    const settings = Settings.parse({ staging: { checkEveryMs: 30_000 } });
    expect(intervalRefusal({ workers: false }, settings)).toBe(
      "The scheduler calls every 60000 ms, so checks cannot come more often: staging.checkEveryMs is 30000 ms.",
    );
    expect(intervalRefusal({ workers: false }, Settings.parse({}))).toBeUndefined();
    expect(intervalRefusal({ workers: true }, settings)).toBeUndefined();
  });
});

describe("the log drain", () => {
  const secret = "a-drain-secret-of-thirty-characters";

  it("takes the watched project's lines, and all where the platform is not Vercel", () => {
    const drain = { VERCEL_DRAIN_SECRET: secret, VERCEL_DRAIN_VERIFY: "abc", VERCEL_DRAIN_SAMPLING: "0.25" };
    expect(readConfig({ ...local, ...drain, VERCEL_PROJECT_ID: "prj_of_vigil_itself" }).drain).toEqual({
      ...{ secret, verify: "abc", projectId: null, samplingRate: 0.25 },
    });
    const vercel = { VERCEL_TOKEN: "t", VERCEL_PROJECT_ID: "prj_1", AGENT_REPOSITORY: "github:a/b", GITHUB_TOKEN: "t" };
    expect(readConfig({ ...local, ...drain, ...vercel }).drain.projectId).toBe("prj_1");
    expect(secretValuesOf(readConfig({ ...local, ...drain }))).toContain(secret);
  });

  it.each<Record<string, string>>([
    { VERCEL_DRAIN_SECRET: "short" },
    { VERCEL_DRAIN_SECRET: `${secret} ${secret}` },
    { VERCEL_DRAIN_VERIFY: "two words" },
    { VERCEL_DRAIN_SAMPLING: "0" },
    { VERCEL_DRAIN_SAMPLING: "25%" },
    { VERCEL_DRAIN_SAMPLING: "1.5" },
  ])("refuses %j", (variables) => {
    expect(complaints({ ...local, ...variables })).toEqual(Object.keys(variables));
  });
});

describe("the key of the model", () => {
  it.each([
    ["sk-ant-api03-abcdefghijklmnopqrstuvwxyz", { kind: "present", apiKey: "sk-ant-api03-abcdefghijklmnopqrstuvwxyz" }],
    ["sk-proj-1234", { kind: "malformed", why: "does not start with sk-ant-." }],
    ["sk-ant-x", { kind: "malformed", why: "is cut short or holds characters that no key has." }],
  ])("%s stops nothing", (ANTHROPIC_API_KEY, claude) => {
    expect(readConfig({ ANTHROPIC_API_KEY }).engineer.claude).toEqual(claude);
  });

  it("has the other service's form where another service is asked", () => {
    const variables = { ANTHROPIC_BASE_URL: "http://localhost:8080/", ANTHROPIC_API_KEY: "gateway-key" };
    expect(readConfig(variables).engineer).toMatchObject({
      claude: { kind: "present", apiKey: "gateway-key" },
      baseUrl: "http://localhost:8080",
    });
    expect(readConfig({ ...variables, ANTHROPIC_API_KEY: "k" }).engineer.claude.kind).toBe("present");
    expect(readConfig({ ...variables, ANTHROPIC_API_KEY: "a key" }).engineer.claude.kind).toBe("malformed");
  });
});

describe("the models", () => {
  it("may be others, and escalation and playbooks may be switched off", () => {
    const variables = { AGENT_MODEL_FIX: "claude-opus-5-5", AGENT_MODEL_ESCALATE: "none", AGENT_PLAYBOOKS: "off" };
    expect(readConfig(variables).engineer).toMatchObject({
      models: { diagnose: "claude-sonnet-5-5", fix: "claude-opus-5-5", escalate: null },
      playbooks: "off",
    });
  });
});

it("takes addresses of its overseers by https, or on this machine, and keeps the heartbeat's secret", () => {
  const given = { HEARTBEAT_URL: "https://hc.test/uuid", AGENT_CONTROL_URL: "http://127.0.0.1:9/up" };
  const config = readConfig({ ...local, ...given });
  expect(config.oversight).toEqual({ heartbeatUrl: "https://hc.test/uuid", controlUrl: "http://127.0.0.1:9/up" });
  expect(secretValuesOf(config)).toContain("https://hc.test/uuid");
  const bad = { HEARTBEAT_URL: "http://hc.test/uuid", AGENT_CONTROL_URL: "file:///etc/passwd" };
  expect(complaints({ ...local, ...bad })).toEqual(["HEARTBEAT_URL", "AGENT_CONTROL_URL"]);
});

it("prefers Slack's bot to its webhook, and takes no half of it", () => {
  const hook = { SLACK_WEBHOOK_URL: "https://hooks.slack.com/services/T/B/x" };
  const bot = { SLACK_BOT_TOKEN: "xoxb-0123456789-abcdef", SLACK_CHANNEL: "C012ABCDEF" };
  const who = { SLACK_OPERATORS: " U012ABCDEF=alice@example.com, U345GHIJKL=bob " };
  const config = readConfig({ ...local, ...hook, ...bot, ...who });
  expect(config.notifier).toEqual({
    kind: "slack",
    delivery: { kind: "bot", token: "xoxb-0123456789-abcdef", channel: "C012ABCDEF" },
    apiUrl: null,
    signingSecret: null,
    operators: { U012ABCDEF: "alice@example.com", U345GHIJKL: "bob" },
  });
  expect(secretValuesOf(config)).toContain("xoxb-0123456789-abcdef");
  expect(readConfig({ ...local, ...hook }).notifier).toMatchObject({ delivery: { kind: "webhook" } });
  expect(complaints({ ...local, SLACK_BOT_TOKEN: bot.SLACK_BOT_TOKEN })).toEqual(["SLACK_CHANNEL"]);
  expect(complaints({ ...local, SLACK_CHANNEL: bot.SLACK_CHANNEL })).toEqual(["SLACK_BOT_TOKEN"]);
  expect(complaints({ ...local, ...bot, SLACK_CHANNEL: "#alerts" })).toEqual(["SLACK_CHANNEL"]);
});

it("knows every secret that it was given, and the password inside an address", () => {
  const config = readConfig({
    ...local,
    AGENT_REPOSITORY: "github:acme/shop",
    GITHUB_TOKEN: "the-github-token",
    DATABASE_URL: "postgres://u:p%40ss@db.test/app",
    CRON_SECRET: long,
    SLACK_WEBHOOK_URL: "https://hooks.slack.com/services/T/B/x",
    VERCEL_TOKEN: "the-vercel-token",
    VERCEL_PROJECT_ID: "prj_1",
    VERCEL_BYPASS_SECRET: "the-bypass-secret-of-it",
  });
  expect(secretValuesOf(config)).toEqual([
    long,
    "postgres://u:p%40ss@db.test/app",
    "p@ss",
    "https://hooks.slack.com/services/T/B/x",
    "the-vercel-token",
    "the-bypass-secret-of-it",
    "the-github-token",
  ]);
});

it("explains every variable that it reads in .env.example", () => {
  const read = new Set<string>();
  const watching = new Proxy<Record<string, string>>(
    { ...local, AGENT_REPOSITORY: "github:a/b", VERCEL_TOKEN: "t", GITHUB_APP_ID: "1" },
    {
      get(target, name) {
        read.add(String(name));
        return Reflect.get(target, name);
      },
    },
  );
  expect(() => readConfig(watching)).toThrow(Failure);
  const setByVercel = ["VERCEL", "VERCEL_PROJECT_PRODUCTION_URL"];
  const documented = new Set(documentedVariables());
  expect([...read].filter((name) => !documented.has(name) && !setByVercel.includes(name))).toEqual([]);
  expect([...documented].filter((name) => !read.has(name) && name !== "AGENT_START_COMMAND")).toEqual([]);
});

function documentedVariables(): string[] {
  const text = readFileSync(fileURLToPath(new URL("../.env.example", import.meta.url)), "utf8");
  return [...text.matchAll(/^#? ?([A-Z][A-Z0-9_]+)=/gm)].map((match) => match[1] ?? "");
}

describe("the keys of a machine where none are set", () => {
  let home = "";
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), "vigil-keys-"));
  });
  afterEach(() => rmSync(home, { recursive: true, force: true }));

  it("are made once, kept for the owner only, and used", () => {
    const first = withOwnKeys(readConfig({ VIGIL_HOME: join(home, "new") }));
    const again = withOwnKeys(readConfig({ VIGIL_HOME: join(home, "new") }));
    expect(again).toEqual(first);
    expect(new Set(Object.values(first.secrets)).size).toBe(3);
    expect(first.secrets.cronSecret?.length).toBeGreaterThanOrEqual(32);
    expect(statSync(join(home, "new", "keys.json")).mode & 0o777).toBe(0o600);
    expect(readdirSync(join(home, "new"))).toEqual(["keys.json"]);
  });

  it("never replace a key that is set", () => {
    const { secrets } = withOwnKeys(readConfig({ VIGIL_HOME: home, CRON_SECRET: long }));
    expect(secrets.cronSecret).toBe(long);
    expect(secrets.apiToken).not.toBeNull();
  });

  it("are not made beside a Postgres of one's own, or when all are set", () => {
    const apart = { VIGIL_HOME: home, DATABASE_URL: "postgres://db.test/app" };
    expect(withOwnKeys(readConfig(apart)).secrets).toEqual({ cronSecret: null, ingestKey: null, apiToken: null });
    const all = { VIGIL_HOME: home, CRON_SECRET: long, AGENT_INGEST_KEY: `${long}2`, AGENT_API_TOKEN: `${long}3` };
    Object.assign(all, { AGENT_OPERATOR_PASSWORD: long });
    withOwnKeys(readConfig(all));
    expect(readdirSync(home)).toEqual([]);
  });

  it("gain a password for operators where they were made before there was one", () => {
    const made = ensureKeys(home);
    const { operatorPassword: _, ...earlier } = made;
    writeFileSync(join(home, "keys.json"), JSON.stringify(earlier));
    const completed = ensureKeys(home);
    expect(completed).toEqual({ ...earlier, operatorPassword: expect.stringMatching(/^[\w-]{20}$/) });
    expect(ensureKeys(home)).toEqual(completed);
    expect(withOwnKeys(readConfig({ VIGIL_HOME: home })).operators.password).toBe(completed.operatorPassword);
  });

  it("are the same for everyone who starts at the same time", async () => {
    const script = `const { parentPort, workerData } = require("node:worker_threads");
      import(workerData.module).then(({ ensureKeys }) => parentPort.postMessage(ensureKeys(workerData.home)));`;
    const module = new URL("../src/config/keys.ts", import.meta.url).href;
    const answers = await Promise.all(
      Array.from(
        { length: 6 },
        () =>
          new Promise((resolve, reject) => {
            const worker = new Worker(script, { eval: true, workerData: { module, home } });
            worker.once("message", resolve).once("error", reject);
          }),
      ),
    );
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    expect(readdirSync(home)).toEqual(["keys.json"]);
  });

  it.each([["{"], ["{}"], ['{"cronSecret":"undefined","ingestKey":"x","apiToken":""}']])(
    "are never read out of a spoiled file: %s",
    (content) => {
      writeFileSync(join(home, "keys.json"), content);
      expect(failureOf(() => ensureKeys(home)).message).toBe(`${join(home, "keys.json")} does not hold Vigil's keys.`);
    },
  );

  it("are asked for by name where they cannot be kept", () => {
    writeFileSync(join(home, "file"), "");
    expect(failureOf(() => ensureKeys(join(home, "file"))).code).toBe("misconfigured");
  });
});
