import type { Environment } from "#domain/ids.ts";
import type { Rule, RuleOf } from "#domain/rule.ts";
import { muteEnds } from "#policy/coming-back.ts";
import { failureRate, type OperationFacts } from "#policy/detectors/failure-rate.ts";
import { availability } from "#policy/detectors/health-check.ts";
import { silence } from "#policy/detectors/heartbeat.ts";
import { countsNeeded, spike } from "#policy/detectors/spike.ts";
import { afterSpike, atLeast, severityOf } from "#policy/severity.ts";
import type { KnownIssue } from "#store/read/detection/reads.ts";
import type { Condition, DetectionWorld, Finding } from "./stage.ts";

const hourMs = 60 * 60_000;
/** While a release is watched, silence is told at the next check and not after a quarter of an hour (reliability A13). */
const watchedSilenceMs = 5 * 60_000;
/** An operation that failed often has to behave for so long before it counts as recovered. */
const calmMs = 15 * 60_000;
/** The look of this round, or of the one before where it has not ended. */
const newestMs = 2 * 60_000;
const requestsMin = 20;
const healthKey = "health_check:production";
const operationKey = (operation: string) => `error_rate:${operation}`;

/**
 * The round: what no single event tells of. Production is down or silent, an operation fails more than it used to, an
 * issue spikes. World in, findings out; looked at every minute, whoever else looks at the same time.
 */
export async function findConditions(world: DetectionWorld): Promise<Finding[]> {
  const found: Finding[] = [];
  for (const rule of world.settings.detection.rules) {
    if (rule.enabled) found.push(...(await look(rule, world)));
  }
  return found.filter((finding) => finding.kind !== "condition" || !isMuted(finding.issue, world));
}

/** A condition has no events to count: until the time that was named, it is ignored. */
function isMuted(issue: KnownIssue | undefined, { clock }: DetectionWorld): boolean {
  if (issue?.status !== "dismissed" || issue.mute === null) return false;
  return issue.mute.until === null || clock.now() < issue.mute.until;
}

async function look(rule: Rule, world: DetectionWorld): Promise<Finding[]> {
  switch (rule.kind) {
    case "failure_rate":
      return failing(rule, world);
    case "spike":
      return spiking(rule, world);
    case "health_check":
      return unavailable(rule, world);
    case "heartbeat":
      return silent(rule, world);
    default:
      // Decided by each event: see `findProblems`.
      return [];
  }
}

async function unavailable(rule: RuleOf<"health_check">, world: DetectionWorld): Promise<Finding[]> {
  const seen = availability(await world.read.probes("production", rule.windowMs), rule, stepsOf(rule, world));
  if (seen.kind === "unknown") return [];
  const issue = await world.read.issueOf(healthKey);
  if (seen.kind === "down") return [{ kind: "condition", condition: down(rule, seen.because), issue }];
  return issue === undefined || issue.recovered ? [] : [{ kind: "recovered", issue, because: seen.because }];
}

function down(rule: Rule, because: string): Condition {
  return {
    key: healthKey,
    rule: rule.name,
    issueType: "health_check",
    title: "Production is down",
    message: because,
    operation: null,
    // Nobody is served.
    affectedUsers: -1,
    ...atLeast({ severity: rule.severity ?? "P0", because }, rule.severity, because),
  };
}

/** Each environment by its own traffic. Staging's silence matters only while a release is judged there. */
async function silent(rule: RuleOf<"heartbeat">, world: DetectionWorld): Promise<Finding[]> {
  const production = await productionSilent(rule, world);
  if (!(await world.read.isWatched("staging"))) return production;
  const quiet = await quietIn("staging", watchedWindow(rule), world);
  return quiet === undefined ? production : [...production, { kind: "blind", environment: "staging", ...quiet }];
}

function watchedWindow(rule: RuleOf<"heartbeat">): RuleOf<"heartbeat"> {
  return { ...rule, windowMs: Math.min(rule.windowMs, watchedSilenceMs) };
}

async function quietIn(environment: Environment, rule: RuleOf<"heartbeat">, world: DetectionWorld) {
  const history = await world.read.trafficHistory(environment);
  return silence(history, world.clock.now(), rule, stepsOf(rule, world));
}

/** A source that fell silent: where production does not answer either it is down, otherwise we are blind. */
async function productionSilent(rule: RuleOf<"heartbeat">, world: DetectionWorld): Promise<Finding[]> {
  const { read } = world;
  const isWatched = await read.isWatched("production");
  const quiet = await quietIn("production", isWatched ? watchedWindow(rule) : rule, world);
  if (quiet === undefined) return [];
  const last = (await read.probes("production", newestMs)).at(-1);
  if (last?.outcome === "unhealthy") {
    const condition = down(rule, `${quiet.because}, and the health check fails: ${last.because}`);
    return [{ kind: "condition", condition, issue: await read.issueOf(healthKey) }];
  }
  const answers = last?.outcome === "healthy" ? "production answers" : "whether production answers is unknown";
  return [{ kind: "blind", environment: "production", because: `${quiet.because}; ${answers}`, since: quiet.since }];
}

async function failing(rule: RuleOf<"failure_rate">, world: DetectionWorld): Promise<Finding[]> {
  const operations = await world.read.operations(rule.windowMs, rule.threshold);
  const failing = operations.flatMap((operation) => {
    const because = failureRate(operation, rule, stepsOf(rule, world));
    return because === undefined ? [] : [{ operation, because }];
  });
  const routes = failing.filter(({ operation }) => operation.operation !== "");
  const ofRoutes = routes.reduce((sum, { operation }) => sum + operation.failures, 0);
  const found: Finding[] = [];
  for (const { operation, because } of failing) {
    // Where single operations fail, the sum over all of them is no problem of its own.
    if (operation.operation === "" && ofRoutes >= operation.failures / 2) continue;
    const issue = await world.read.issueOf(operationKey(operation.operation));
    found.push({ kind: "condition", condition: failingOften(operation, operations, rule, because), issue });
  }
  const calm = await world.read.calmConditions(operationKey(""), calmMs, requestsMin);
  const because = `no more failures than usual for ${calmMs / 60_000} minutes, with at least ${requestsMin} requests`;
  return [...found, ...calm.map((issue): Finding => ({ kind: "recovered", issue, because }))];
}

function failingOften(
  facts: OperationFacts,
  all: readonly OperationFacts[],
  rule: RuleOf<"failure_rate">,
  because: string,
): Condition {
  const { operation } = facts;
  const whole = all.find((one) => one.operation === "");
  const judged = severityOf({
    level: "error",
    handled: false,
    users: 0,
    usersLastHour: 0,
    events: facts.failures,
    operation: operation === "" ? null : operation,
    issueType: "error_rate",
    requestsShare: whole === undefined ? { kind: "unmeasured", why: "only operations are reported" } : shareOf(whole),
    operationShare: shareOf(facts),
    environment: "production",
    noise: false,
    regression: false,
    spike: false,
    unverified: false,
  });
  const title = operation === "" ? "Requests fail more often than usual" : `${operation} fails more often than usual`;
  return {
    key: operationKey(operation),
    rule: rule.name,
    issueType: "error_rate",
    title,
    message: because,
    operation: operation === "" ? null : operation,
    affectedUsers: 0,
    ...atLeast(judged, rule.severity, because),
  };
}

function shareOf({ requests, failures }: OperationFacts) {
  return { kind: "measured" as const, value: failures / requests };
}

async function spiking(rule: RuleOf<"spike">, world: DetectionWorld): Promise<Finding[]> {
  const suspects = await world.read.mayBeSpiking(rule.windowMs, countsNeeded(rule.windowMs));
  const now = world.clock.now();
  const found: Finding[] = [];
  for (const { issue, counts } of suspects) {
    // Once an hour and issue: a spike that goes on is the same spike.
    if (issue.isMerged || (issue.spikedAt !== null && now.getTime() - issue.spikedAt.getTime() < hourMs)) continue;
    const because = spike(counts, rule, stepsOf(rule, world));
    if (because === undefined) continue;
    const returned = await endOfMute(issue, because, world);
    if (hasEnded(issue) && returned === undefined) continue;
    found.push({ kind: "spike", issue, because, raised: raisedBy(rule, issue, because), returned });
  }
  return found;
}

async function endOfMute(issue: KnownIssue, because: string, world: DetectionWorld) {
  if (issue.status !== "dismissed" || issue.mute === null) return undefined;
  const since = await world.read.happenedSince(issue.id, issue.mute.since);
  return muteEnds(issue.mute, since, because, world.clock.now());
}

function raisedBy({ severity }: RuleOf<"spike">, issue: KnownIssue, because: string) {
  if (issue.isByHand) return undefined;
  return severity === null ? afterSpike(issue.severity, because) : graver(issue, severity, because);
}

function graver({ severity }: KnownIssue, least: KnownIssue["severity"], because: string) {
  return least < severity ? { severity: least, because } : undefined;
}

/** Nobody works on it or waits for it: what happens to its error is another story. */
function hasEnded({ status }: KnownIssue): boolean {
  return status === "resolved" || status === "dismissed";
}

function stepsOf({ name }: Rule, { steps }: DetectionWorld): number {
  return steps.get(name) ?? 0;
}
