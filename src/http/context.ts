import type { Agent } from "#agent.ts";
import type { BodyRoom } from "./body-room.ts";
import type { Log } from "./respond.ts";

/** What every handler needs besides the request; a test passes its own. */
export interface Http {
  agentOf: () => Promise<Agent>;
  log: Log;
  now: () => Date;
  /** Goes on after the answer, as long as a function lives; none where a process goes on anyway. */
  later?: (work: () => Promise<void>) => void;
  /** For the bodies of reports; the process's own where none is given. */
  bodyRoom?: BodyRoom;
}

/**
 * The running process: its one composed agent, loaded by the first request that needs it, and its console. An agent that
 * runs is met where `agent.ts` left it: the module itself may be bundled elsewhere in this process.
 */
export const thisProcess: Http = {
  agentOf: async () =>
    (globalThis as { vigilAgent?: Promise<Agent> }).vigilAgent ?? (await import("#agent.ts")).agent(),
  log: (what, cause) => console.error(`[http] ${what}`, cause ?? ""),
  now: () => new Date(),
};
