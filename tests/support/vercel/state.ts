import { randomBytes } from "node:crypto";
import type { Build, Fault, VercelOptions, VercelServer } from "./vercel.ts";

export type Target = "production" | "preview";
export type ReadyState = "QUEUED" | "BUILDING" | "READY" | "ERROR" | "CANCELED" | "BLOCKED";

export interface VercelDeployment {
  id: string;
  /** Host name and port, as the API's `url`: without a scheme. */
  address: string;
  commit: string;
  branch: string;
  target: Target;
  readyState: ReadyState;
  readySubstate: "STAGED" | "PROMOTED" | null;
  createdAt: number;
  buildingAt: number | null;
  readyAt: number | null;
  aliasAssigned: number | null;
  errorMessage: string | null;
  log: { text: string; at: number; type: "stdout" | "stderr" }[];
  /** The commit that runs: another one when the deployment lies. */
  serves: string;
  /** Where the program runs that is proxied; `null`: the built-in application. */
  backend: string | null;
}

export interface AliasRequest {
  type: "promote" | "rollback";
  fromDeploymentId: string | null;
  toDeploymentId: string;
  jobStatus: "pending" | "in-progress" | "succeeded" | "failed";
  requestedAt: number;
}

const id = (prefix: string) => `${prefix}_${randomBytes(12).toString("hex")}`;

export function createState(options: VercelOptions) {
  const timers = new Set<NodeJS.Timeout>();
  const now = () => Date.now() + (options.clockSkewMs ?? 0);
  const later = (ms: number, act: () => void) => {
    const timer = setTimeout(() => {
      timers.delete(timer);
      act();
    }, ms);
    timers.add(timer);
  };
  const state = {
    options,
    now,
    token: `vercel-${randomBytes(16).toString("hex")}`,
    projectId: id("prj"),
    teamId: options.teamId === undefined ? id("team") : options.teamId,
    bypassSecret: randomBytes(16).toString("hex"),
    isConnected: true,
    isPaused: false,
    deployments: [] as VercelDeployment[],
    domains: { production: null as VercelDeployment | null, branches: new Map<string, VercelDeployment>() },
    hostNames: { production: "", staging: "" },
    lastAliasRequest: null as AliasRequest | null,
    /** Set while production is rolled back: new production deployments get no domains. */
    rolledBack: null as { toDeploymentId: string } | null,
    /** Kept when the rollback is over, as the last one's. */
    rollbackDescription: null as { description: string; createdAt: number } | null,
    faults: [] as Fault[],
    calls: [] as VercelServer["calls"],
    visits: [] as VercelServer["visits"],
    openHost: async (_name: string, _find: () => VercelDeployment | null): Promise<string> => "",

    require(wanted: string): VercelDeployment {
      const found = state.deployments.find((one) => one.id === wanted);
      if (found === undefined) throw new Error(`no deployment ${wanted}`);
      return found;
    },

    pushed(branch: string, commit: string): VercelDeployment | undefined {
      if (!state.isConnected) return undefined;
      const isUnfinished = ({ readyState }: VercelDeployment) => readyState === "QUEUED" || readyState === "BUILDING";
      for (const older of state.deployments.filter((one) => one.branch === branch && isUnfinished(one))) {
        state.cancel(older);
      }
      const target: Target = branch === (options.productionBranch ?? "main") ? "production" : "preview";
      const deployment: VercelDeployment = {
        id: id("dpl"),
        address: "",
        commit,
        branch,
        target,
        readyState: "QUEUED",
        readySubstate: null,
        // Two pushes in one millisecond still have an order.
        createdAt: Math.max(now(), (state.deployments.at(-1)?.createdAt ?? 0) + 1),
        buildingAt: null,
        readyAt: null,
        aliasAssigned: null,
        errorMessage: null,
        log: [],
        serves: commit,
        backend: null,
      };
      state.deployments.push(deployment);
      void build(deployment, options.builds?.(commit, target) ?? { kind: "ready" });
      return deployment;
    },

    cancel(deployment: VercelDeployment): void {
      deployment.readyState = "CANCELED";
      deployment.errorMessage = "The deployment was canceled.";
    },

    remove(deployment: VercelDeployment): void {
      state.deployments.splice(state.deployments.indexOf(deployment), 1);
    },

    /** Points the production domains at a deployment, as a job that takes a moment. */
    requestAlias(type: AliasRequest["type"], to: VercelDeployment, description: string | null): void {
      const request: AliasRequest = {
        type,
        fromDeploymentId: state.domains.production?.id ?? null,
        toDeploymentId: to.id,
        jobStatus: "pending",
        requestedAt: now(),
      };
      state.lastAliasRequest = request;
      if (description !== null) state.rollbackDescription = { description, createdAt: now() };
      later((options.aliasMs ?? 30) / 2, () => {
        request.jobStatus = "in-progress";
      });
      later(options.aliasMs ?? 30, () => {
        request.jobStatus = options.aliasJobs ?? "succeeded";
        if (request.jobStatus !== "succeeded") return;
        state.rolledBack = type === "rollback" ? { toDeploymentId: to.id } : null;
        assignProduction(to);
      });
    },

    stop(): void {
      for (const timer of timers) clearTimeout(timer);
    },
  };

  async function build(deployment: VercelDeployment, plan: Build): Promise<void> {
    const write = (text: string, type: "stdout" | "stderr" = "stdout") =>
      deployment.log.push({ text, at: now(), type });
    deployment.address = await state.openHost(deployment.id, () =>
      deployment.readyState === "READY" && state.deployments.includes(deployment) ? deployment : null,
    );
    if (plan.kind === "blocked") {
      deployment.readyState = "BLOCKED";
      deployment.errorMessage = "The commit author is not a member of the team.";
      return;
    }
    if (deployment.readyState !== "QUEUED") return;
    deployment.readyState = "BUILDING";
    deployment.buildingAt = now();
    write(`Cloning the repository (Branch: ${deployment.branch}, Commit: ${deployment.commit.slice(0, 7)})`);
    for (const line of plan.log ?? []) write(line, plan.kind === "error" ? "stderr" : "stdout");
    if (plan.kind === "hangs") return;
    later(plan.afterMs ?? 20, () => void finish(deployment, plan));
  }

  async function finish(deployment: VercelDeployment, plan: Extract<Build, { kind: "ready" | "error" }>) {
    if (deployment.readyState !== "BUILDING") return;
    if (plan.kind === "error") {
      deployment.readyState = "ERROR";
      deployment.errorMessage = plan.message ?? 'Command "npm run build" exited with 1';
      return;
    }
    deployment.serves = plan.serves ?? deployment.commit;
    try {
      deployment.backend = (await options.serve?.(deployment.serves, deployment.target)) ?? null;
    } catch (error) {
      deployment.readyState = "ERROR";
      deployment.errorMessage = error instanceof Error ? error.message : "the release cannot be built";
      return;
    }
    // Cancelled by a person while it started. TypeScript cannot see that other code changes the state meanwhile.
    if ((deployment.readyState as ReadyState) !== "BUILDING") return;
    deployment.readyState = "READY";
    deployment.readyAt = now();
    if (deployment.target === "preview") {
      state.domains.branches.set(deployment.branch, deployment);
      deployment.aliasAssigned = now();
      return;
    }
    deployment.readySubstate = "STAGED";
    if (state.rolledBack !== null || options.autoAssignDomains === false) return;
    later(options.aliasMs ?? 30, () => {
      const serving = state.domains.production;
      const isNewest = serving === null || serving.createdAt <= deployment.createdAt;
      if (state.rolledBack === null && isNewest) assignProduction(deployment);
    });
  }

  function assignProduction(deployment: VercelDeployment): void {
    state.domains.production = deployment;
    deployment.readySubstate = "PROMOTED";
    deployment.aliasAssigned = now();
  }

  return state;
}

export type VercelState = ReturnType<typeof createState>;
