import type { Agent } from "#agent.ts";
import type { Log } from "./respond.ts";

/** What every handler needs besides the request; a test passes its own. */
export interface Http {
  agentOf: () => Promise<Agent>;
  log: Log;
  now: () => Date;
}

/** The running process: its one composed agent, loaded by the first request that needs it, and its console. */
export const thisProcess: Http = {
  agentOf: async () => (await import("#agent.ts")).agent(),
  log: (what, cause) => console.error(`[http] ${what}`, cause ?? ""),
  now: () => new Date(),
};
