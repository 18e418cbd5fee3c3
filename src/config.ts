import { databaseOf } from "./config/database.ts";
import { type Environment, variablesOf } from "./config/environment.ts";
import { type FixConfig, readFixConfig } from "./config/fix.ts";
import { ensureKeys, type KeyFile } from "./config/keys.ts";
import { drainOf, listenOf, oversightOf, publicAddressOf, secretsOf, shapeOf } from "./config/operation.ts";
import { notifierOf } from "./config/slack.ts";
import { supabaseOf } from "./config/supabase.ts";
import { engineerOf, platformOf, repositoryOf, testBenchOf } from "./config/target.ts";

/** Every choice that the environment makes. Past this file there are no strings from the environment, only these unions. */
export interface Config {
  /** Workers run inside this process. Off on Vercel, where the cron routes do the work. */
  workers: boolean;
  /** Where Vigil keeps what it writes on this machine. */
  home: string;
  listen: { host: string; port: number };
  /** The origin by which people reach Vigil, without a slash at the end. */
  appUrl: string;
  database:
    | { kind: "embedded"; directory: string }
    | {
        kind: "postgres";
        url: string;
        /** Whoever signed the server's certificate, as PEM. */
        certificate: string | null;
      };
  repository:
    | { kind: "demo" }
    | { kind: "local"; remote: string }
    | { kind: "github"; owner: string; name: string; apiUrl: string | null; credentials: GithubCredentials };
  testBench:
    | { kind: "sandbox"; isolation: "bubblewrap" | "none"; command: string | null; dependencies: string | null }
    | { kind: "checks" };
  platform:
    | {
        kind: "processes";
        /** `null`: the bundled demo brings its own. */
        startCommand: string | null;
        ports: { staging: number; production: number };
        healthPath: string;
      }
    | { kind: "url"; urls: { staging: string; production: string }; healthPath: string }
    | {
        kind: "vercel";
        token: string;
        projectId: string;
        teamId: string | null;
        apiUrl: string | null;
        /** Passes Vercel's deployment protection of the watched project. */
        bypassSecret: string | null;
        /** `null`: what Vercel says. */
        urls: { staging: string | null; production: string | null };
        healthPath: string;
      };
  engineer: {
    /** A malformed key stops nothing: playbooks go on, the health page shows the error (spec.md §13). */
    claude: { kind: "missing" } | { kind: "malformed"; why: string } | { kind: "present"; apiKey: string };
    baseUrl: string | null;
    /** `escalate` takes over a repair whose first two attempts failed; `null`: nobody does. */
    models: { triage: string; diagnose: string; fix: string; escalate: string | null };
    /** Whether the built-in repairs are asked before the model. */
    playbooks: "first" | "off";
  };
  notifier:
    | { kind: "console" }
    | {
        kind: "slack";
        delivery: { kind: "webhook"; url: string } | { kind: "bot"; token: string; channel: string };
        /** `null`: Slack's own. */
        apiUrl: string | null;
        /** `null`: messages have no buttons to decide with. */
        signingSecret: string | null;
        /** Who may decide: the operator's name by the id of the Slack user. */
        operators: Record<string, string>;
      };
  /** `null`: not configured, and then nobody gets in. */
  secrets: { cronSecret: string | null; ingestKey: string | null; apiToken: string | null };
  /** The watched application's log drain at Vercel. Without a secret nothing is taken from it. */
  drain: {
    secret: string | null;
    /** What Vercel expects to read back before it trusts an address. */
    verify: string | null;
    /** Only lines of this project are taken; `null` takes all. */
    projectId: string | null;
    /** The share of requests that the drain is set to send. */
    samplingRate: number;
  };
  /** Who watches over Vigil itself and its network. */
  oversight: {
    /** Pinged after each detection tick, so that somebody notices when there are none. */
    heartbeatUrl: string | null;
    /** Answers whenever our own network works: tells "the application is down" from "we are". */
    controlUrl: string | null;
  };
  operators: {
    password: string | null;
    /** Who signs in with it may look and change nothing. */
    viewerPassword: string | null;
    /** Nobody set a password: the one kept beside the other keys counts, and is told at the start. */
    isOwnPassword: boolean;
    /** Then accounts of Supabase Auth count, and the passwords above open nothing. */
    supabase: SupabaseAccounts | null;
  };
}

export interface SupabaseAccounts {
  url: string;
  anonKey: string;
  serviceRoleKey: string | null;
  /** Who may sign in: addresses, and `@domain` for all of one. Empty: every account that has a role. */
  emails: string[];
  /** `password`, `link`, and names of providers. */
  ways: string[];
}

export type { FixConfig } from "./config/fix.ts";
export type GithubCredentials = { kind: "token"; token: string } | { kind: "app"; appId: string; privateKey: string };

/**
 * Turns environment variables into choices; an empty one counts as unset. Throws one `misconfigured` failure that names
 * every bad variable and how to mend it, and that holds no value of any.
 */
export function readConfig(environment: Environment): Config {
  const variables = variablesOf(environment);
  const shape = shapeOf(variables);
  const listen = listenOf(variables);
  const address = publicAddressOf(variables, listen);
  const repository = repositoryOf(variables, shape);
  const platform = platformOf(variables, repository, address);
  const config: Config = {
    workers: !shape.isVercel,
    home: shape.home,
    listen,
    appUrl: address,
    database: databaseOf(variables, shape),
    repository,
    testBench: testBenchOf(variables, shape, repository),
    platform,
    engineer: engineerOf(variables),
    notifier: notifierOf(variables),
    drain: drainOf(variables, platform),
    oversight: oversightOf(variables),
    ...secretsOf(variables, shape),
  };
  variables.throwIfBad();
  return config;
}

/**
 * Keys for the single machine: where the database is embedded and a key is not set, the one kept in `<home>/keys.json`
 * is used, so that `npm start` works with nothing set. Elsewhere an unset key stays unset, and nobody gets in.
 */
export function withOwnKeys(config: Config, ensure: (home: string) => KeyFile = ensureKeys): Config {
  const { cronSecret, ingestKey, apiToken } = config.secrets;
  const { password } = config.operators;
  const isComplete = cronSecret !== null && ingestKey !== null && apiToken !== null && password !== null;
  if (config.database.kind !== "embedded" || isComplete) return config;
  const kept = ensure(config.home);
  return {
    ...config,
    secrets: {
      cronSecret: cronSecret ?? kept.cronSecret,
      ingestKey: ingestKey ?? kept.ingestKey,
      apiToken: apiToken ?? kept.apiToken,
    },
    operators: { ...config.operators, password: password ?? kept.operatorPassword, isOwnPassword: password === null },
  };
}

let known: Config | undefined;

/** The configuration of this process, read once. The only place that reads `process.env`. */
export function config(): Config {
  known ??= withOwnKeys(readConfig(process.env));
  return known;
}

/** What the front of every page needs to renew a sign-in, where it runs apart from the agent. `null`: no accounts of Supabase's. */
export function accountsConfig(): { accounts: SupabaseAccounts; appUrl: string } | null {
  const variables = variablesOf(process.env);
  const accounts = supabaseOf(variables);
  return accounts === null ? null : { accounts, appUrl: publicAddressOf(variables, listenOf(variables)) };
}

/** What `vigil fix` takes from the environment of this process; everything else may be unset or wrong. */
export function fixConfig(): FixConfig {
  return readFixConfig(process.env);
}
