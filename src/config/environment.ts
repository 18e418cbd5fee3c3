import { z } from "zod";
import { Failure } from "#domain/failure.ts";

export type Environment = Record<string, string | undefined>;

/** The variables being read, and everything found wrong with them so far. */
export interface Variables {
  /** The variable's text, trimmed; empty counts as unset. */
  text(name: string): string | null;
  /** As `text`, held to `schema`. One that does not fit is noted with `fix` and counts as unset. */
  parsed<Parsed>(name: string, schema: z.ZodType<Parsed>, fix: string): Parsed | null;
  /** An `https` (or `http`) address, without a slash at the end. */
  url(name: string, options?: { secureOnly?: boolean }): string | null;
  isSet(name: string): boolean;
  /** Notes what is wrong with a variable and how to mend it. Never pass a value: the message may be shown to anyone. */
  bad(name: string, fix: string): void;
  throwIfBad(): void;
}

/** A variable longer than this is a mistake (a whole file pasted, for example). */
const charactersMax = 20_000;

export function variablesOf(environment: Environment): Variables {
  const problems = new Map<string, string>();
  const bad = (name: string, fix: string) => {
    if (!problems.has(name)) problems.set(name, fix);
  };
  function text(name: string): string | null {
    const value = environment[name]?.trim() ?? "";
    if (value.length > charactersMax) bad(name, `is longer than ${charactersMax} characters`);
    return value === "" || value.length > charactersMax ? null : value;
  }
  function parsed<Parsed>(name: string, schema: z.ZodType<Parsed>, fix: string): Parsed | null {
    const value = text(name);
    if (value === null) return null;
    const result = schema.safeParse(value);
    if (result.success) return result.data;
    bad(name, fix);
    return null;
  }
  return {
    text,
    parsed,
    url: (name, { secureOnly = false } = {}) => parsed(name, webAddress(secureOnly), addressFix(secureOnly)),
    isSet: (name) => text(name) !== null,
    bad,
    throwIfBad() {
      if (problems.size > 0) throw misconfigured(problems);
    },
  };
}

function misconfigured(problems: Map<string, string>): Failure {
  const lines = [...problems].map(([name, fix]) => `  ${name} ${fix}`);
  const subject = problems.size === 1 ? "1 variable is" : `${problems.size} variables are`;
  return new Failure("misconfigured", [`The environment is not right: ${subject} bad.`, ...lines].join("\n"), {
    hint: "`.env.example` explains every variable.",
  });
}

export function isOnThisMachine(address: string): boolean {
  return ["localhost", "127.0.0.1", "[::1]"].includes(new URL(address).hostname);
}

function webAddress(secureOnly: boolean) {
  return z
    .url({ protocol: /^https?$/, abort: true })
    .refine((value) => !hasUserInfo(value), "carries a user name or password")
    .refine((value) => !secureOnly || value.startsWith("https:") || isOnThisMachine(value), "is not https")
    .transform((value) => value.replace(/\/{1,100}$/, ""));
}

function hasUserInfo(value: string): boolean {
  const { username, password } = new URL(value);
  return username !== "" || password !== "";
}

function addressFix(secureOnly: boolean): string {
  const scheme = secureOnly ? "https://" : "https:// (or http://)";
  return `must be an address like ${scheme}host, without user name and password`;
}
