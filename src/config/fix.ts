import { z } from "zod";
import type { Config } from "../config.ts";
import { type Environment, variablesOf } from "./environment.ts";
import { engineerOf } from "./target.ts";

/** All that `vigil fix` takes from the environment: no database, no deployments, no keys of operators. */
export interface FixConfig {
  engineer: Config["engineer"];
  isolation: "bubblewrap" | "none";
  /** Where its user's programs are, as PATH lists them. */
  searchPath: string;
}

/** Throws one `misconfigured` failure that names every bad variable among those that matter here. */
export function readFixConfig(environment: Environment): FixConfig {
  const variables = variablesOf(environment);
  const isolation = variables.parsed("AGENT_SANDBOX", z.enum(["bubblewrap", "none"]), "must be bubblewrap or none");
  const engineer = engineerOf(variables);
  // There is no health page to show it on, and playbooks alone are not what the key was set for.
  if (engineer.claude.kind === "malformed") variables.bad("ANTHROPIC_API_KEY", engineer.claude.why);
  variables.throwIfBad();
  return { engineer, isolation: isolation ?? "bubblewrap", searchPath: environment.PATH ?? "" };
}
