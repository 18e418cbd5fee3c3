import { and, eq } from "drizzle-orm";
import type { Issue } from "#domain/issue.ts";
import { cleanLine, cut } from "#domain/text.ts";
import type { EngineerSession } from "#ports/engineer.ts";
import type { Project } from "#store/read/projects.ts";
import { paidAnswer } from "#store/read/spending.ts";
import { issues } from "#store/schema.ts";
import type { Claim } from "#store/write/issues.ts";
import { bookCall, type Granted, giveBack, setAside } from "#store/write/model-calls.ts";
import type { Engine } from "./engine.ts";
import { tellLimit } from "./limits.ts";

const progressCharactersMax = 200;
/** A model's turns can be quicker than anybody reads. */
const tellEveryMs = 500;

/** What an engineer may spend on this issue in this run, and what was paid for already. */
export function sessionOf(
  engine: Engine,
  run: { claim: Claim; issue: Issue; project: Project; signal: AbortSignal },
): EngineerSession {
  const { db } = engine.connection;
  const { claim, issue, project, signal } = run;
  const fixId = "fix" in issue ? issue.fix.id : null;
  const purse = { projectId: engine.projectId, claim, fixId };
  return {
    signal,
    recall: (request) => paidAnswer(db, { issueId: claim.issueId, fixId, since: issue.statusSince }, request),
    reserve: async (call) => {
      const granted = await db.transaction((tx) => setAside(tx, purse, call, project.settings.budget));
      if (granted.kind === "granted") return { kind: "granted", id: String(granted.id) };
      const because = refusal(granted, project);
      await tellLimit(engine, { kind: "money", window: `${granted.budget}:${windowOf(granted, claim)}`, because });
      return { kind: "refused", because };
    },
    book: (id, call, answer) => db.transaction((tx) => bookCall(tx, Number(id), call, answer)),
    release: (id) => giveBack(db, Number(id)),
    tell: teller(engine, claim),
  };
}

function refusal({ budget, spentUsd }: Extract<Granted, { kind: "refused" }>, { settings }: Project): string {
  const spent = `$${spentUsd.toFixed(2)}`;
  if (budget === "day") {
    return `the budget of $${settings.budget.dailyUsd} a day for models is used up (${spent} spent or set aside); it goes on at midnight UTC, or when an operator raises the budget`;
  }
  return `the budget of $${settings.budget.issueUsd} for one issue is used up (${spent} spent or set aside); a person raises it or dismisses the issue`;
}

/** One message per day, and one per issue. */
function windowOf({ budget }: Extract<Granted, { kind: "refused" }>, { at, issueId }: Claim): string {
  return budget === "day" ? at.toISOString().slice(0, 10) : issueId;
}

/** Progress is for people who watch: it is told now and then, in order, and its loss changes nothing. */
function teller(engine: Engine, claim: Claim): EngineerSession["tell"] {
  let toldMs = Number.NEGATIVE_INFINITY;
  let telling = Promise.resolve();
  return (text) => {
    const nowMs = engine.monotonicMs();
    if (nowMs - toldMs < tellEveryMs) return;
    toldMs = nowMs;
    const progress = cut(cleanLine(text), progressCharactersMax);
    const held = and(eq(issues.id, claim.issueId), eq(issues.version, claim.version));
    telling = telling
      .then(async () => {
        await engine.connection.db.update(issues).set({ progress }).where(held);
        engine.observe({ kind: "committed" });
      })
      .catch((error: unknown) => engine.observe({ kind: "queue_error", error }));
  };
}
