import type { Settings } from "#domain/settings.ts";
import type { DetectionWorld, Finding, Pipeline } from "#pipeline/stage.ts";
import type { Engineer } from "#ports/engineer.ts";
import type { Notifier } from "#ports/notifier.ts";
import type { Platform } from "#ports/platform.ts";
import type { Repository } from "#ports/repository.ts";
import type { TestBench } from "#ports/test-bench.ts";
import type { Connection } from "#store/connect.ts";
import type { Intake } from "./intake.ts";
import type { Observer } from "./observe.ts";
import type { Queue } from "./queue.ts";

/** What the engine drives and drives with. One per process. */
export interface Engine {
  connection: Connection;
  queue: Queue;
  /** The way of events into the database. */
  intake: Intake;
  projectId: string;
  pipeline: Pipeline;
  findProblems(world: DetectionWorld, limit: number): Promise<Finding[]>;
  findConditions(world: DetectionWorld): Promise<Finding[]>;
  /** Tells whoever watches over Vigil itself that it ran; never fails, and ends soon. `null`: nobody does. */
  heartbeat: (() => Promise<void>) | null;
  ports: {
    repository: Repository;
    testBench: TestBench;
    platform: Platform;
    engineer: Engineer;
    notifier: Notifier;
  };
  /** sha256 in hexadecimal. */
  digest(text: string): string;
  /** This process's own clock: only for measuring how long something took and for telling how far it is off. */
  monotonicMs(): number;
  wallClock(): Date;
  /** Names this worker in leases. */
  owner: string;
  lease: { ttlMs: number; renewEveryMs: number };
  /** How long one step may take (reliability B5, B9): then it is asked to stop, and soon after it is given up. */
  stepMs: number;
  /** Aborts when the process stops: steps that can be continued later end soon. */
  stopping: AbortSignal;
  observe: Observer;
}

export type { Settings };
