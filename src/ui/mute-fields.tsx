"use client";

import { fieldClass } from "./field.ts";

/** By what a muted issue comes back. */
export function MuteFields() {
  return (
    <div className="grid gap-3 sm:grid-cols-3">
      <label className="sm:col-span-3">
        <span className="block font-medium">Until</span>
        <input name="until" type="datetime-local" className={`${fieldClass} w-full`} />
      </label>
      <Count name="events" label="After more events" />
      <Count name="users" label="After more users" />
      <label className="flex items-end gap-2 pb-2">
        <input name="spike" type="checkbox" className="size-5" />
        <span>When it spikes</span>
      </label>
    </div>
  );
}

function Count({ name, label }: { name: string; label: string }) {
  return (
    <label>
      <span className="block font-medium">{label}</span>
      <input name={name} type="number" min={1} max={1_000_000_000} step={1} className={`${fieldClass} w-full`} />
    </label>
  );
}

/** The conditions as the API takes them; a field that was left empty is no condition. */
export function muteOf(form: FormData): Record<string, unknown> {
  const until = String(form.get("until") ?? "");
  const counts = ["events", "users"].flatMap((name) => {
    const text = String(form.get(name) ?? "");
    return text === "" ? [] : [[name, Number(text)]];
  });
  return {
    // The field tells the reader's own time.
    ...(until !== "" && { until: new Date(until).toISOString() }),
    ...Object.fromEntries(counts),
    ...(form.get("spike") !== null && { spike: true }),
  };
}
