import { z } from "zod";
import { Severity } from "#domain/issue.ts";
import { defaultRules, type Rule, Rules } from "#domain/rule.ts";
import type { SettingField } from "#ui/settings-values.ts";
import type { Words } from "./fields.ts";

type Kind = Rule["kind"];

/** What a kind of rule looks at, in a sentence. */
const abouts: Record<Kind, string> = {
  new_error: "A new kind of error becomes an issue after so many events within the window.",
  failure_count: "Calls to somebody else's service failed so often within the window.",
  failure_rate: "So many requests of one operation failed within the window, more than its own past explains.",
  spike: "Events come so many times as often as they used to; the window is the length of one count.",
  affected_users: "So many users met the error within the window.",
  health_check: "So many health checks failed in a row, all of them within the window.",
  heartbeat: "No request was reported for the whole window, where so many in five minutes are usual at this hour.",
};

const words: Record<string, Words & { isOptional?: boolean }> = {
  enabled: { label: "Counts", about: "A rule that is off opens no issue.", kind: "flag" },
  name: { label: "Name", about: "Issues are counted by it; no two rules have the same.", kind: "text" },
  windowMs: { label: "Window", about: "The time that is looked at.", kind: "duration" },
  threshold: { label: "Threshold", about: "Reaching it is enough." },
  severity: {
    label: "Severity at least",
    about: "Without one the impact alone decides.",
    kind: "choice",
    options: [{ value: "", label: "by impact" }, ...Severity.options.map((value) => ({ value, label: value }))],
  },
  usersMin: { label: "Users at least", about: "Different users that must have met it." },
  host: { label: "Host", about: "Only this one; empty: any, each by itself.", kind: "text", isOptional: true },
  operation: {
    label: "Operation",
    about: "Only this one, as it is reported (GET /cart); empty: any, each by itself.",
    kind: "text",
    isOptional: true,
  },
  requestsMin: { label: "Requests at least", about: "With fewer there is no verdict." },
  sharePctMin: { label: "Share at least", about: "Of the operation's requests.", unit: "%" },
  riseMin: { label: "Rise at least", about: "Times its share over the last 24 hours.", unit: "times" },
  pValueMax: { label: "Chance", about: "What chance explains with more than this is noise.", unit: "probability" },
};

const Schema = z.object({
  const: z.string().optional(),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
});
const Schemas = z.object({
  items: z.object({ oneOf: z.array(z.object({ properties: z.record(z.string(), Schema) })) }),
});
const schemas = Schemas.parse(z.toJSONSchema(Rules, { io: "input" })).items.oneOf;

/** One rule as its page shows it. */
export interface ShownRule {
  rule: Rule;
  about: string;
  fields: SettingField[];
}

/** Each rule with its fields, in the order of `words`. What it is by default follows from the rule of its name. */
export function shownRules(rules: Rule[]): ShownRule[] {
  return rules.map((rule) => ({ rule, about: abouts[rule.kind], fields: fieldsOf(rule) }));
}

function fieldsOf(rule: Rule): SettingField[] {
  const properties = schemas.find((schema) => schema.properties.kind?.const === rule.kind)?.properties ?? {};
  const values = new Map(Object.entries(rule));
  const defaults = new Map(Object.entries(defaultRules.find(({ name }) => name === rule.name) ?? {}));
  return Object.entries(words).flatMap(([name, { kind = "number", ...rest }]): SettingField[] => {
    if (!(name in properties)) return [];
    const { minimum: min, maximum: max } = properties[name] ?? {};
    return [
      {
        ...{ name, kind, ...rest, value: values.get(name) },
        ...(min !== undefined && { min }),
        ...(max !== undefined && { max }),
        ...(defaults.has(name) && name !== "name" && { fallback: defaults.get(name) }),
      },
    ];
  });
}
