import type { ActionView, Actor, Agent, ProjectView } from "#agent.ts";
import type { ErrorEvent, TrafficReport } from "#domain/event.ts";
import { Settings } from "#domain/settings.ts";
import type { Http } from "#http/context.ts";
import type { RouteContext } from "#http/respond.ts";

export const now = new Date("2026-11-23T10:00:00.000Z");
export const secrets = {
  cronSecret: "cron-secret-of-forty-characters-0123456789",
  ingestKey: "ingest-key-of-thirty-characters",
  apiToken: "api-token-of-thirty-characters-",
};
export const operators = {
  password: "correct-horse-battery",
  viewerPassword: "only-looking-around",
  isOwnPassword: false,
  accounts: null,
};
export const issueId = "4f3c2a10-0000-4000-8000-000000000001";
export const appUrl = "https://vigil.test";
const project: ProjectView = {
  settings: Settings.parse({}),
  paused: false,
  pausedReason: null,
  pausedBy: null,
  resumeAt: null,
  usage: { fixesThisHour: 0, deploymentsToday: 0, spendTodayUsd: 0 },
};

const quiet = { looks: [], blind: null };

/** What was asked of the agent, in order. */
export interface Asked {
  asked: unknown[];
  stored: { events: ErrorEvent[]; traffic: TrafficReport[] };
}

/** An agent that knows one issue, answers everything and remembers what it was asked. */
export function anAgent(changes: Partial<Agent> = {}): Agent & Asked {
  const asked: unknown[] = [];
  const stored: Asked["stored"] = { events: [], traffic: [] };
  const noting =
    <Args extends unknown[], Answer>(name: string, answer: Answer) =>
    async (...args: Args): Promise<Answer> => {
      asked.push([name, ...args]);
      return answer;
    };
  return {
    asked,
    stored,
    appUrl,
    secrets,
    drain: { secret: null, verify: null, projectId: null, samplingRate: 1 },
    slack: null,
    goOn: null,
    operators,
    secretValues: Object.values(secrets),
    views: {
      board: unexpected,
      approvals: unexpected,
      issue: unexpected,
      history: unexpected,
      issueTypes: unexpected,
      figures: unexpected,
      audit: unexpected,
    },
    ingest: async ({ events, traffic }) => {
      stored.events.push(...events);
      stored.traffic.push(...traffic);
      return { accepted: events.length + traffic.length };
    },
    keepSourceMap: noting("keepSourceMap", { stored: true }),
    tick: noting("tick", { processed: 2, left: 1 }),
    issues: noting("issues", [{ id: issueId }]),
    issue: async (id) => (id === issueId ? { id, status: "awaiting_approval" } : undefined),
    command: noting("command", { id: issueId, status: "deploying" }),
    merge: noting("merge", { id: issueId }),
    split: noting("split", { id: issueId }),
    project: noting("project", project),
    detection: noting("detection", { environments: { production: quiet, staging: quiet }, rules: [], rates: [] }),
    changeSettings: noting("changeSettings", project),
    pause: noting<[request: { reason: string; resumeAt: Date | null }, actor: Actor], ProjectView>("pause", project),
    resume: noting("resume", project),
    actionsAfter: async () => [],
    onActions: () => () => undefined,
    health: async () => ({ status: "ok", version: "1", checks: {} }),
    configuration: () => ({ claude: { status: "ok", message: "configured" } }),
    verifyAudit: async () => ({ whole: true, message: "whole" }),
    startWorkers: async () => undefined,
    stop: async () => undefined,
    ...changes,
  };
}

async function unexpected(): Promise<never> {
  throw new Error("nobody asked for this view here");
}

/** Handlers' surroundings with `agent` in them; `logged` keeps what operators would read. */
export function anHttp(agent: Agent): Http & { logged: unknown[] } {
  const logged: unknown[] = [];
  return { agentOf: async () => agent, log: (what, cause) => logged.push([what, cause]), now: () => now, logged };
}

export function aRequest(path: string, init: RequestInit & { token?: string } = {}): Request {
  const { token, ...rest } = init;
  const headers = new Headers(rest.headers);
  if (token !== undefined) headers.set("authorization", `Bearer ${token}`);
  return new Request(new URL(path, "http://127.0.0.1:3000"), { ...rest, headers });
}

export function aRoute(params: Record<string, string> = {}): RouteContext {
  return { params: Promise.resolve(params) };
}

export function anAction(seq: number): ActionView {
  return {
    seq,
    at: now,
    issueId,
    actor: "agent",
    action: "issue.detected",
    subject: "a\nb",
    outcome: "done",
    because: "an error",
    detail: {},
  };
}
