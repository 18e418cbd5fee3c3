import type { Agent } from "#agent.ts";
import type { Http } from "./context.ts";
import type { Handler } from "./respond.ts";

/**
 * The platform ends a function after 300 s (`maxDuration`). A step may take 200 s and the 15 s that it is given to stop: none
 * begins later than leaves room for that (reliability B5).
 */
export const stepsBeginWithinMs = 80_000;

/** On functions, what an answered request brought about begins at once and not with the scheduler's next call. */
export function goingOn(http: Http, handler: Handler): Handler {
  return async (request, context) => {
    const response = await handler(request, context);
    if (response.ok) http.later?.(async () => goOn(await http.agentOf(), http));
    return response;
  };
}

/** Never fails: nobody waits for it. Where workers run, there is nothing to do. */
export async function goOn({ goOn: run }: Agent, { log }: Pick<Http, "log">): Promise<void> {
  await run?.(stepsBeginWithinMs).catch((cause: unknown) => log("going on after an answer", cause));
}
