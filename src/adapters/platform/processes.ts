import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { HealthCheck } from "#domain/evidence.ts";
import { Failure } from "#domain/failure.ts";
import { type Environment, type Sha, shortId } from "#domain/ids.ts";
import type { DeploymentState, Platform } from "#ports/platform.ts";
import { type Checkouts, createCheckouts } from "./checkouts.ts";
import { servingOf } from "./environment-probe.ts";
import type { HealthProbe } from "./health-probe.ts";
import { createLocalEnvironment, type Ledger, type LocalEnvironment, recordedReleases } from "./local-environment.ts";
import { endGroup, isRunning, ownProcess } from "./process-group.ts";
import { awaited, failed, isSame, promoted, type Release, restored } from "./processes-state.ts";

/** When a caller should ask again while a release starts. */
const lookAgainMs = 150;
const restorePollMs = 40;
/** A commit that did not become ready answers `failed` again for this long; asked for later, it is tried anew. */
const retryFailedAfterMs = 30_000;

export interface ProcessesPlatformOptions {
  /** Where a commit's files come from. */
  source: { export(commit: Sha, directory: string): Promise<void> };
  /** Checkouts, records and logs. Nothing else may write here. */
  directory: string;
  /**
   * Run by `/bin/sh` in the checkout with PORT, HOST, RELEASE, ENVIRONMENT, `environmentVariables` and nothing of our
   * own environment. Its health endpoint must report RELEASE.
   */
  startCommand: string;
  /** Where each environment is reached, on 127.0.0.1. */
  ports: Record<Environment, number>;
  healthPath: string;
  environmentVariables: (environment: Environment) => Record<string, string>;
  /** The Node binary: runs the fronts, and is the `node` of `startCommand`. */
  nodePath: string;
  readyTimeoutMs: number;
  /** How long a release that was replaced may finish its requests. */
  drainMs: number;
  /** Real time, never accelerated: programs do not start faster. */
  now: () => Date;
  /** Must allow private hosts. */
  probe: HealthProbe;
  /** Where `processes-front.ts` is, when this module was bundled. */
  frontScript?: string;
}

/**
 * Runs releases as processes of this machine. They outlive the agent: a new instance with the same `directory` finds
 * and continues them. The release before the serving one is kept running, so going back takes one write.
 * `stop` ends everything that runs for `directory`, and nothing else.
 */
export function createProcessesPlatform(options: ProcessesPlatformOptions): {
  platform: Platform;
  stop(): Promise<void>;
} {
  requireSetup(options);
  const places = { staging: placeOf("staging", options), production: placeOf("production", options) };
  const checkouts = createCheckouts({ ...options, directory: join(options.directory, "releases") });
  const sweeps = new Set<NodeJS.Timeout>();
  let isStopped = false;

  const host: Host = {
    options,
    checkouts,
    requireStarted() {
      if (isStopped) throw new Failure("unavailable", "The releases on this machine were stopped.");
    },
    async afterSwitch(place) {
      const states = await Promise.all([places.staging.state(), places.production.state()]);
      await checkouts.prune(states.flatMap(recordedReleases).map((release) => release.commit));
      await place.prune((commit) => checkouts.has(commit));
      const timer = setTimeout(() => {
        sweeps.delete(timer);
        // The next deployment sweeps as well, so an error here only delays the end of a release nobody uses.
        if (!isStopped) place.change((ledger) => place.sweep(ledger)).catch(() => undefined);
      }, options.drainMs);
      sweeps.add(timer.unref());
    },
  };

  return {
    platform: {
      ensureDeployed: (environment, commit) => ensureDeployed(host, places[environment], commit),
      serving: (environment) => serving(host, places[environment]),
      checkHealth: (environment, expected) => checkHealth(host, places[environment], expected),
      restore: (environment, commit) => restore(host, places[environment], commit),
    },
    async stop() {
      isStopped = true;
      for (const timer of sweeps) clearTimeout(timer);
      await Promise.all(Object.values(places).map((place) => place.change((ledger) => place.endAll(ledger))));
    },
  };
}

interface Host {
  options: ProcessesPlatformOptions;
  checkouts: Checkouts;
  requireStarted(): void;
  /** Bounds what is kept, and sees to it that replaced releases end. */
  afterSwitch(place: LocalEnvironment): Promise<void>;
}

async function ensureDeployed(host: Host, place: LocalEnvironment, commit: Sha): Promise<DeploymentState> {
  host.requireStarted();
  const { now, probe } = host.options;
  const checkout = await host.checkouts.ensure(commit);
  const found = await place.change(async (ledger) => {
    host.requireStarted();
    await place.sweep(ledger);
    await place.openFront(ledger);
    return begin(place, ledger, { commit, checkout, nowMs: now().getTime() });
  });
  if (found.kind === "failed") return found;
  if (found.kind === "awaited") {
    const health = await probe(innerAddress(host, found.release), commit);
    if (health.outcome !== "healthy") return judgeUnready(host, place, found.release, health.because);
    if (!(await promote(host, place, found.release))) return pending(place, commit);
  }
  if (!(await place.isOpen())) return pending(place, commit);
  return { kind: "ready", providerId: providerId(place, commit), url: place.url };
}

type Begun = { kind: "serving" } | { kind: "awaited"; release: Release } | Extract<DeploymentState, { kind: "failed" }>;

/** Finds the process that runs `commit`, or starts it: there is never a second one. */
async function begin(
  place: LocalEnvironment,
  ledger: Ledger,
  { commit, checkout, nowMs }: { commit: Sha; checkout: string; nowMs: number },
): Promise<Begun> {
  const { serving, candidate, failures } = ledger.state;
  const running = recordedReleases(ledger.state).find((release) => release.commit === commit && isRunning(release));
  if (running !== undefined && serving !== null && isSame(running, serving)) return { kind: "serving" };
  if (running !== undefined && candidate !== null && isSame(running, candidate)) {
    return { kind: "awaited", release: candidate };
  }
  const remembered = failures.find((failure) => failure.commit === commit && nowMs < failure.atMs + retryFailedAfterMs);
  if (remembered !== undefined) return { kind: "failed", why: remembered.why, log: place.log(commit) };

  // Without an exit code it was killed together with its leader, or never ran: that says nothing about the commit.
  const code = candidate?.commit === commit ? place.exitCode(commit) : undefined;
  if (code !== undefined) {
    const why = `Release ${shortId(commit)} ended with exit code ${code} before it was ready.`;
    await ledger.save(failed(ledger.state, commit, why, nowMs));
    return { kind: "failed", why, log: place.log(commit) };
  }
  await dropCandidate(ledger);
  if (running === undefined) return { kind: "awaited", release: await place.start(ledger, commit, checkout) };
  const release = { ...running, startedAtMs: nowMs };
  await ledger.save(awaited(ledger.state, release));
  return { kind: "awaited", release };
}

/** Another commit is wanted now; what was on its way never served anyone. */
async function dropCandidate(ledger: Ledger): Promise<void> {
  const { candidate } = ledger.state;
  if (candidate === null) return;
  await endGroup(candidate, 0);
  await ledger.save({ ...ledger.state, candidate: null });
}

async function judgeUnready(
  { options }: Host,
  place: LocalEnvironment,
  release: Release,
  because: string,
): Promise<DeploymentState> {
  const limit = `${options.readyTimeoutMs / 1_000} s`;
  return place.change(async (ledger) => {
    const { candidate } = ledger.state;
    const nowMs = options.now().getTime();
    const isLate = nowMs - release.startedAtMs > options.readyTimeoutMs;
    const isAwaited = candidate !== null && isSame(candidate, release) && isRunning(release);
    if (!isLate || !isAwaited) return pending(place, release.commit);
    const why = `Release ${shortId(release.commit)} never became ready within ${limit}: ${because}`;
    await endGroup(release, 0);
    await ledger.save(failed(ledger.state, release.commit, why, nowMs));
    return { kind: "failed", why, log: place.log(release.commit) };
  });
}

/** Lets a ready candidate serve; `false` when it was replaced or ended meanwhile. */
async function promote(host: Host, place: LocalEnvironment, release: Release): Promise<boolean> {
  const outcome = await place.change(async (ledger) => {
    host.requireStarted();
    const { candidate, serving } = ledger.state;
    if (serving !== null && isSame(serving, release)) return "already";
    if (candidate === null || !isSame(candidate, release)) return "replaced";
    await ledger.save(promoted(ledger.state, release, host.options.now().getTime()));
    return "switched";
  });
  if (outcome === "switched") await host.afterSwitch(place);
  return outcome !== "replaced";
}

async function restore(host: Host, place: LocalEnvironment, commit: Sha): Promise<"restored" | "unsupported"> {
  const found = await place.change(async (ledger) => {
    host.requireStarted();
    const { candidate, serving } = ledger.state;
    const running = recordedReleases(ledger.state).find((one) => one.commit === commit && isRunning(one));
    if (running === undefined && !host.checkouts.has(commit)) return "unsupported";
    await place.openFront(ledger);
    if (running === undefined) {
      await dropCandidate(ledger);
      return place.start(ledger, commit, host.checkouts.folder(commit));
    }
    if (candidate !== null && isSame(running, candidate)) return running;
    if (serving !== null && isSame(running, serving)) return "serving";
    // It was ready before, so it serves at once; whether it is healthy is for the caller's checks to say.
    await ledger.save(restored(ledger.state, running, host.options.now().getTime()));
    return "switched";
  });
  if (found === "unsupported") return found;
  if (typeof found === "object") await restoreWhenReady(host, place, found);
  await place.untilOpen();
  if (found !== "serving") await host.afterSwitch(place);
  return "restored";
}

async function restoreWhenReady(host: Host, place: LocalEnvironment, release: Release): Promise<void> {
  const { probe, readyTimeoutMs, now } = host.options;
  let because = "it ended";
  const deadlineMs = now().getTime() + readyTimeoutMs;
  for (let waitedMs = 0; waitedMs < readyTimeoutMs && now().getTime() < deadlineMs; waitedMs += restorePollMs) {
    if (!isRunning(release)) break;
    const health = await probe(innerAddress(host, release), release.commit);
    because = health.because;
    if (health.outcome === "healthy") {
      return place.change(async (ledger) => {
        host.requireStarted();
        if (!recordedReleases(ledger.state).some((recorded) => isSame(recorded, release))) {
          throw new Failure("stale", `Another release replaced ${shortId(release.commit)} while it started.`);
        }
        await ledger.save(restored(ledger.state, release, now().getTime()));
      });
    }
    await sleep(restorePollMs);
  }
  throw new Failure("unavailable", `Release ${shortId(release.commit)} could not be started again: ${because}`, {
    cause: place.log(release.commit),
  });
}

async function serving(host: Host, place: LocalEnvironment): ReturnType<Platform["serving"]> {
  return servingOf(await checkHealth(host, place, null), place.url);
}

/** A front that died is our fault and no release's: it is opened again, and the release is judged by an answer behind an open one. */
async function checkHealth(host: Host, place: LocalEnvironment, expected: Sha | null): Promise<HealthCheck> {
  host.requireStarted();
  const { serving: release } = await place.state();
  if (release === null) return unhealthy(`nothing is deployed to ${place.environment}`);
  const probed = () => host.options.probe(`${place.url}${host.options.healthPath}`, expected);
  if (await place.isOpen()) {
    const check = await probed();
    // It may have died between the look and the answer.
    if (check.outcome === "healthy" || (await place.isOpen())) return check;
  }
  if (isRunning(release)) {
    try {
      await place.reopen();
    } catch (error) {
      if (error instanceof Failure) return unhealthy(error.message);
      throw error;
    }
  }
  return probed();
}

function unhealthy(because: string): HealthCheck {
  return { outcome: "unhealthy", because, servedCommit: null, httpStatus: null, latencyMs: null };
}

function pending(place: LocalEnvironment, commit: Sha): DeploymentState {
  return { kind: "pending", providerId: providerId(place, commit), lookAgainMs };
}

/** The same for every look at the same deployment. */
const providerId = (place: LocalEnvironment, commit: Sha) => `${place.environment}-${commit}`;

const innerAddress = ({ options }: Host, release: Release) => `http://127.0.0.1:${release.port}${options.healthPath}`;

function placeOf(environment: Environment, options: ProcessesPlatformOptions): LocalEnvironment {
  return createLocalEnvironment({
    ...options,
    environment,
    environmentVariables: options.environmentVariables(environment),
    directory: join(options.directory, environment),
    publicPort: options.ports[environment],
    frontScript: options.frontScript ?? join(import.meta.dirname, "processes-front.ts"),
  });
}

function requireSetup({ ports, healthPath }: ProcessesPlatformOptions): void {
  // Asked for once here, because it tells where this platform cannot run at all.
  ownProcess();
  if (ports.staging === ports.production) {
    throw new Failure("misconfigured", `Staging and production cannot share port ${ports.staging}.`);
  }
  if (!healthPath.startsWith("/")) {
    throw new Failure("misconfigured", "The health path must start with a slash.");
  }
}
