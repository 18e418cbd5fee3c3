import { hash } from "node:crypto";
import { join, resolve } from "node:path";
import type { SlackDialogue } from "#adapters/notifier/slack/dialogue.ts";
import { secretValuesOf } from "#config/secret-values.ts";
import type { Config } from "#config.ts";
import { Failure } from "#domain/failure.ts";
import type { Engine } from "#engine/engine.ts";
import { createScrubber } from "#ingest/scrub.ts";
import type { Engineer } from "#ports/engineer.ts";
import type { Notifier } from "#ports/notifier.ts";
import type { Operators } from "#ports/operators.ts";
import type { Repository } from "#ports/repository.ts";
import type { TestBench } from "#ports/test-bench.ts";
import { platformFor } from "./platforms.ts";
import { root } from "./root.ts";

/** How people answer in Slack. */
export interface SlackDoor {
  signingSecret: string;
  operators: Record<string, string>;
  dialogue: SlackDialogue;
}

/** Every adapter that the configuration chose, and what comes with them. */
export interface Wired {
  ports: Engine["ports"];
  accounts: Operators | null;
  slack: SlackDoor | null;
  endReleases(): Promise<void>;
  /** Why the model refused its last call for good; `null` while it answers. */
  modelTrouble(): Failure | null;
}

export async function portsFor(chosen: Config): Promise<Wired> {
  const repository = await repositoryFor(chosen);
  const { platform, endReleases } = await platformFor(chosen, repository);
  const { engineer, trouble } = await engineerFor(chosen);
  const ports = {
    repository,
    testBench: toldWithoutSecrets(await testBenchFor(chosen, repository), createScrubber(secretValuesOf(chosen))),
    platform,
    engineer,
    notifier: withoutSecrets(await notifierFor(chosen), createScrubber(secretValuesOf(chosen))),
  };
  const [accounts, slack] = [await accountsFor(chosen), await slackDoorFor(chosen)];
  return { ports, accounts, slack, endReleases, modelTrouble: trouble };
}

export const digest = (text: string) => hash("sha256", text);

async function repositoryFor(chosen: Config): Promise<Repository> {
  const { repository, home, appUrl } = chosen;
  const directory = resolve(home, "repository.git");
  if (repository.kind === "github") {
    const { createGithubRepository } = await import("#adapters/repository/github.ts");
    const github = createGithubRepository({ ...repository, scratch: resolve(home, "github"), dashboardUrl: appUrl });
    const { text } = createScrubber(secretValuesOf(chosen));
    // Whatever a model or an error said: no secret stands in a pull request.
    const clean = ({ title, body, ...request }: Parameters<Repository["propose"]>[0]) =>
      github.propose({ ...request, title: text(title), body: text(body) });
    return { ...github, propose: clean };
  }
  const { createLocalRepository } = await import("#adapters/repository/local.ts");
  switch (repository.kind) {
    case "demo": {
      const { createClinicRemote } = await import("#demo/clinic-remote.ts");
      const remote = await createClinicRemote(resolve(home, "clinic.git"), join(root(), "src", "demo", "clinic"));
      return createLocalRepository({ remote: remote.path, directory });
    }
    case "local":
      return createLocalRepository({ remote: repository.remote, directory });
  }
}

async function testBenchFor(chosen: Config, source: Repository): Promise<TestBench> {
  const { testBench, home, repository } = chosen;
  if (testBench.kind === "checks") {
    if (repository.kind !== "github") throw new Failure("misconfigured", "Checks are those of a repository at GitHub.");
    const { createChecksTestBench } = await import("#adapters/test-bench/checks.ts");
    return createChecksTestBench({ ...repository, branch: "main", now: () => new Date() });
  }
  const { createSandboxTestBench, probeSandbox } = await import("#adapters/test-bench/sandbox.ts");
  const nodePath = process.execPath;
  // Only our own bundled application may run without the sandbox unasked.
  const bundled = chosen.repository.kind === "demo" && testBench.isolation === "bubblewrap";
  const open = bundled && (await probeSandbox({ nodePath })).kind === "unavailable";
  const { rememberRuns } = await import("#adapters/test-bench/remembered.ts");
  const sandbox = createSandboxTestBench({
    source,
    scratch: resolve(home, "tests"),
    testCommand: testBench.command,
    typesCommand: null,
    isolation: open ? "none" : testBench.isolation,
    nodePath,
    ...(testBench.dependencies === null ? {} : { dependencies: testBench.dependencies }),
  });
  return rememberRuns(sandbox);
}

/** `trouble`: why the model refused its last call for good; `null` when it answered. */
async function engineerFor(chosen: Config): Promise<{ engineer: Engineer; trouble(): Failure | null }> {
  const { claude, baseUrl, models, playbooks } = chosen.engineer;
  const { createPlaybooksFirst } = await import("#adapters/engineer/playbooks-first.ts");
  const { createPlaybooksEngineer } = await import("#adapters/engineer/playbooks/playbooks.ts");
  const first = playbooks === "first" ? createPlaybooksEngineer() : null;
  if (claude.kind !== "present") {
    const because = claude.kind === "missing" ? "ANTHROPIC_API_KEY is not set" : `ANTHROPIC_API_KEY ${claude.why}`;
    return {
      engineer: createPlaybooksFirst({ playbooks: first, model: { kind: "absent", because } }),
      trouble: () => null,
    };
  }
  const { createClaudeEngineer } = await import("#adapters/engineer/claude/claude.ts");
  let trouble: Failure | null = null;
  const engineer = createClaudeEngineer({
    apiKey: claude.apiKey,
    baseUrl,
    models,
    redact: createScrubber(secretValuesOf(chosen)).code,
    digest,
    monotonicMs: () => performance.now(),
    onRefusal: (failure) => {
      trouble = failure;
    },
  });
  return {
    engineer: createPlaybooksFirst({ playbooks: first, model: { kind: "ready", engineer } }),
    trouble: () => trouble,
  };
}

async function accountsFor({ operators: { supabase }, appUrl }: Config): Promise<Operators | null> {
  if (supabase === null) return null;
  const { createSupabaseOperators } = await import("#adapters/operators/supabase.ts");
  return createSupabaseOperators({ ...supabase, appUrl, now: () => new Date() });
}

async function notifierFor({ notifier, appUrl }: Config): Promise<Notifier> {
  if (notifier.kind === "slack") {
    const { createSlackNotifier } = await import("#adapters/notifier/slack.ts");
    return createSlackNotifier({ ...notifier, appUrl, isInteractive: isInteractive(notifier) });
  }
  const { createConsoleNotifier } = await import("#adapters/notifier/console.ts");
  return createConsoleNotifier({ write: (block) => console.log(block), appUrl });
}

type SlackConfig = Extract<Config["notifier"], { kind: "slack" }>;

/** Clicks are taken only where their signature can be checked, and mean something only where it is known who may decide. */
function isInteractive({ signingSecret, operators }: SlackConfig): boolean {
  return signingSecret !== null && Object.keys(operators).length > 0;
}

async function slackDoorFor({ notifier }: Config): Promise<SlackDoor | null> {
  if (notifier.kind !== "slack" || notifier.signingSecret === null) return null;
  const { signingSecret, operators, delivery, apiUrl } = notifier;
  const { createSlackDialogue } = await import("#adapters/notifier/slack/dialogue.ts");
  const token = delivery.kind === "bot" ? delivery.token : null;
  return { signingSecret, operators, dialogue: createSlackDialogue({ token, apiUrl }) };
}

/** Whatever a row that a person filed, a model or a tool wrote: no secret leaves in a message (spec.md §14). */
/** What a test prints may be anything, and everybody sees it who looks at the board. */
function toldWithoutSecrets(bench: TestBench, { text }: ReturnType<typeof createScrubber>): TestBench {
  return { run: (commit, what, tell) => bench.run(commit, what, tell && ((line) => tell(text(line)))) };
}

function withoutSecrets(notifier: Notifier, { text }: ReturnType<typeof createScrubber>): Notifier {
  return {
    send: (notice, options) => {
      const fields = notice.fields.map(({ label, value }) => ({ label, value: text(value) }));
      return notifier.send({ ...notice, title: text(notice.title), text: text(notice.text), fields }, options);
    },
  };
}
