import { z } from "zod";
import type { EngineEvent } from "#engine/observe.ts";

/** What a process of the agent is started with, and where it shall die. One JSON argument of `worker.ts`. */
export const Order = z.object({
  /** Everything the agent writes: database, copy of the repository, releases, copies for tests, messages. */
  home: z.string(),
  remote: z.string(),
  database: z.discriminatedUnion("kind", [
    z.object({ kind: z.literal("embedded"), directory: z.string() }),
    z.object({ kind: z.literal("postgres"), url: z.string() }),
  ]),
  ports: z.object({ staging: z.int(), production: z.int() }),
  /** What the scripted engineer writes, see `an-application.ts`. */
  change: z.enum(["cures", "breaks", "dies"]),
  /** Whether an operator approves whatever waits for approval. */
  approves: z.boolean(),
  /** Kills (or only stops) itself at the n-th time that the point is reached, or after a time; `null`: never. */
  death: z
    .union([
      z.object({ point: z.string(), nth: z.int().min(1), sleeps: z.boolean().optional() }),
      z.object({ afterMs: z.int().min(0) }),
    ])
    .nullable(),
  leaseMs: z.int(),
  /** Gives up and says so. */
  deadlineMs: z.int(),
});
export type Order = z.infer<typeof Order>;

const steps = { effect_intended: "intended", effect_acted: "acted", effect_recorded: "recorded" } as const;

/**
 * The name of a point at which a process can die: `intended repository.advance main` is right before main is pushed,
 * `acted …` after the push and before it is on record, `recorded …` before the issue moves on. `undefined`: no such point.
 */
export function pointOf(event: EngineEvent): string | undefined {
  switch (event.kind) {
    case "effect_intended":
    case "effect_acted":
    case "effect_recorded": {
      const [, subject = ""] = event.key.split(":");
      const named = event.effect === "notice.send" || event.effect === "repository.publish" ? "" : ` ${subject}`;
      return `${steps[event.kind]} ${event.effect}${named}`;
    }
    case "settled":
      return `settled ${event.to}`;
    case "claimed":
    case "waiting":
      return `${event.kind} ${event.status}`;
    default:
      return undefined;
  }
}
