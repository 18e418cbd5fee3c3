import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from "vitest";
import { z } from "zod";
import { type Agent, createAgent } from "#agent.ts";
import { readConfig } from "#config.ts";
import { settings } from "#http/operator.ts";
import { bakery } from "#tests/crash/a-bakery.ts";
import { anHttp, aRequest, aRoute } from "#tests/http/fakes.ts";
import { anEvent } from "#tests/support/builders.ts";
import { createPostgresDatabase, templateName } from "#tests/support/databases.ts";
import { aGitWorld, type GitWorld } from "#tests/support/git.ts";
import { type MessagesApi, startMessagesApi } from "#tests/support/messages-api.ts";

/** The product as it is wired, with each state that ANTHROPIC_API_KEY can be in, and a problem that no playbook knows. */

const token = "api-token-of-forty-characters-0123456789";
const wrongKey = `sk-ant-${"wrong123".repeat(4)}`;
const Detail = z.looseObject({ status: z.string(), statusReason: z.string().nullable() });

describe("a problem that no playbook knows", () => {
  let api: MessagesApi;
  let world: GitWorld;
  let home: string;
  let agent: Agent | undefined;
  let database: { url: string; drop(): Promise<void> } | undefined;
  beforeAll(async () => {
    api = await startMessagesApi();
    world = await aGitWorld(bakery);
  });
  afterEach(async () => {
    await agent?.stop();
    await database?.drop();
    await rm(home, { recursive: true, force: true });
  });
  afterAll(async () => {
    await api.close();
    await world.dispose();
  });

  async function tried(environment: Record<string, string>) {
    home = await mkdtemp(join(tmpdir(), "vigil-key-"));
    // A copy of a migrated database is quicker than an embedded one that begins with nothing.
    database = inject("databases").postgres === null ? undefined : await createPostgresDatabase(templateName);
    const variables = {
      VIGIL_HOME: home,
      DATABASE_URL: database?.url ?? "",
      AGENT_REPOSITORY: world.remote,
      AGENT_START_COMMAND: "node server.mjs",
      STAGING_URL: "http://127.0.0.1:18401",
      PRODUCTION_URL: "http://127.0.0.1:18402",
      AGENT_API_TOKEN: token,
      ANTHROPIC_BASE_URL: api.url,
      ...environment,
    };
    const running = await createAgent(readConfig(variables), () => undefined);
    agent = running;
    await running.ingest({ events: [anEvent({ at: new Date(), release: null })], traffic: [] });
    for (const name of ["detect", "diagnose", "fix"] as const) await running.tick(name, 10_000);
    const [found] = await running.issues({ limit: 1 });
    const issue = Detail.parse(found);
    const shown = await settings(anHttp(running)).GET(aRequest("/api/agent/settings", { token }), aRoute());
    const { configuration } = z
      .looseObject({ configuration: z.looseObject({ claude: z.unknown() }) })
      .parse(await shown.json());
    const trail = await running.actionsAfter(0, 100);
    return {
      status: issue.status,
      because: issue.statusReason,
      trail: trail.filter(({ action }) => action === "status.changed").at(-1)?.because,
      health: (await running.health()).checks.claude,
      configuration: configuration.claude,
    };
  }

  it("ends at once without a key, and the reason names the variable", async () => {
    const { status, because, trail, health, configuration } = await tried({});
    expect(status).toBe("failed");
    expect(because).toContain("ANTHROPIC_API_KEY is not set");
    expect(trail).toBe(because);
    expect(health?.message).toContain("ANTHROPIC_API_KEY");
    expect(configuration).toEqual(health);
  });

  it("ends at once with a malformed key, and the key itself is nowhere", async () => {
    const { status, because, health, configuration } = await tried({
      ANTHROPIC_BASE_URL: "",
      ANTHROPIC_API_KEY: "not-a-key-4711",
    });
    expect(status).toBe("failed");
    expect(because).toContain("ANTHROPIC_API_KEY does not start with sk-ant-");
    expect(health?.status).toBe("degraded");
    expect(configuration).toEqual(health);
    expect(JSON.stringify([because, health])).not.toContain("4711");
  });

  it("ends at once with a key that the service refuses, on record and on every page", async () => {
    const { status, because, trail, health, configuration } = await tried({ ANTHROPIC_API_KEY: wrongKey });
    expect(status).toBe("failed");
    expect(because).toContain("Claude refused ANTHROPIC_API_KEY (401)");
    expect(trail).toBe(because);
    expect(health).toMatchObject({ status: "degraded", message: expect.stringContaining("ANTHROPIC_API_KEY (401)") });
    expect(configuration).toEqual(health);
    expect(JSON.stringify([because, health])).not.toContain(wrongKey);
  });
});
