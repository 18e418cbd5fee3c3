import type { Issue } from "#domain/issue.ts";
import type { Reservation, World } from "#pipeline/stage.ts";
import type { Clock } from "#ports/clock.ts";
import type { EngineerSession } from "#ports/engineer.ts";
import type { TestBench } from "#ports/test-bench.ts";
import type { Project } from "#store/read/projects.ts";
import { readsOf } from "#store/read/stage-reads.ts";
import type { Claim } from "#store/write/issues.ts";
import { reserve } from "#store/write/projects.ts";
import { guardPlatform, guardRepository } from "./effects.ts";
import type { Engine } from "./engine.ts";
import { tellLimit } from "./limits.ts";
import { sessionOf } from "./session.ts";

const hourMs = 60 * 60_000;

/** A claim, and whether it certainly still holds by this process's steady clock. */
export interface HeldClaim extends Claim {
  isHeld(): boolean;
  /** Aborts when the step must end. */
  signal: AbortSignal;
}

/** What a stage gets to see: the ports behind their guard, the database's time, the settings as they are now. */
export function worldOf(engine: Engine, claim: HeldClaim, issue: Issue, project: Project): World {
  const { connection, projectId, ports, observe, wallClock } = engine;
  const fixId = "fix" in issue ? issue.fix.id : null;
  const safety = issue.status === "rolling_back";
  const about = { id: issue.id, fixId };
  const session = sessionOf(engine, { claim, issue, project, signal: claim.signal });
  const guard = { connection, projectId, claim, issue: about, safety, observe, wallClock, isHeld: claim.isHeld };
  return {
    clock: databaseClock(engine, claim),
    settings: project.settings,
    repository: guardRepository(ports.repository, guard),
    platform: guardPlatform(ports.platform, guard),
    testBench: toldOf(ports.testBench, session),
    engineer: ports.engineer,
    session,
    read: readsOf(connection, projectId),
    reserve: (kind, key) => reserveFrom(engine, project, kind, key),
    digest: engine.digest,
  };
}

/** Long test runs are watched like a model's turns: by the line that was printed last. */
function toldOf(bench: TestBench, { tell }: EngineerSession): TestBench {
  const words = { tests: "Tests", types: "Type check" };
  return { run: (commit, what) => bench.run(commit, what, (line) => tell(`${words[what]}: ${line}`)) };
}

/** The database's clock: read at the claim, carried on by this process's steady one (reliability B6). */
function databaseClock(engine: Engine, claim: Claim): Clock {
  const startMs = engine.monotonicMs();
  return { now: () => new Date(claim.at.getTime() + Math.round(engine.monotonicMs() - startMs)) };
}

async function reserveFrom(
  engine: Engine,
  { id, settings }: Project,
  kind: "fix" | "deployment",
  key: string,
): Promise<Reservation> {
  const { fixesPerHour, deploymentsPerDay } = settings.limits;
  const [max, windowMs, words] =
    kind === "fix"
      ? [fixesPerHour, hourMs, `${fixesPerHour} fixes an hour`]
      : [deploymentsPerDay, 24 * hourMs, `${deploymentsPerDay} production deployments a day`];
  const result = await reserve(engine.connection.db, { projectId: id, kind, key, windowMs, max });
  if (result.kind === "taken") return { kind: "taken" };
  const until = new Date(result.oldest.getTime() + windowMs);
  const because = `the limit of ${words} is used up; it goes on at ${until.toISOString()}`;
  await tellLimit(engine, { kind, window: until.toISOString(), because });
  return { kind: "full", until, because };
}
