import type { CronName } from "#agent.ts";
import { Failure } from "#domain/failure.ts";
import { type Http, thisProcess } from "./context.ts";
import { stepsBeginWithinMs } from "./go-on.ts";
import { endpoint, type Handler, json } from "./respond.ts";
import { bearerOf, isSecret } from "./secret.ts";

/** A scheduler's call: works off what is due and says how much that was. Only for the bearer of `CRON_SECRET`. */
export function cron(name: CronName, { agentOf, log }: Http = thisProcess) {
  const tick: Handler = async (request) => {
    const agent = await agentOf();
    if (!isSecret(bearerOf(request), agent.secrets.cronSecret)) throw new Failure("unauthorized", "Not for you.");
    const { processed, left } = await agent.tick(name, stepsBeginWithinMs);
    return json({ processed, left });
  };
  return endpoint(log, { GET: tick, POST: tick });
}
