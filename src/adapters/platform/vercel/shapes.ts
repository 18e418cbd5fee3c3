import { z } from "zod";

/** What Vigil reads of Vercel's answers, and nothing else of them. Times are Vercel's, in milliseconds. */

const time = z.number().nullish();

export const Deployment = z.object({
  uid: z.string().min(1).max(200),
  /** A host name without a scheme. */
  url: z.string().max(300).nullish(),
  created: z.number(),
  /** Known: QUEUED, INITIALIZING, BUILDING, READY, ERROR, CANCELED, BLOCKED, DELETED. New ones must not stop anything. */
  readyState: z.string(),
  /** `null` and "preview" are previews. */
  target: z.string().nullish(),
  meta: z.record(z.string(), z.unknown()).nullish(),
  ready: time,
  aliasAssigned: z.union([z.number(), z.boolean()]).nullish(),
  errorMessage: z.string().nullish(),
});
export type Deployment = z.infer<typeof Deployment>;

export const DeploymentList = z.object({ deployments: z.array(Deployment).max(1_000) });

export const Project = z.object({
  id: z.string(),
  name: z.string(),
  paused: z.boolean().nullish(),
  autoAssignCustomDomains: z.boolean().nullish(),
  /** Missing: no Git repository is connected. */
  link: z
    .object({
      type: z.string(),
      org: z.string().nullish(),
      repo: z.string().nullish(),
      productionBranch: z.string().nullish(),
    })
    .nullish(),
  alias: z.array(z.object({ domain: z.string(), target: z.string().nullish() })).nullish(),
  targets: z.record(z.string(), z.object({ id: z.string() }).nullish()).nullish(),
  lastAliasRequest: z
    .object({
      type: z.enum(["promote", "rollback"]),
      toDeploymentId: z.string(),
      jobStatus: z.string(),
      requestedAt: z.number(),
    })
    .nullish(),
  rollbackDescription: z
    .object({ description: z.string().nullish(), username: z.string().nullish(), createdAt: z.number().nullish() })
    .nullish(),
  /** Something where releases take over step by step. */
  rollingRelease: z.object({}).nullish(),
  ssoProtection: z.object({ deploymentType: z.string() }).nullish(),
  passwordProtection: z.object({ deploymentType: z.string() }).nullish(),
});
export type Project = z.infer<typeof Project>;

/** Lines of a build. Older answers carry the text inside a payload. */
export const BuildEvents = z.array(
  z.object({
    type: z.string().nullish(),
    text: z.string().nullish(),
    payload: z.object({ text: z.string().nullish() }).nullish(),
  }),
);

export const AliasJobs = z.object({
  aliases: z.array(z.object({ status: z.string().nullish(), alias: z.object({ alias: z.string() }).nullish() })),
});

export const ApiError = z.object({
  error: z.object({
    code: z.string().nullish(),
    message: z.string().nullish(),
    invalidToken: z.boolean().nullish(),
    limit: z.object({ reset: z.number().nullish() }).nullish(),
  }),
});

const metaOf = ({ meta }: Deployment, names: string[]) =>
  names.map((name) => meta?.[name]).find((value) => typeof value === "string");

/** The Git integration writes them, under the name of the Git host. */
export function commitOf(deployment: Deployment): string | undefined {
  return metaOf(deployment, ["githubCommitSha", "gitlabCommitSha", "bitbucketCommitSha"]);
}

export function branchOf(deployment: Deployment): string | undefined {
  return metaOf(deployment, ["githubCommitRef", "gitlabCommitRef", "bitbucketCommitRef"]);
}
