import { z } from "zod";
import { ScrubKind } from "./privacy.ts";
import { defaultRules, Rules } from "./rule.ts";

const minute = 60_000;
const hour = 60 * minute;
const ms = (fallback: number) =>
  z
    .number()
    .int()
    .min(50)
    .max(7 * 24 * hour)
    .default(fallback);
const count = (fallback: number, max = 1_000) => z.number().int().min(1).max(max).default(fallback);
const days = (fallback: number, min = 1) => z.number().int().min(min).max(3_650).default(fallback);
const globs = (fallback: string[]) =>
  z
    .array(
      z
        .string()
        .min(1)
        .max(300)
        .regex(/^\P{C}+$/u, "holds control characters"),
    )
    .max(200)
    .default(fallback);

/** Never modified; a fix that touches one is rejected (spec.md §10). */
export const protectedByDefault = [
  "supabase/migrations/*.sql",
  "src/app/api/billing/**",
  "src/app/api/webhooks/stripe/**",
  "**/.env*",
  "vercel.json",
];

/** A person decides (spec.md §10 and reliability D6: files that change how code is built, tested, shipped or guarded). */
export const approvalByDefault = [
  "**/package.json",
  "**/{package-lock.json,npm-shrinkwrap.json,yarn.lock,pnpm-lock.yaml,bun.lock,bun.lockb}",
  ".github/**",
  ".gitlab-ci*",
  ".gitlab/**",
  ".circleci/**",
  ".ci/**",
  "**/.husky/**",
  "**/.vscode/**",
  "**/.idea/**",
  "**/.claude/**",
  "**/.cursor/**",
  "**/.mcp.json",
  "**/CLAUDE.md",
  "**/AGENTS.md",
  "**/.git*",
  "**/.npmrc",
  "**/.yarnrc*",
  "**/.pnpmfile*",
  "**/Dockerfile*",
  "**/next.config.*",
  "**/middleware.*",
  "**/{jest,vitest,tsconfig,eslint,biome}*.{json,js,cjs,mjs,ts,mts}",
  "**/migrations/**",
  "**/{auth,billing,payments}/**",
];

/** Every limit of spec.md §7–§12, with its default. Operators change them in the settings; units come last in the name. */
export const Settings = z.object({
  /** 1 watch · 2 auto-fix low risk · 3 full (spec.md §9). */
  autonomyLevel: z.union([z.literal(1), z.literal(2), z.literal(3)]).default(1),
  approval: z
    .object({
      confidencePctMin: z.number().min(0).max(100).default(80),
      estimateMinutesMax: z.number().min(1).max(10_000).default(30),
      expiresAfterMs: ms(24 * hour),
    })
    .prefault({}),
  files: z
    .object({
      protected: globs(protectedByDefault),
      requiresApproval: globs(approvalByDefault),
      changedFilesMax: count(10),
      changedLinesMax: count(300, 100_000),
    })
    .prefault({}),
  limits: z
    .object({
      fixesPerHour: count(5),
      deploymentsPerDay: count(10),
      /** Attempts of the engineer within one run of an issue. */
      repairAttempts: count(3, 10),
      /** Runs that wrote a fix for one fingerprint in 24 hours (reliability A18). */
      fixesPerFingerprintPerDay: count(2),
      /** Rollbacks in 24 hours after which the agent pauses itself (reliability A18). */
      rollbacksPerDay: count(2),
      /** Issues that are worked on at the same time; the others wait, gravest first (reliability D23). */
      liveIssues: count(3, 100),
      candidateRebuilds: count(3, 20),
      jobAttempts: count(5, 20),
    })
    .prefault({}),
  /** Money for models, in US dollars; taken before each call (spec.md §15). */
  budget: z
    .object({
      /** Since midnight UTC, in the whole project. */
      dailyUsd: z.number().min(0).max(100_000).default(20),
      /** For one issue, all its attempts together. */
      issueUsd: z.number().min(0).max(100_000).default(5),
    })
    .prefault({}),
  privacy: z
    .object({
      /** What is taken out of every text before it is stored; configured secrets always are. */
      scrub: z.array(ScrubKind).max(100).default(ScrubKind.options),
    })
    .prefault({}),
  /** When something becomes an issue (detection.md §2.4). */
  detection: z
    .object({
      /** The whole list: one that is left out no longer counts. */
      rules: Rules.default(defaultRules),
    })
    .prefault({}),
  /** How long what detection looks at is kept. Issues, fixes and the audit trail are kept for good. */
  retention: z
    .object({
      /** Counts per minute. A week is the history that spikes and new kinds of errors are judged by (reliability A11). */
      minutesDays: days(30, 8),
      /** Samples of events, and kinds of errors that never became an issue. */
      eventsDays: days(30),
      /** Which (hashed) users met which error. */
      usersDays: days(90),
      probesDays: days(30),
      /** What models answered; what it cost is kept. */
      modelAnswersDays: days(30),
    })
    .prefault({}),
  staging: z
    .object({
      windowMs: ms(10 * minute),
      checkEveryMs: ms(minute),
      consecutiveFailuresMax: count(3),
      failuresMax: count(4),
      newErrorsMax: z.number().int().min(0).max(1_000).default(0),
      /** Of the checks in a full window; fewer is inconclusive (reliability A4). */
      validChecksMin: count(8),
      deployTimeoutMs: ms(20 * minute),
    })
    .prefault({}),
  production: z
    .object({
      windowMs: ms(30 * minute),
      checkEveryMs: ms(5 * minute),
      repeatFailedAfterMs: ms(minute),
      consecutiveFailuresMax: count(2),
      validChecksMin: count(5),
      /** More above the baseline rolls back at once. */
      risePctRollback: z.number().min(1).max(10_000).default(50),
      /** More above the baseline at two checks in a row rolls back. */
      risePctRepeated: z.number().min(1).max(10_000).default(20),
      errorsMin: count(3),
      pValueMax: z.number().min(1e-9).max(0.5).default(0.005),
      baselineMs: ms(24 * hour),
      /** Events of a new kind that roll back; one is enough with a frame in a changed file. */
      newErrorEventsMax: count(2),
      /** Requests served by the new release below which the watch says inconclusive (spec.md §18.6). */
      requestsMin: z.number().int().min(0).max(1_000_000).default(20),
      deployTimeoutMs: ms(20 * minute),
      /** How long an inconclusive watch is held open before a person has to look. */
      holdMs: ms(24 * hour),
    })
    .prefault({}),
});
export type Settings = z.infer<typeof Settings>;

/** Changes to the settings: any part, nothing unknown. */
export const SettingsPatch = z
  .strictObject({
    autonomyLevel: Settings.shape.autonomyLevel.unwrap(),
    approval: patchOf(Settings.shape.approval.unwrap()),
    files: patchOf(Settings.shape.files.unwrap()),
    limits: patchOf(Settings.shape.limits.unwrap()),
    budget: patchOf(Settings.shape.budget.unwrap()),
    privacy: patchOf(Settings.shape.privacy.unwrap()),
    detection: patchOf(Settings.shape.detection.unwrap()),
    retention: patchOf(Settings.shape.retention.unwrap()),
    staging: patchOf(Settings.shape.staging.unwrap()),
    production: patchOf(Settings.shape.production.unwrap()),
  })
  .partial();
export type SettingsPatch = z.infer<typeof SettingsPatch>;

/** The same object with every key optional, no defaults filled in and unknown keys refused. */
function patchOf<Shape extends z.ZodRawShape>(object: z.ZodObject<Shape>) {
  const shape = Object.fromEntries(
    Object.entries(object.shape).map(([key, value]) => [
      key,
      (value instanceof z.ZodDefault ? (value.unwrap() as z.ZodType) : (value as z.ZodType)).optional(),
    ]),
  );
  return z.strictObject(shape as { [K in keyof Shape]: z.ZodOptional<z.ZodType<z.output<Shape[K]>>> });
}

/** The settings as they would be with the changes. */
export function withPatch(settings: Settings, patch: SettingsPatch): Settings {
  const {
    autonomyLevel = settings.autonomyLevel,
    approval,
    files,
    limits,
    budget,
    privacy,
    detection,
    retention,
    staging,
    production,
  } = patch;
  return {
    autonomyLevel,
    approval: { ...settings.approval, ...approval },
    files: { ...settings.files, ...files },
    limits: { ...settings.limits, ...limits },
    budget: { ...settings.budget, ...budget },
    privacy: { ...settings.privacy, ...privacy },
    detection: { ...settings.detection, ...detection },
    retention: { ...settings.retention, ...retention },
    staging: { ...settings.staging, ...staging },
    production: { ...settings.production, ...production },
  };
}
