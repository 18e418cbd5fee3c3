import type { Environment } from "#domain/ids.ts";
import { falseAlarmRate } from "#policy/false-alarms.ts";
import { loadProject } from "#store/read/projects.ts";
import { action, appendActions } from "#store/write/actions.ts";
import { removeOld } from "#store/write/retention.ts";
import { ageStates, claimProbe, claimRound, raiseRule, recordProbe } from "#store/write/rounds.ts";
import { writeConditions } from "./conditions.ts";
import { detectionWorldOf } from "./detect.ts";
import type { Engine } from "./engine.ts";
import { noticeId } from "./notice-id.ts";
import { withdrawEndedFixes } from "./withdraw.ts";

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
/** How long a problem counts as new, returned or escalating when nothing more happens. */
const settledAfterMs = 24 * hourMs;
const retentionEveryMs = 10 * minuteMs;
/** Removing what is old never keeps a round from ending. */
const retentionBudgetMs = 5_000;

/**
 * What no event announces, looked at every minute: whether production and staging answer, whether operations fail, issues
 * spike or sources fell silent, and whether an ended fix left something with people. Rounds that overlap, here or in another process, do each thing once.
 */
export async function round(engine: Engine): Promise<void> {
  for (const part of [probes, conditions, upkeep, withdrawEndedFixes]) {
    // What fails must not keep the rest from its turn: a broken rule would fill the disk.
    await part(engine).catch((error: unknown) => engine.observe({ kind: "queue_error", error }));
  }
}

async function probes(engine: Engine): Promise<void> {
  await Promise.all([probe(engine, "production"), probe(engine, "staging")]);
}

async function conditions(engine: Engine): Promise<void> {
  const found = await engine.findConditions(await detectionWorldOf(engine));
  if ((await writeConditions(engine, found)) > 0) engine.observe({ kind: "committed" });
}

/** Asks the environment once. Whatever goes wrong on our side is no data, and no failure of the application. */
async function probe({ connection, projectId, ports }: Engine, environment: Environment): Promise<void> {
  const slot = await claimProbe(connection.db, projectId, environment);
  if (slot === undefined) return;
  const check = await ports.platform.checkHealth(environment, null).catch((error: unknown) => ({
    outcome: "no_data" as const,
    because: error instanceof Error ? `nobody could look: ${error.message.slice(0, 200)}` : "nobody could look",
    servedCommit: null,
    httpStatus: null,
    latencyMs: null,
  }));
  await recordProbe(connection.db, projectId, environment, { ...check, slot });
}

async function upkeep(engine: Engine): Promise<void> {
  const { connection, projectId } = engine;
  if (await claimRound(connection.db, projectId, "hourly", hourMs)) {
    await ageStates(connection.db, projectId, settledAfterMs);
    await judgeRules(engine);
  }
  if (await claimRound(connection.db, projectId, "retention", retentionEveryMs)) {
    const { settings } = await loadProject(connection.db, projectId);
    const startMs = engine.monotonicMs();
    await removeOld(
      connection,
      projectId,
      settings.retention,
      () => engine.monotonicMs() - startMs < retentionBudgetMs,
    );
  }
}

/** A rule whose issues people call false alarms asks for more from now on, and says so (detection.md §2.4.9). */
async function judgeRules(engine: Engine): Promise<void> {
  const { read, settings } = await detectionWorldOf(engine);
  const counts = await read.ruleCounts();
  for (const rule of settings.detection.rules) {
    const counted = counts.find(({ name }) => name === rule.name);
    const because = counted === undefined ? undefined : falseAlarmRate(rule, counted);
    if (because !== undefined) await raise(engine, rule.name, because);
  }
}

async function raise(engine: Engine, name: string, because: string): Promise<void> {
  await engine.connection.db.transaction(async (tx) => {
    await raiseRule(tx, engine.projectId, name, because);
    const key = `rule:${engine.projectId}:${name}:${because}`;
    const link = { label: "View in Dashboard", path: "/dashboard/agent" };
    const title = `The rule "${name}" asks for more from now on`;
    const notice = {
      key,
      kind: "rule_raised" as const,
      issueId: null,
      severity: null,
      title,
      text: because,
      fields: [],
      link,
    };
    await engine.queue.sendNotice(tx, noticeId(key), notice);
    await appendActions(tx, [action({ actor: "agent", action: "rule.raised", subject: name, because })]);
  });
}
