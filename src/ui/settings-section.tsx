"use client";

import { useRouter } from "next/navigation";
import { type SubmitEventHandler, useState, useTransition } from "react";
import { Button } from "./button.tsx";
import { Panel } from "./facts.tsx";
import { useOrders } from "./orders.tsx";
import { Setting } from "./settings-field.tsx";
import { type SettingField, textOf, typedValue } from "./settings-values.ts";
import { tell } from "./toasts.tsx";

/** What somebody typed, and the value it was typed over: if that changed meanwhile, it is not overwritten unseen. */
interface Draft {
  text: string;
  seen: unknown;
}

/** One group of settings (`staging`, `limits`, …). Only what was changed is sent. */
export function SettingsSection(props: { group: string; title: string; about: string; fields: SettingField[] }) {
  const { group, title, about, fields } = props;
  const { role, send } = useOrders();
  const router = useRouter();
  const [drafts, setDrafts] = useState<Record<string, Draft>>({});
  const [errors, setErrors] = useState<Record<string, string>>({});
  const [trouble, setTrouble] = useState<string | null>(null);
  const [isBusy, start] = useTransition();
  const changed = fields.filter(({ name }) => drafts[name] !== undefined);
  const clear = () => {
    setErrors({});
    setTrouble(null);
  };
  const change = (field: SettingField, text: string) => {
    const { [field.name]: draft, ...others } = drafts;
    const seen = draft === undefined ? field.value : draft.seen;
    setDrafts(text === textOf(field.kind, seen) ? others : { ...others, [field.name]: { text, seen } });
  };
  const save = () =>
    start(async () => {
      const values = changed.map(({ name, kind, isOptional }) => [
        name,
        typedValue(kind, drafts[name]?.text ?? "", isOptional),
      ]);
      const seen = changed.map(({ name }) => [name, drafts[name]?.seen]);
      const body = { [group]: Object.fromEntries(values), seen: { [group]: Object.fromEntries(seen) } };
      const refusal = await send("PATCH", "/api/agent/settings", body);
      clear();
      router.refresh();
      if (refusal === null) {
        setDrafts({});
        tell({ tone: "good", title: `${title}: saved` });
        return;
      }
      const known = refusal.fields.filter(({ path }) => fields.some(({ name }) => name === path[1]));
      setErrors(Object.fromEntries(known.map(({ path, message }) => [path[1], message])));
      if (known.length === 0) setTrouble(refusal.message);
      // From now on the newer value is the one that was seen: whoever saves again means it.
      if (refusal.isConflict) setDrafts(await withCurrent(group, drafts));
    });
  return (
    <Panel title={title} id={`settings-${group}`}>
      <form onSubmit={savedBy(save)} noValidate>
        <p className="border-line border-b px-4 py-2 text-muted">{about}</p>
        {fields.map((field) => (
          <Setting
            key={field.name}
            field={field}
            text={drafts[field.name]?.text ?? textOf(field.kind, field.value)}
            isChanged={drafts[field.name] !== undefined}
            error={errors[field.name]}
            disabled={role === "viewer"}
            onChange={(text) => change(field, text)}
          />
        ))}
        {trouble !== null && (
          <p role="alert" className="mx-4 mb-3 rounded-md bg-bad-soft p-2 text-bad">
            {trouble}
          </p>
        )}
        {role === "operator" && (
          <SaveBar
            count={changed.length}
            isBusy={isBusy}
            undo={() => {
              setDrafts({});
              clear();
            }}
          />
        )}
      </form>
    </Panel>
  );
}

/** Its place is kept, so nothing moves with the first change. */
export function SaveBar({ count, isBusy, undo }: { count: number; isBusy: boolean; undo(): void }) {
  return (
    <div className="flex flex-wrap items-center justify-end gap-2 border-line border-t px-4 py-2">
      <span role="status" className="mr-auto text-muted">
        {count > 0 && `${count} ${count === 1 ? "change" : "changes"} not saved`}
      </span>
      <Button look="quiet" onClick={undo} disabled={count === 0 || isBusy}>
        Undo
      </Button>
      <Button type="submit" look="primary" disabled={count === 0 || isBusy}>
        {isBusy ? "Saving…" : "Save"}
      </Button>
    </div>
  );
}

/** The drafts as they stand over the settings of this moment. */
async function withCurrent(group: string, drafts: Record<string, Draft>): Promise<Record<string, Draft>> {
  const response = await fetch("/api/agent/settings").catch(() => undefined);
  if (!response?.ok) return drafts;
  const { settings }: { settings: Record<string, Record<string, unknown>> } = await response.json();
  return Object.fromEntries(
    Object.entries(drafts).map(([name, { text }]) => [name, { text, seen: settings[group]?.[name] }]),
  );
}

/** A form's own action would put its fields back to what they were when it is done: over what was typed meanwhile. */
export function savedBy(save: () => void): SubmitEventHandler {
  return (event) => {
    event.preventDefault();
    save();
  };
}
