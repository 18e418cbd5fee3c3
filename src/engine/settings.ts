import { isDeepStrictEqual } from "node:util";
import { Failure } from "#domain/failure.ts";
import type { Notice } from "#domain/notice.ts";
import { Settings, type SettingsPatch } from "#domain/settings.ts";
import { databaseNow } from "#store/read/clock.ts";
import { loadProject } from "#store/read/projects.ts";
import { action, appendActions } from "#store/write/actions.ts";
import { wakeWaiting } from "#store/write/issues.ts";
import { lockProject, pauseProject, resumeProject, writeSettings } from "#store/write/projects.ts";
import { forgetRaises } from "#store/write/rounds.ts";
import { sweep } from "./detect.ts";
import type { Engine } from "./engine.ts";
import { noticeId } from "./notice-id.ts";

/**
 * Changes the settings: checked as a whole, with what was and what is now on record. `seen` are values as the person saw them:
 * where one of them is another by now nothing is changed, so that of two operators none overwrites the other unseen.
 */
export async function changeSettings(
  engine: Engine,
  patch: SettingsPatch,
  actor: string,
  seen: SettingsPatch = {},
): Promise<void> {
  await engine.connection.db.transaction(async (tx) => {
    await lockProject(tx, engine.projectId);
    const project = await loadProject(tx, engine.projectId);
    const changed = changedSince(seen, project.settings);
    if (changed !== undefined) {
      throw new Failure("conflict", `${changed} was changed in the meantime; nothing was saved.`, {
        hint: "Look at it as it is now, and save again if you still want to.",
      });
    }
    const { autonomyLevel = project.settings.autonomyLevel, ...groups } = patch;
    const stored = merged(project.stored, groups);
    const parsed = Settings.safeParse({ ...stored, autonomyLevel });
    const impossible = parsed.success ? windowTooShort(parsed.data) : undefined;
    if (impossible !== undefined) throw new Failure("invalid", impossible);
    if (!parsed.success) throw new Failure("invalid", "The settings do not fit together.", { cause: parsed.error });
    await writeSettings(tx, engine.projectId, autonomyLevel, stored);
    if (patch.detection?.rules !== undefined) await forgetRaises(tx, engine.projectId);
    if (patch.budget !== undefined) await wakeWaiting(tx, engine.projectId, "the budget of");
    const detail = { before: { ...project.stored, autonomyLevel: project.settings.autonomyLevel }, change: patch };
    await appendActions(tx, [
      action({ actor, action: "settings.changed", subject: Object.keys(patch).join(", "), detail }),
    ]);
  });
  if (patch.budget !== undefined) await sweep(engine);
  engine.observe({ kind: "committed" });
}

/** The first of the values that is no longer what was seen, by its name. */
function changedSince(seen: SettingsPatch, now: Settings): string | undefined {
  for (const [group, values] of Object.entries(seen)) {
    const current: unknown = now[group as keyof Settings];
    if (typeof values !== "object") {
      if (values !== current) return group;
      continue;
    }
    const currents = new Map(Object.entries(current as object));
    const name = Object.keys(values).find((key) => !isDeepStrictEqual(currents.get(key), Reflect.get(values, key)));
    if (name !== undefined) return `${group}.${name}`;
  }
  return undefined;
}

/** A watch of one or two looks is none: three in a row must be able to fail (spec.md §7). */
const looksMin = 3;

function windowTooShort({ staging, production }: Settings): string | undefined {
  for (const [name, { windowMs, checkEveryMs }] of Object.entries({ staging, production })) {
    if (windowMs >= looksMin * checkEveryMs) continue;
    return `${name}.windowMs (${windowMs}) must hold at least ${looksMin} checks of ${name}.checkEveryMs (${checkEveryMs}).`;
  }
  return undefined;
}

function merged(stored: Record<string, unknown>, groups: Record<string, unknown>): Record<string, unknown> {
  const result: Record<string, unknown> = { ...stored };
  for (const [name, group] of Object.entries(groups)) {
    if (group !== undefined) result[name] = { ...(stored[name] as object | undefined), ...(group as object) };
  }
  return result;
}

/** Stops everything but the watch over what already reached production (spec.md §12). Pausing twice changes nothing. */
export async function pause(
  engine: Engine,
  request: { reason: string; resumeAt: Date | null },
  actor: string,
): Promise<void> {
  const { reason, resumeAt } = request;
  await engine.connection.db.transaction(async (tx) => {
    const paused = await pauseProject(tx, engine.projectId, { reason, by: actor, resumeAt });
    if (!paused) return;
    const at = engine.wallClock().toISOString();
    const text = resumeAt === null ? reason : `${reason} (until ${resumeAt.toISOString()})`;
    await tell(engine, tx, {
      key: `paused:${at}`,
      kind: "agent_paused",
      title: `The agent was paused by ${nameOf(actor)}`,
      text,
    });
    await appendActions(tx, [action({ actor, action: "agent.paused", because: reason })]);
  });
  engine.observe({ kind: "committed" });
}

/** Lets the agent go on at once: whatever waited because of the pause is due now. */
export async function resume(engine: Engine, actor: string): Promise<void> {
  await engine.connection.db.transaction(async (tx) => {
    if (!(await resumeProject(tx, engine.projectId))) return;
    await wakeWaiting(tx, engine.projectId, "the agent is paused");
    const at = engine.wallClock().toISOString();
    await tell(engine, tx, {
      key: `resumed:${at}`,
      kind: "agent_resumed",
      title: `The agent was resumed by ${nameOf(actor)}`,
      text: "",
    });
    await appendActions(tx, [action({ actor, action: "agent.resumed" })]);
  });
  await sweep(engine);
  engine.observe({ kind: "committed" });
}

/** Ends a pause whose time is over. */
export async function resumeWhenDue(engine: Engine): Promise<void> {
  const project = await loadProject(engine.connection.db, engine.projectId);
  if (!project.paused || project.resumeAt === null) return;
  if (project.resumeAt <= (await databaseNow(engine.connection))) await resume(engine, "agent");
}

async function tell(
  engine: Engine,
  tx: Parameters<Engine["queue"]["sendNotice"]>[0],
  notice: Pick<Notice, "key" | "kind" | "title" | "text">,
): Promise<void> {
  const link = { label: "View in Dashboard", path: "/dashboard/agent" };
  await engine.queue.sendNotice(tx, noticeId(notice.key), {
    ...notice,
    issueId: null,
    severity: null,
    fields: [],
    link,
  });
}

function nameOf(actor: string): string {
  return actor.replace(/^[a-z]+:/, "");
}
