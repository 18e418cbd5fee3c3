import { z } from "zod";
import { Settings } from "#domain/settings.ts";
import type { FieldKind, SettingField } from "#ui/settings-values.ts";

/** A setting in words: what its page says about it. What is allowed and what it is by default comes from the settings themselves. */
export interface Words {
  label: string;
  about: string;
  kind?: FieldKind;
  unit?: string;
  options?: { value: string; label: string }[];
}

type Group = Exclude<keyof Settings, "autonomyLevel" | "detection">;
type WordsOf<G extends Group> = { title: string; about: string; fields: { [Name in keyof Settings[G]]: Words } };

const duration = { kind: "duration" } as const;
const scrubbed = Settings.shape.privacy.unwrap().shape.scrub.unwrap().element.options;

/** Every setting but the rules and the level; the compiler sees that none is forgotten. */
export const groups: { [G in Group]: WordsOf<G> } = {
  limits: {
    title: "Limits",
    about: "How much the agent may do. At a limit work waits; it is said once.",
    fields: {
      fixesPerHour: { label: "Fixes per hour", about: "Fixes that may be begun in an hour." },
      deploymentsPerDay: { label: "Deployments per day", about: "Deployments to production since midnight UTC." },
      repairAttempts: { label: "Attempts", about: "How often one fix is written anew when its tests fail." },
      fixesPerFingerprintPerDay: {
        label: "Fixes of one error",
        about: "Runs that wrote a fix for one error in 24 hours.",
      },
      rollbacksPerDay: {
        label: "Rollbacks",
        about: "After so many in 24 hours the agent pauses itself and calls a person.",
      },
      liveIssues: {
        label: "Issues at once",
        about: "Issues that are worked on at the same time; the gravest come first.",
      },
      candidateRebuilds: { label: "Rebuilds", about: "How often a fix follows a main that moves on." },
      jobAttempts: { label: "Tries of a step", about: "How often a step that broke off is tried again." },
    },
  },
  budget: {
    title: "Budget",
    about: "Money for models, taken before each call.",
    fields: {
      dailyUsd: { label: "A day", about: "Since midnight UTC, in the whole project.", unit: "US dollars" },
      issueUsd: { label: "An issue", about: "All attempts at one issue together.", unit: "US dollars" },
    },
  },
  approval: {
    title: "Approval",
    about: "When a person decides, whatever the autonomy level says.",
    fields: {
      confidencePctMin: { label: "Confidence", about: "Below it a person decides.", unit: "%" },
      estimateMinutesMax: { label: "Estimate", about: "Above it a person decides.", unit: "minutes" },
      expiresAfterMs: {
        label: "A question lives",
        about: "One that is not answered ends the issue as failed; retry asks again.",
        ...duration,
      },
    },
  },
  files: {
    title: "Files",
    about: "What a fix may touch. One pattern a line; spelling tricks count as touching.",
    fields: {
      protected: { label: "Never changed", about: "A fix that touches one is rejected.", kind: "lines" },
      requiresApproval: {
        label: "Only with a person",
        about: "A person decides about a fix that touches one.",
        kind: "lines",
      },
      changedFilesMax: { label: "Files in a fix", about: "A change of more files is rejected." },
      changedLinesMax: { label: "Lines in a fix", about: "A change of more lines is rejected." },
    },
  },
  staging: {
    title: "Staging",
    about: "The watch over a fix before anybody is asked or production is touched.",
    fields: {
      windowMs: { label: "Watched for", about: "It must hold at least three checks.", ...duration },
      checkEveryMs: { label: "A check every", about: "How often staging is asked how it is.", ...duration },
      consecutiveFailuresMax: {
        label: "Failures in a row",
        about: "So many failed checks one after the other stop the fix.",
      },
      failuresMax: { label: "Failures in all", about: "So many failed checks in the window stop the fix." },
      newErrorsMax: { label: "New errors", about: "Kinds of errors that were not there before and are tolerated." },
      validChecksMin: { label: "Checks with data", about: "With fewer the watch is inconclusive." },
      deployTimeoutMs: { label: "Deployment within", about: "One that takes longer has failed.", ...duration },
    },
  },
  production: {
    title: "Production",
    about: "The watch over a release. What is worse than here is rolled back without asking.",
    fields: {
      windowMs: { label: "Watched for", about: "It must hold at least three checks.", ...duration },
      checkEveryMs: { label: "A check every", about: "How often production is asked how it is.", ...duration },
      repeatFailedAfterMs: {
        label: "A failed check again after",
        about: "One failure alone may be chance.",
        ...duration,
      },
      consecutiveFailuresMax: {
        label: "Failures in a row",
        about: "So many failed checks one after the other roll back.",
      },
      validChecksMin: { label: "Checks with data", about: "With fewer the watch is inconclusive." },
      risePctRollback: {
        label: "Rise that rolls back",
        about: "Errors above the time before the release, at one check.",
        unit: "%",
      },
      risePctRepeated: {
        label: "Rise at two checks",
        about: "Errors above the time before the release, twice in a row.",
        unit: "%",
      },
      errorsMin: { label: "Errors at least", about: "With fewer a rise is noise." },
      pValueMax: {
        label: "Chance",
        about: "A rise that chance explains with more than this probability is noise.",
        unit: "probability",
      },
      baselineMs: {
        label: "Compared with",
        about: "The time before the release that its errors are compared with.",
        ...duration,
      },
      newErrorEventsMax: {
        label: "New errors",
        about: "So many events of a new kind roll back; one is enough with a changed file in its stack.",
      },
      requestsMin: { label: "Requests at least", about: "With fewer served by the release there is no verdict." },
      deployTimeoutMs: { label: "Deployment within", about: "One that takes longer has failed.", ...duration },
      holdMs: {
        label: "Held open for",
        about: "An inconclusive watch waits so long for traffic before a person has to look.",
        ...duration,
      },
    },
  },
  privacy: {
    title: "Privacy",
    about: "What is taken out of every text before it is stored. Configured secrets always are.",
    fields: {
      scrub: {
        label: "Taken out",
        about: "It holds for what comes from now on.",
        kind: "choices",
        options: scrubbed.map((value) => ({ value, label: value.replaceAll("_", " ") })),
      },
    },
  },
  retention: {
    title: "Retention",
    about: "How long what detection looks at is kept. Issues, fixes and the audit log are kept for good.",
    fields: {
      minutesDays: { label: "Counts per minute", about: "A week of them is what spikes are judged by.", unit: "days" },
      eventsDays: {
        label: "Samples of events",
        about: "Also kinds of errors that never became an issue.",
        unit: "days",
      },
      usersDays: { label: "Who met an error", about: "Users are kept as hashes.", unit: "days" },
      probesDays: {
        label: "Looks at the environments",
        about: "What detection shows of staging and production.",
        unit: "days",
      },
      modelAnswersDays: { label: "Answers of models", about: "What they cost is kept for good.", unit: "days" },
    },
  },
};

const Schema = z.object({
  minimum: z.number().optional(),
  maximum: z.number().optional(),
  default: z.unknown(),
});
const Schemas = z.object({
  properties: z.record(z.string(), z.object({ properties: z.record(z.string(), Schema).optional() })),
});
const schemas = Schemas.parse(z.toJSONSchema(Settings, { io: "input" })).properties;

/** A group's settings as its page shows them. */
export function fieldsOf(group: Group, settings: Settings): SettingField[] {
  const values: Record<string, unknown> = settings[group];
  return Object.entries<Words>(groups[group].fields).map(([name, { kind = "number", ...words }]) => {
    const { minimum, maximum, default: fallback } = schemas[group]?.properties?.[name] ?? {};
    const hasRange = kind === "number" || kind === "duration";
    return {
      ...{ name, kind, ...words, fallback, value: values[name] },
      ...(hasRange && minimum !== undefined && { min: minimum }),
      ...(hasRange && maximum !== undefined && { max: maximum }),
    };
  });
}
