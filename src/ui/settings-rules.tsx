"use client";

import { useRouter } from "next/navigation";
import { useState, useTransition } from "react";
import type { Rule } from "#domain/rule.ts";
import { Badge } from "./badge.tsx";
import { Panel } from "./facts.tsx";
import { type Refusal, useOrders } from "./orders.tsx";
import { Setting } from "./settings-field.tsx";
import { SaveBar, savedBy } from "./settings-section.tsx";
import { durationInWords, type SettingField, textOf, typedValue } from "./settings-values.ts";
import { tell } from "./toasts.tsx";

interface ShownRule {
  rule: Rule;
  about: string;
  fields: SettingField[];
}

/** What was typed, by the name of the rule and of its field. */
type Drafts = Record<string, Record<string, string>>;

/** When something becomes an issue. The whole list is one value: it is saved over the list that was seen, or not at all. */
export function SettingsRules({ rules }: { rules: ShownRule[] }) {
  const { role, send } = useOrders();
  const router = useRouter();
  const [drafts, setDrafts] = useState<Drafts>({});
  /** The list as it was when the first change was typed. */
  const [seen, setSeen] = useState<Rule[] | null>(null);
  const [refusal, setRefusal] = useState<Refusal | null>(null);
  const [isBusy, start] = useTransition();
  const count = Object.values(drafts).reduce((sum, fields) => sum + Object.keys(fields).length, 0);
  const undo = () => {
    setDrafts({});
    setSeen(null);
    setRefusal(null);
  };
  const change = ({ rule }: ShownRule, { name, kind, value }: SettingField, text: string) => {
    const { [name]: _, ...others } = drafts[rule.name] ?? {};
    const isChanged = text !== textOf(kind, value);
    setDrafts({ ...drafts, [rule.name]: isChanged ? { ...others, [name]: text } : others });
    setSeen((before) => before ?? rules.map((one) => one.rule));
  };
  const save = () =>
    start(async () => {
      const base = seen ?? rules.map(({ rule }) => rule);
      const changed = base.map((rule) => withDrafts(rule, rules, drafts));
      const body = { detection: { rules: changed }, seen: { detection: { rules: base } } };
      const refused = await send("PATCH", "/api/agent/settings", body);
      router.refresh();
      if (refused === null) {
        undo();
        tell({ tone: "good", title: "Rules: saved" });
        return;
      }
      setRefusal(refused);
      // From now on the newer list is the one that was seen; what was typed stands over it.
      if (refused.isConflict) setSeen((await currentRules()) ?? base);
    });
  const wrong = refusal?.fields.filter(({ path }) => path[1] === "rules" && path.length > 3) ?? [];
  return (
    <Panel title="Rules" id="settings-rules">
      <form onSubmit={savedBy(save)} noValidate>
        <p className="border-line border-b px-4 py-2 text-muted">
          When something becomes an issue: any one of these rules is enough. How often each was right stands under
          Detection.
        </p>
        {rules.map((shown, index) => (
          <OneRule
            key={shown.rule.name}
            shown={shown}
            drafts={drafts[shown.rule.name] ?? {}}
            errors={Object.fromEntries(
              wrong.flatMap(({ path, message }) => (path[2] === String(index) ? [[path[3], message]] : [])),
            )}
            disabled={role === "viewer"}
            onChange={(field, text) => change(shown, field, text)}
          />
        ))}
        {refusal !== null && wrong.length === 0 && (
          <p role="alert" className="mx-4 my-3 rounded-md bg-bad-soft p-2 text-bad">
            {refusal.message}
          </p>
        )}
        {role === "operator" && <SaveBar count={count} isBusy={isBusy} undo={undo} />}
      </form>
    </Panel>
  );
}

function OneRule(props: {
  shown: ShownRule;
  drafts: Record<string, string>;
  errors: Record<string, string>;
  disabled: boolean;
  onChange(field: SettingField, text: string): void;
}) {
  const { shown, drafts, errors, disabled, onChange } = props;
  const { rule, about, fields } = shown;
  const isWrong = Object.keys(errors).length > 0;
  return (
    <details
      data-rule={rule.name}
      open={isWrong || undefined}
      className="border-line border-t first-of-type:border-t-0"
    >
      <summary className="px-4 py-2">
        <span className="font-medium">{rule.name}</span>{" "}
        <span className="text-muted">
          {rule.threshold} in {durationInWords(rule.windowMs)}
          {rule.severity !== null && `, at least ${rule.severity}`}
        </span>{" "}
        <Badge tone={rule.enabled ? "good" : "neutral"}>{rule.enabled ? "on" : "off"}</Badge>
        {Object.keys(drafts).length > 0 && <span className="ml-2 text-warn text-xs">not saved yet</span>}
      </summary>
      <p className="px-4 pb-2 text-muted">{about}</p>
      <div className="border-line border-t pl-4">
        {fields.map((field) => (
          <Setting
            key={field.name}
            field={field}
            text={drafts[field.name] ?? textOf(field.kind, field.value)}
            isChanged={drafts[field.name] !== undefined}
            error={errors[field.name]}
            disabled={disabled}
            onChange={(text) => onChange(field, text)}
          />
        ))}
      </div>
    </details>
  );
}

/** The rule with what was typed for it; the API says what of it is impossible. */
function withDrafts(rule: Rule, rules: ShownRule[], drafts: Drafts): unknown {
  const fields = rules.find((shown) => shown.rule.name === rule.name)?.fields ?? [];
  const changes = Object.entries(drafts[rule.name] ?? {}).map(([name, text]) => {
    const field = fields.find((one) => one.name === name);
    return [name, typedValue(field?.kind ?? "text", text, field?.isOptional)];
  });
  return { ...rule, ...Object.fromEntries(changes) };
}

async function currentRules(): Promise<Rule[] | undefined> {
  const response = await fetch("/api/agent/settings").catch(() => undefined);
  if (!response?.ok) return undefined;
  const { settings }: { settings: { detection: { rules: Rule[] } } } = await response.json();
  return settings.detection.rules;
}
