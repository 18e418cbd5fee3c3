import { sql } from "drizzle-orm";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { detect } from "#engine/detect.ts";
import type { Engine } from "#engine/engine.ts";
import type { Connection } from "#store/connect.ts";
import { aModelThatKnows, type MessagesApi, startMessagesApi } from "#tests/support/messages-api.ts";
import { checkInvariants } from "#tests/support/invariants.ts";
import { bakery, knowledge } from "./a-bakery.ts";
import { aClaudeAgent, claudeOf, visiting, visitOnce } from "./claude-agent.ts";
import { drive } from "./drive.ts";
import { aSceneHere, type Scene } from "./scene.ts";

let api: MessagesApi;
const begun: { scene: Scene; engines: Engine[] }[] = [];
beforeAll(async () => {
  api = await startMessagesApi();
});
afterEach(async () => {
  for (const { scene, engines } of begun.splice(0)) {
    await Promise.all(engines.map((engine) => engine.queue.stop().catch(() => undefined)));
    await scene.dispose();
  }
});
afterAll(() => api.close());

async function begin(): Promise<{ scene: Scene; connection: Connection; engines: Engine[] }> {
  const { scene, connection } = await aSceneHere({ application: bakery });
  const engines: Engine[] = [];
  begun.push({ scene, engines });
  return { scene, connection, engines };
}

describe("a fault that no playbook can mend", () => {
  it("goes from one reported event to production, repaired by Claude in the second attempt, each call booked", async () => {
    const { scene, connection, engines } = await begin();
    const { production } = scene.order.ports;
    api.play(aModelThatKnows(knowledge));
    const engine = await aClaudeAgent(scene, connection, { model: claudeOf(api), observe: (e) => { if (e.kind === "settled" || e.kind === "step_failed" || e.kind==="queue_error"||e.kind==="waiting") console.log(performance.now()|0, e); } });
    engines.push(engine);
    await visitOnce(engine, production);
    await detect(engine);
    await drive(engine, { between: async () => undefined, production, visiting });
    console.log(await connection.rows(z.any(), sql`SELECT stage, model, input_tokens, output_tokens, cache_read_tokens, cost_usd, state, fix_id FROM agent_model_calls ORDER BY id`));
    console.log(await connection.rows(z.any(), sql`SELECT * FROM agent_fixes ORDER BY attempt`));
    console.log(await checkInvariants(await scene.sighting(connection)));
    expect(1).toBe(1);
  });
});
