import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Command, Option } from "commander";
import type { SettingsPatch } from "#domain/settings.ts";
import { createClinicRemote } from "./clinic-remote.ts";
import { createOperators, type Operators } from "./operators.ts";
import { resultLine, type ScenarioOutcome } from "./outcome.ts";
import { healthOf, play } from "./play.ts";
import { createPrinter, type Printer } from "./printer.ts";
import { hasBubblewrap, type Product, startProduct } from "./product.ts";
import { inRunningOrder, type Scenario, scenarios } from "./scenarios.ts";
import { createTraffic, startOrdinaryTraffic, type Traffic } from "./traffic.ts";

/** Building the web application comes first on a fresh clone. */
const startTimeoutMs = 180_000;
const environmentsTimeoutMs = 30_000;
const scenarioTimeoutMs = 90_000;
const lookEveryMs = 200;
/** Healthy requests before the first bug: without them a single error would be half of all traffic. */
const ordinaryFirst = 60;

/** What differs from a real installation: the watches are short, and a person decides about P0 and P1. Nothing else. */
const settings = {
  autonomyLevel: 2,
  limits: { fixesPerHour: 50, deploymentsPerDay: 50 },
  staging: { windowMs: 2_000, checkEveryMs: 250, validChecksMin: 4 },
  production: {
    windowMs: 3_000,
    checkEveryMs: 500,
    repeatFailedAfterMs: 100,
    validChecksMin: 3,
    requestsMin: 20,
  },
} satisfies SettingsPatch;

interface Choice {
  chosen: Scenario[];
  json: boolean;
  keep: boolean;
}

await main(choiceOf(process.argv));

async function main({ chosen, json, keep }: Choice): Promise<void> {
  const interrupted = new AbortController();
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.once(name, () => interrupted.abort(new Error(`stopped by ${name}`)));
  }
  const printer = createPrinter(
    (text) => (json ? process.stderr : process.stdout).write(text),
    () => Date.now(),
  );
  const outcomes: ScenarioOutcome[] = [];
  const directory = await mkdtemp(join(await realpath(tmpdir()), "vigil-demo-"));
  let complete = false;
  try {
    await demo({ chosen, directory, printer, signal: interrupted.signal, outcomes });
    complete = outcomes.length === chosen.length && outcomes.every((outcome) => outcome.ok);
  } catch (error) {
    const reason: unknown = interrupted.signal.aborted ? interrupted.signal.reason : error;
    printer.line(`\nThe demo ended early: ${reason instanceof Error ? reason.message : String(reason)}`);
  } finally {
    if (keep) printer.line(`\nKept: ${directory}`);
    else await rm(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
  summarise(printer, chosen, outcomes);
  if (json) process.stdout.write(`${resultLine(inTellingOrder(outcomes), chosen.length)}\n`);
  process.exitCode = complete ? 0 : interrupted.signal.aborted ? 130 : 1;
}

/** Starts everything, plays the scenarios one after another, and always ends what it started. */
async function demo(run: {
  chosen: Scenario[];
  directory: string;
  printer: Printer;
  signal: AbortSignal;
  outcomes: ScenarioOutcome[];
}): Promise<void> {
  const { directory, printer, signal } = run;
  printer.line(
    "Vigil on the bundled sample clinic: real Git, real processes, real traffic. Nothing leaves this machine.",
  );
  const repository = await createClinicRemote(join(directory, "clinic.git"));
  const sandbox = hasBubblewrap() ? "bubblewrap" : "none";
  if (sandbox === "none") {
    printer.line("bubblewrap (bwrap) is not installed: the clinic's own tests run WITHOUT a sandbox.");
  }
  const product = await startProduct({ directory, repository: repository.path, sandbox });
  const operators = createOperators({ url: product.url, token: product.apiToken });
  const traffic = createTraffic({ staging: product.staging, production: product.production });
  try {
    await ready(product, { operators, traffic, printer, signal, commit: repository.commit });
    for (const scenario of inRunningOrder(run.chosen)) {
      const stage = { operators, traffic, repository: repository.path, printer, ended: product.ended, signal };
      const { outcome } = await play(scenario, { ...stage, timeoutMs: scenarioTimeoutMs });
      run.outcomes.push(outcome);
    }
    if (run.outcomes.some((outcome) => !outcome.ok)) printLog(printer, product);
  } catch (error) {
    if (!signal.aborted) printLog(printer, product);
    throw error;
  } finally {
    await traffic.stop();
    await product.stop();
  }
}

interface Starting {
  operators: Operators;
  traffic: Traffic;
  printer: Printer;
  signal: AbortSignal;
  commit: string;
}

async function ready(product: Product, { operators, traffic, printer, signal, commit }: Starting): Promise<void> {
  printer.line(`  starting Vigil on ${product.url} (a first start builds it)`);
  const healthy = async () => (await operators.health()).status === 200;
  await eventually("Vigil's health check", startTimeoutMs, healthy, product, signal);
  await operators.changeSettings(settings);
  const both = async () =>
    (await healthOf(traffic, "staging")) === commit && (await healthOf(traffic, "production")) === commit;
  await eventually("staging and production", environmentsTimeoutMs, both, product, signal);
  printer.line(`  staging ${product.staging} · production ${product.production} · both serve ${commit.slice(0, 8)}`);
  startOrdinaryTraffic(traffic);
  const busy = async () => traffic.sentToProduction() >= ordinaryFirst;
  await eventually("the clinic's ordinary traffic", environmentsTimeoutMs, busy, product, signal);
}

/** Asks again and again; not being there yet is no error. */
async function eventually(
  what: string,
  timeoutMs: number,
  check: () => Promise<boolean>,
  product: Product,
  signal: AbortSignal,
): Promise<void> {
  const until = Date.now() + timeoutMs;
  while (Date.now() < until) {
    const ended = product.ended();
    if (ended !== undefined) throw new Error(ended);
    if (await check().catch(() => false)) return;
    await sleep(lookEveryMs, undefined, { signal });
  }
  throw new Error(`${what}: not ready after ${timeoutMs / 1_000} s`);
}

function printLog(printer: Printer, product: Product): void {
  printer.line(`\nThe end of the server's log (${product.logFile}, kept with --keep):`);
  printer.line(product.logTail());
}

function summarise(printer: Printer, chosen: readonly Scenario[], outcomes: readonly ScenarioOutcome[]): void {
  const asExpected = outcomes.filter((outcome) => outcome.ok).length;
  printer.line(`\n${asExpected} of ${chosen.length} scenarios ended as expected.`);
}

function inTellingOrder(outcomes: readonly ScenarioOutcome[]): ScenarioOutcome[] {
  const place = (name: string) => scenarios.findIndex((scenario) => scenario.name === name);
  return [...outcomes].sort((a, b) => place(a.name) - place(b.name));
}

function choiceOf(argv: string[]): Choice {
  const names = scenarios.map((scenario) => scenario.name);
  const command = new Command("npm run demo --")
    .description("Vigil's main job, end to end, on the bundled sample clinic. Needs no key, no account and no network.")
    .addOption(new Option("--scenario <name>", "play only this scenario").choices(names))
    .option("--json", "end with one line of JSON on stdout; the timeline goes to stderr", false)
    .option("--keep", "keep the folder with the clinic's repository, the releases and the server's log", false)
    .addHelpText(
      "after",
      `\nScenarios:\n${scenarios.map((one) => `  ${one.name.padEnd(11)} ${one.expected}`).join("\n")}`,
    )
    .allowExcessArguments(false)
    .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2))
    .parse(argv);
  const { scenario, json, keep } = command.opts<{ scenario?: string; json: boolean; keep: boolean }>();
  const chosen = scenarios.filter((one) => scenario === undefined || one.name === scenario);
  return { chosen: [...chosen], json, keep };
}
