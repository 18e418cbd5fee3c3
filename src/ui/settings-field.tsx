"use client";

import { useId } from "react";
import { fieldClass } from "./field.ts";
import { durationUnits, inWords, rangeInWords, type SettingField } from "./settings-values.ts";

interface Props {
  field: SettingField;
  /** What stands in it now, as it is typed. */
  text: string;
  isChanged: boolean;
  error: string | undefined;
  disabled: boolean;
  onChange(text: string): void;
}

/** One setting: its name, what it means, its value, what is allowed and what it is unless somebody changes it. */
export function Setting(props: Props) {
  const { field, isChanged, error } = props;
  const id = useId();
  const range = rangeInWords(field);
  const isSet = field.kind === "choices";
  const Frame = isSet ? "fieldset" : "div";
  const notes = [
    field.fallback !== undefined && `Default: ${inWords(field, field.fallback)}`,
    range !== undefined && `allowed: ${range}`,
  ].filter(Boolean);
  return (
    <Frame
      {...(isSet && { "aria-labelledby": `${id}-label` })}
      data-setting={field.name}
      className="grid gap-x-4 gap-y-1 border-line border-t px-4 py-3 first:border-t-0 md:grid-cols-[1fr_minmax(16rem,auto)]"
    >
      <div>
        {isSet ? (
          <p id={`${id}-label`} className="font-medium">
            {field.label}
          </p>
        ) : (
          <label htmlFor={id} className="font-medium">
            {field.label}
          </label>
        )}
        {isChanged && <span className="ml-2 text-warn text-xs">not saved yet</span>}
        <p id={`${id}-about`} className="text-muted">
          {field.about}
          {notes.length > 0 && <span className="block text-xs">{notes.join(" · ")}</span>}
        </p>
      </div>
      <div className="min-w-0 md:justify-self-end md:text-right">
        <Control {...props} id={id} />
        {error !== undefined && (
          <p id={`${id}-error`} role="alert" className="mt-1 max-w-sm text-bad">
            {error}
          </p>
        )}
      </div>
    </Frame>
  );
}

function Control(props: Props & { id: string }) {
  const { field, text, error, disabled, onChange, id } = props;
  const described = {
    id,
    disabled,
    "aria-invalid": error !== undefined,
    "aria-describedby": error === undefined ? `${id}-about` : `${id}-about ${id}-error`,
  };
  switch (field.kind) {
    case "duration":
      return <Duration {...props} described={described} />;
    case "lines":
      return (
        <textarea
          {...described}
          rows={Math.min(10, text.split("\n").length + 1)}
          value={text}
          spellCheck={false}
          onChange={(event) => onChange(event.target.value)}
          className={`${fieldClass} w-full py-1 font-mono md:w-96`}
        />
      );
    case "choices":
      return <Choices {...props} />;
    case "flag":
      return (
        <input
          {...described}
          type="checkbox"
          checked={text === "true"}
          onChange={(event) => onChange(String(event.target.checked))}
          className="size-5"
        />
      );
    case "choice":
      return (
        <select {...described} value={text} onChange={(event) => onChange(event.target.value)} className={fieldClass}>
          {field.options?.map(({ value, label }) => (
            <option key={value} value={value}>
              {label}
            </option>
          ))}
        </select>
      );
    default:
      return (
        <span className="inline-flex items-center gap-2">
          <input
            {...described}
            type={field.kind === "number" ? "number" : "text"}
            step="any"
            value={text}
            onChange={(event) => onChange(event.target.value)}
            className={`${fieldClass} ${field.kind === "number" ? "w-32 text-right" : "w-full md:w-64"}`}
          />
          {field.unit !== undefined && <span className="text-muted">{field.unit}</span>}
        </span>
      );
  }
}

/** An amount and its unit. */
function Duration({ field, text, disabled, onChange, described }: Props & { described: object }) {
  const [amount = "", unit = "s"] = text.split(" ");
  return (
    <span className="inline-flex items-center gap-2">
      <input
        {...described}
        type="number"
        step="any"
        value={amount}
        disabled={disabled}
        onChange={(event) => onChange(`${event.target.value} ${unit}`)}
        className={`${fieldClass} w-28 text-right`}
      />
      <select
        aria-label={`${field.label}: unit`}
        value={unit}
        disabled={disabled}
        onChange={(event) => onChange(`${amount} ${event.target.value}`)}
        className={fieldClass}
      >
        {durationUnits.map(({ name, label }) => (
          <option key={name} value={name}>
            {label}
          </option>
        ))}
      </select>
    </span>
  );
}

function Choices({ field, text, disabled, onChange }: Props) {
  const chosen = new Set(text.split("\n"));
  return (
    <div className="grid gap-x-4 text-left sm:grid-cols-2">
      {field.options?.map(({ value, label }) => (
        <label key={value} className="flex min-h-10 items-center gap-2 sm:min-h-8">
          <input
            type="checkbox"
            checked={chosen.has(value)}
            disabled={disabled}
            onChange={({ target }) => {
              const next = field.options?.filter((one) =>
                one.value === value ? target.checked : chosen.has(one.value),
              );
              onChange(next?.map((one) => one.value).join("\n") ?? "");
            }}
            className="size-5"
          />
          {label}
        </label>
      ))}
    </div>
  );
}
