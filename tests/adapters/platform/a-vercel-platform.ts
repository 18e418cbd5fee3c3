import { onTestFinished } from "vitest";
import { createEnvironmentProbes } from "#adapters/platform/environment-probe.ts";
import { createVercelPlatform, type VercelPlatformOptions } from "#adapters/platform/vercel.ts";
import { Sha } from "#domain/ids.ts";
import { startVercel, type VercelOptions, type VercelServer } from "#tests/support/vercel/vercel.ts";

const commit = (digits: string) => Sha.parse(digits.repeat(10));
export const commits = {
  good: commit("aaa1"),
  better: commit("bbb2"),
  best: commit("ccc3"),
  unused: commit("ddd4"),
  broken: commit("eee5"),
};

/** The platform as `agent.ts` makes it, over a Vercel of this test. */
export function platformOver(vercel: VercelServer, options: Partial<VercelPlatformOptions> = {}) {
  return createVercelPlatform({
    token: vercel.token,
    projectId: vercel.projectId,
    teamId: vercel.teamId,
    apiUrl: vercel.apiUrl,
    urls: vercel.urls,
    healthPath: "/api/health",
    probes: createEnvironmentProbes({ controlUrl: null, timeoutMs: 2_000 }),
    redact: (text) => text,
    ...options,
  });
}

/** Ends with the test. */
export async function aVercel(options: VercelOptions = {}, platform: Partial<VercelPlatformOptions> = {}) {
  const vercel = await startVercel(options);
  onTestFinished(() => vercel.close());
  return { vercel, platform: platformOver(vercel, platform) };
}
