import type { CronName } from "#agent.ts";
import { Failure } from "#domain/failure.ts";
import { type Http, thisProcess } from "./context.ts";
import { endpoint, type Handler, json } from "./respond.ts";
import { bearerOf, isSecret } from "./secret.ts";

/**
 * The platform ends a function after 300 s (`maxDuration`). A step may take 200 s and the 15 s that it is given to stop: none
 * begins later than leaves room for that (reliability B5).
 */
const budgetMs = 80_000;

/** A scheduler's call: works off what is due and says how much that was. Only for the bearer of `CRON_SECRET`. */
export function cron(name: CronName, { agentOf, log }: Http = thisProcess) {
  const tick: Handler = async (request) => {
    const agent = await agentOf();
    if (!isSecret(bearerOf(request), agent.secrets.cronSecret)) throw new Failure("unauthorized", "Not for you.");
    const { processed, left } = await agent.tick(name, budgetMs);
    return json({ processed, left });
  };
  return endpoint(log, { GET: tick, POST: tick });
}
