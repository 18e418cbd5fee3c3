import { spawn } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { readConfig } from "#config.ts";
import { examine } from "#doctor/checkup.ts";
import { checkupsFor, withoutSecrets } from "#doctor/checkups.ts";
import { connectPostgres } from "#store/connect.ts";
import { migrate } from "#store/migrate.ts";
import { createPostgresDatabase, databases, migrations } from "#tests/support/databases.ts";
import { aGitWorld, headOf } from "#tests/support/git.ts";
import { everyPermission, startGithub } from "#tests/support/github/server.ts";
import { startMessagesApi } from "#tests/support/messages-api.ts";
import { startSlack } from "#tests/support/slack/slack.ts";
import { startVercel, type VercelOptions } from "#tests/support/vercel/vercel.ts";
import { nobody, serve } from "../adapters/platform/servers.ts";

type Environment = Record<string, string>;

const onPostgres = databases().filter(({ kind }) => kind === "postgres");

const key = (letter: string) => letter.repeat(40);
const webToken = (role: string) => `e30.${Buffer.from(JSON.stringify({ role })).toString("base64url")}.sign`;

/** Looks in this process, as the command does, and answers what is not well. */
async function troubles(environment: Environment, limitMs?: number) {
  const config = readConfig(environment);
  const found = withoutSecrets(await examine(checkupsFor(config, { send: false }), limitMs), config);
  return Object.fromEntries(Object.entries(found).filter(([, { status }]) => status !== "ok"));
}

/** A repository at GitHub whose main was tested, with staging. */
async function aGithub(permissions = everyPermission) {
  const world = await aGitWorld();
  const main = await headOf(world.remote, "main");
  onTestFinished(() => world.dispose());
  const { publicKey, privateKey } = generateKeyPairSync("rsa", {
    modulusLength: 2048,
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
  });
  const app = { appId: "4711", publicKey, permissions, installed: true };
  const github = await startGithub({ remote: world.remote, app });
  onTestFinished(() => github.stop());
  github.check(main ?? "", { name: "test", conclusion: "success" });
  const environment: Environment = {
    AGENT_REPOSITORY: `github:${github.owner}/${github.name}`,
    GITHUB_API_URL: github.url,
    GITHUB_TOKEN: github.issueToken({ permissions }),
  };
  const asApp: Environment = {
    ...environment,
    GITHUB_TOKEN: "",
    GITHUB_APP_ID: "4711",
    GITHUB_APP_PRIVATE_KEY: privateKey,
  };
  return { github, app, environment, asApp };
}

/** A project at Vercel with both environments deployed. */
async function aVercel(options: VercelOptions = {}) {
  const vercel = await startVercel({ repository: "acme/clinic", ...options });
  onTestFinished(() => vercel.close());
  vercel.pushed("main", "a".repeat(40));
  vercel.pushed("staging", "b".repeat(40));
  await expect
    .poll(() => vercel.deployments().every((one) => one.aliasAssigned !== null || one.readySubstate === "STAGED"), {
      timeout: 20_000,
    })
    .toBe(true);
  const environment: Environment = {
    VERCEL_TOKEN: vercel.token,
    VERCEL_PROJECT_ID: vercel.projectId,
    VERCEL_TEAM_ID: vercel.teamId ?? "",
    VERCEL_API_URL: vercel.apiUrl,
    STAGING_URL: vercel.urls.staging,
    PRODUCTION_URL: vercel.urls.production,
  };
  return { vercel, environment };
}

/** Slack, Supabase, the model's service and Vigil itself, each well. */
async function theRest(): Promise<Environment> {
  const slack = await serve((_, response) => response.writeHead(400).end("no_text"));
  const supabase = await serve(({ url, headers }, response) => {
    const isRest = url?.startsWith("/rest/") === true;
    const isKnown = headers.apikey === webToken("anon") || headers.apikey === webToken("service_role");
    response.writeHead(!isKnown || isRest ? 401 : 200).end(JSON.stringify({ disable_signup: true }));
  });
  const checks = { schedule: { status: "ok", message: "detection runs on schedule" } };
  const vigil = await serve(({ url }, response) => {
    if (url === "/api/health") return response.end(JSON.stringify({ status: "ok", version: "1", checks }));
    return response.writeHead(401).end();
  });
  const messages = await startMessagesApi();
  onTestFinished(() => messages.close());
  return {
    APP_URL: vigil,
    SLACK_WEBHOOK_URL: `${slack}/services/T/B/x`,
    SLACK_SIGNING_SECRET: key("s"),
    SLACK_OPERATORS: "U0ALICE=alice@example.com",
    NEXT_PUBLIC_SUPABASE_URL: supabase,
    NEXT_PUBLIC_SUPABASE_ANON_KEY: webToken("anon"),
    SUPABASE_SERVICE_ROLE_KEY: webToken("service_role"),
    ANTHROPIC_API_KEY: messages.apiKey,
    ANTHROPIC_BASE_URL: messages.url,
    CRON_SECRET: key("c"),
    AGENT_INGEST_KEY: key("i"),
    HEARTBEAT_URL: slack,
  };
}

describe("the command", () => {
  it.each(onPostgres)(
    "finds everything well that is, in words and as JSON, without one secret and without one change",
    { timeout: 240_000 },
    async () => {
      const database = await createPostgresDatabase();
      onTestFinished(() => database.drop());
      const connection = await connectPostgres({ url: database.url });
      await migrate(connection, { directory: migrations });
      await connection.close();
      const [github, vercel, rest] = await Promise.all([aGithub(), aVercel(), theRest()]);
      const environment = {
        ...rest,
        ...github.environment,
        ...vercel.environment,
        DATABASE_URL: database.poolerUrl || database.url,
      };
      const [told, json] = await Promise.all([
        vigil(["doctor"], environment),
        vigil(["doctor", "--json"], environment),
      ]);
      expect(told.output).toContain("Everything is well.");
      expect([told.code, json.code, JSON.parse(json.output).status]).toEqual([0, 0, "ok"]);
      expect(Object.keys(JSON.parse(json.output).checks).length).toBeGreaterThan(18);
      for (const [name, value] of Object.entries(environment)) {
        if (/KEY|TOKEN|SECRET|WEBHOOK/.test(name)) expect(told.output + json.output).not.toContain(value);
      }
      expect(vercel.vercel.deployments()).toHaveLength(2);
      expect(github.github.pulls()).toEqual([]);
    },
  );

  it("ends with 1 and says what to change where Vigil cannot work", async () => {
    const silent = await nobody();
    const { code, output } = await vigil(["doctor"], {
      DATABASE_URL: silent.replace("http", "postgres"),
      AGENT_REPOSITORY: "github:acme/none",
      GITHUB_API_URL: silent,
      GITHUB_TOKEN: "a-token-of-github",
      STAGING_URL: "http://127.0.0.1:1",
      PRODUCTION_URL: "http://127.0.0.2:1",
    });
    expect(code).toBe(1);
    for (const name of ["database", "github", "production", "ingest key"])
      expect(output).toMatch(new RegExp(`✗ ${name} .*\\n +→ `));
    expect(output).not.toContain("a-token-of-github");
  });
});

describe("GitHub", () => {
  it("is well with a token and with an app that may do what is needed, and no more", async () => {
    const { environment, asApp } = await aGithub();
    const platform = { STAGING_URL: "http://127.0.0.1:1", PRODUCTION_URL: "http://127.0.0.2:1" };
    for (const one of [environment, asApp]) {
      const found = await troubles({ ...one, ...platform });
      expect(Object.keys(found).filter((name) => /github|branch/.test(name))).toEqual([]);
    }
  });

  it("names each permission that is missing", async () => {
    const { environment, asApp } = await aGithub({
      metadata: "read",
      contents: "read",
      checks: "read",
      actions: "read",
    });
    const platform = { STAGING_URL: "http://127.0.0.1:1", PRODUCTION_URL: "http://127.0.0.2:1" };
    for (const one of [environment, asApp]) {
      const found = await troubles({ ...one, ...platform });
      expect(found["github permissions"]).toMatchObject({
        status: "down",
        hint: expect.stringMatching(/Contents: Read and write .*Pull requests: Read and write .*Commit statuses/),
      });
      expect(found["github permissions"]?.hint).not.toContain("Actions");
    }
  });

  it("is heard about a wrong token, a repository it does not see, an app that is not installed", async () => {
    const { environment, asApp, app } = await aGithub();
    const platform = { STAGING_URL: "http://127.0.0.1:1", PRODUCTION_URL: "http://127.0.0.2:1" };
    const github = async (one: Environment) => (await troubles({ ...one, ...platform })).github?.message;
    expect(await github({ ...environment, GITHUB_TOKEN: "wrong" })).toContain("GitHub refuses GITHUB_TOKEN");
    expect(await github({ ...environment, AGENT_REPOSITORY: "github:acme/none" })).toContain(
      "is not there for GITHUB_TOKEN",
    );
    app.installed = false;
    expect(await github(asApp)).toContain("GITHUB_APP_ID");
  });

  it("says that a protected main waits for a person, and that nothing tests a fix", async () => {
    const { environment, github } = await aGithub();
    github.protect("main");
    github.state.checkRuns.length = 0;
    const found = await troubles({
      ...environment,
      STAGING_URL: "http://127.0.0.1:1",
      PRODUCTION_URL: "http://127.0.0.2:1",
    });
    expect(found).toMatchObject({
      "branch main": { status: "degraded", message: expect.stringContaining("protected") },
      "github checks": { status: "degraded", message: expect.stringContaining("every fix would wait for a person") },
    });
  });
});

describe("Vercel", () => {
  const repository = { AGENT_REPOSITORY: "/srv/app.git" };

  it.each<[string, VercelOptions, Environment, Record<string, RegExp>]>([
    ["a token that may only look", { readOnlyToken: true }, {}, { "vercel rights": /does not allow this/ }],
    ["a wrong token", {}, { VERCEL_TOKEN: "wrong" }, { vercel: /refuses VERCEL_TOKEN/ }],
    ["a missing team", {}, { VERCEL_TEAM_ID: "" }, { vercel: /finds no project/ }],
    ["another production branch", { productionBranch: "master" }, {}, { "vercel git": /from master/ }],
    ["protection without a secret", { protection: "all" }, {}, { "vercel protection": /protected/, staging: /401/ }],
    ["domains that people assign", { autoAssignDomains: false }, {}, { "vercel domains": /by itself/ }],
    [
      "a release that reports nothing",
      { builds: () => ({ kind: "ready", serves: "v1.2.3" }) },
      {},
      { production: /which commit/ },
    ],
  ])("is heard about %s", async (_, options, wrong, expected) => {
    const { environment } = await aVercel(options);
    const found = await troubles({ ...repository, ...environment, ...wrong });
    for (const [name, message] of Object.entries(expected)) {
      expect(found[name]?.message).toMatch(message);
      expect(found[name]?.hint).toMatch(/./);
    }
  });

  it("is heard about a project that is Vigil itself (reliability B22)", async () => {
    const { environment, vercel } = await aVercel();
    const own = { ...environment, STAGING_URL: "", PRODUCTION_URL: "", APP_URL: vercel.urls.production };
    expect((await troubles({ ...repository, ...own })).vercel).toMatchObject({
      status: "down",
      message: expect.stringContaining("Vigil itself runs as"),
      hint: expect.stringContaining("AGENT_VERCEL_PROJECT_ID"),
    });
  });

  it("is heard about another repository, none at all, and a rollback that holds releases back", async () => {
    const { vercel, environment } = await aVercel();
    const elsewhere = { AGENT_REPOSITORY: "github:acme/other", GITHUB_TOKEN: "t", GITHUB_API_URL: await nobody() };
    expect((await troubles({ ...elsewhere, ...environment }))["vercel git"]?.message).toContain("acme/clinic");
    vercel.disconnect();
    vercel.rollBack(vercel.deployments()[0]?.id ?? "");
    await expect
      .poll(async () => (await troubles({ ...repository, ...environment }))["vercel domains"]?.message, {
        timeout: 30_000,
      })
      .toContain("rolled back");
    expect((await troubles({ ...repository, ...environment }))["vercel git"]).toMatchObject({ status: "down" });
  });
});

describe("the other services", () => {
  const basics = {
    AGENT_REPOSITORY: "/srv/app.git",
    STAGING_URL: "http://127.0.0.1:1",
    PRODUCTION_URL: "http://127.0.0.2:1",
  };

  it("are heard about wrong keys, each by the name of its variable", async () => {
    const rest = await theRest();
    const gone = await serve((_, response) => response.writeHead(404).end("no_service"));
    const found = await troubles({
      ...basics,
      ...rest,
      SLACK_WEBHOOK_URL: `${gone}/services/T/B/x`,
      ANTHROPIC_API_KEY: `sk-ant-${"wrong".repeat(8)}`,
      NEXT_PUBLIC_SUPABASE_ANON_KEY: webToken("nobody"),
      SUPABASE_SERVICE_ROLE_KEY: "wrong",
    });
    expect(found).toMatchObject({
      slack: { status: "down", hint: expect.stringContaining("SLACK_WEBHOOK_URL") },
      claude: { status: "down", message: "ANTHROPIC_API_KEY is refused" },
      supabase: { status: "down", message: expect.stringContaining("NEXT_PUBLIC_SUPABASE_ANON_KEY") },
      "supabase service key": { status: "down" },
    });
  });

  it("tell whether Slack's bot is known, and reach its channel when asked to", async () => {
    const slack = await startSlack();
    onTestFinished(() => slack.close());
    const bot = { SLACK_BOT_TOKEN: slack.token, SLACK_CHANNEL: slack.channel, SLACK_API_URL: slack.apiUrl };
    const rest = await theRest();
    expect((await troubles({ ...basics, ...rest, ...bot })).slack).toBeUndefined();
    expect(slack.messages()).toEqual([]);
    expect(await troubles({ ...basics, ...rest, ...bot, SLACK_BOT_TOKEN: "xoxb-0123456789-wrong" })).toMatchObject({
      slack: { status: "down", message: "Slack refuses the bot: invalid_auth" },
    });
  });

  it("sees that the browser's key is the service role's, that visitors read tables, and a model that is not there", async () => {
    const rest = await theRest();
    const open = await serve((_, response) => response.end("[]"));
    const leaking = await troubles({
      ...basics,
      ...rest,
      NEXT_PUBLIC_SUPABASE_URL: open,
      AGENT_MODEL_FIX: "claude-none",
    });
    expect(leaking).toMatchObject({
      "supabase data api": { status: "down", message: expect.stringContaining("agent_issues") },
      claude: { status: "down", message: expect.stringContaining("AGENT_MODEL_FIX") },
    });
    const swapped = troubles({ ...basics, ...rest, NEXT_PUBLIC_SUPABASE_ANON_KEY: webToken("service_role") });
    await expect(swapped).rejects.toMatchObject({ message: expect.stringContaining("is the secret key") });
  });

  it("are given up when they never answer, all at the same time, and hold nothing else back", async () => {
    const mute = await serve(() => {});
    const found = await troubles(
      {
        ...basics,
        SLACK_WEBHOOK_URL: `${mute}/services/T/B/x`,
        ANTHROPIC_API_KEY: `sk-ant-${"x".repeat(30)}`,
        ANTHROPIC_BASE_URL: mute,
        NEXT_PUBLIC_SUPABASE_URL: mute,
        NEXT_PUBLIC_SUPABASE_ANON_KEY: "anon",
      },
      1_500,
    );
    for (const name of ["slack", "claude", "supabase"])
      expect(found[name]).toMatchObject({ status: "down", message: "no answer within 1.5 s" });
    expect(found["ingest key"]).toMatchObject({ status: "down" });
  });

  it.each(onPostgres)("are told apart from what answers in their place", async () => {
    const database = await createPostgresDatabase();
    onTestFinished(() => database.drop());
    const shop = await serve((_, response) => response.end("<html>a shop</html>"));
    const found = await troubles({ ...basics, DATABASE_URL: database.url, APP_URL: shop });
    expect(found).toMatchObject({
      vigil: { status: "down", message: expect.stringContaining("is not Vigil") },
      migrations: { status: "degraded", message: expect.stringContaining("005_agent_system.sql") },
    });
    const free = await serve((_, response) => {
      response.writeHead(404, { "x-vercel-error": "DEPLOYMENT_NOT_FOUND" });
      response.end("The deployment could not be found on Vercel.\n\nDEPLOYMENT_NOT_FOUND\n\niad1::x");
    });
    const early = await troubles({ ...basics, DATABASE_URL: database.url, APP_URL: free });
    expect(early.vigil).toMatchObject({ status: "degraded", message: expect.stringContaining("nobody answers") });
    const open = await serve(({ url }, response) => {
      response.end(url === "/api/health" ? JSON.stringify({ status: "ok", version: "1", checks: {} }) : "{}");
    });
    const unguarded = await troubles({ ...basics, DATABASE_URL: database.url, APP_URL: open, CRON_SECRET: key("c") });
    expect(unguarded["cron routes"]).toMatchObject({
      status: "down",
      message: expect.stringContaining("200, not 401"),
    });
  });
});

/** Runs `vigil` as a terminal would. */
async function vigil(words: string[], variables: Environment) {
  const home = await mkdtemp(join(tmpdir(), "vigil-doctor-"));
  const main = join(import.meta.dirname, "..", "..", "src", "cli", "main.ts");
  const env = { NODE_ENV: "test" as const, PATH: process.env.PATH, VIGIL_HOME: home, PORT: "39999", ...variables };
  const child = spawn(process.execPath, [main, ...words], { env, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk) => {
      output += chunk;
    });
  }
  const code = await new Promise<number | null>((done) => child.once("close", done));
  await rm(home, { recursive: true });
  return { code, output };
}
