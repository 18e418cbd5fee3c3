import { isActive, type Status } from "#domain/lifecycle.ts";
import type { DetectionWorld } from "#pipeline/stage.ts";
import { databaseNow } from "#store/read/clock.ts";
import { detectionReadsOf } from "#store/read/detection/detection-reads.ts";
import { isAnythingUnseen } from "#store/read/detection/kinds.ts";
import { dueIssues } from "#store/read/issues.ts";
import { loadProject } from "#store/read/projects.ts";
import { ruleSteps } from "#store/read/rules.ts";
import { noteDetection } from "#store/write/projects.ts";
import { noteDismissedVolumes } from "#store/write/rounds.ts";
import type { Engine } from "./engine.ts";
import { writeProblems } from "./findings.ts";

const findingsMax = 200;
const sweepMax = 500;

/**
 * One detection pass: looks at every kind of error with new events, and gives every issue that is due its job. Kinds of which
 * more events change nothing but counts rest for `restMs` after each look.
 */
export async function detect(engine: Engine, { restMs = 0 } = {}): Promise<number> {
  await noteDismissedVolumes(engine.connection.db, engine.projectId);
  const findings = await engine.findProblems(await detectionWorldOf(engine, restMs), findingsMax);
  await writeProblems(engine, findings);
  if (findings.some(({ kind }) => kind !== "counted")) engine.observe({ kind: "committed" });
  // A storm is worked off pass by pass; nobody waits for the next tick.
  if (findings.length >= findingsMax) await engine.queue.sendDetect(null);
  else if (restMs > 0 && (await isAnythingUnseen(engine.connection, engine.projectId))) {
    await engine.queue.sendDetect(null, restMs);
  }
  await noteDetection(engine.connection.db, engine.projectId);
  return findings.length + (await sweep(engine));
}

/** What detection may look at, as of now. */
export async function detectionWorldOf(engine: Engine, restMs = 0): Promise<DetectionWorld> {
  const { connection, projectId, ports } = engine;
  const now = await databaseNow(connection);
  const { settings } = await loadProject(connection.db, projectId);
  return {
    clock: { now: () => now },
    settings,
    steps: await ruleSteps(connection.db, projectId),
    read: detectionReadsOf(connection, projectId, now, restMs),
    repository: ports.repository,
  };
}

/**
 * Issues without a live job get one: rows that people inserted, and whatever a killed worker left behind. A job too many
 * does no harm, because the claim decides who works.
 */
export async function sweep(engine: Engine): Promise<number> {
  const due = await dueIssues(engine.connection.db, engine.projectId, sweepMax);
  for (const { id, status } of due) {
    if (isActive(status as Status)) await engine.queue.sendIssue(null, status as never, id, null);
  }
  if (due.length > 0) engine.observe({ kind: "committed" });
  return due.length;
}
