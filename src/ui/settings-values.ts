/** What kind of thing a setting is: how it is shown, typed and read back. */
export type FieldKind = "number" | "duration" | "lines" | "choices" | "flag" | "text" | "choice";

/** One setting as its page shows it; plain data. */
export interface SettingField {
  /** Where it stands among the settings, or in its rule. */
  name: string;
  label: string;
  /** What it is for, in a sentence. */
  about: string;
  kind: FieldKind;
  value: unknown;
  unit?: string;
  /** What is allowed, in the setting's own unit. */
  min?: number;
  max?: number;
  /** Without one it is never reset to anything. */
  fallback?: unknown;
  /** Of `choices` and `choice`; the first of a `choice` may be `""`, which stands for `null`. */
  options?: { value: string; label: string }[];
  /** A text or number that may be left empty, which stands for `null`. */
  isOptional?: boolean;
}

const units = [
  { name: "ms", label: "milliseconds", ms: 1 },
  { name: "s", label: "seconds", ms: 1_000 },
  { name: "min", label: "minutes", ms: 60_000 },
  { name: "h", label: "hours", ms: 3_600_000 },
  { name: "d", label: "days", ms: 86_400_000 },
] as const;

export const durationUnits = units.map(({ name, label }) => ({ name, label }));

/** In the largest unit that needs no fraction. */
export function durationParts(ms: number): { amount: number; unit: string } {
  const unit = units.findLast((one) => ms >= one.ms && ms % one.ms === 0) ?? units[0];
  return { amount: ms / unit.ms, unit: unit.name };
}

export function durationInWords(ms: number): string {
  const { amount, unit } = durationParts(ms);
  return `${amount} ${unit}`;
}

/** A value as it is typed. */
export function textOf(kind: FieldKind, value: unknown): string {
  if (value === null || value === undefined) return "";
  switch (kind) {
    case "duration":
      return durationInWords(Number(value));
    case "lines":
    case "choices":
      return (value as string[]).join("\n");
    default:
      return String(value);
  }
}

/** The value that was typed. What makes no sense is left for Vigil to refuse, with its reason. */
export function typedValue(kind: FieldKind, text: string, isOptional = false): unknown {
  if (isOptional && text.trim() === "") return null;
  switch (kind) {
    case "number":
      return numberOf(text);
    case "duration": {
      const [amount = "", name] = text.split(" ");
      const number = numberOf(amount);
      return number === null ? null : Math.round(number * (units.find((unit) => unit.name === name)?.ms ?? 1));
    }
    case "lines":
    case "choices":
      return text
        .split("\n")
        .map((line) => line.trim())
        .filter((line) => line !== "");
    case "flag":
      return text === "true";
    case "choice":
      return text === "" ? null : text;
    case "text":
      return text.trim();
  }
}

/** `null` is what JSON makes of a number that is none. */
function numberOf(text: string): number | null {
  const number = text.trim() === "" ? Number.NaN : Number(text);
  return Number.isFinite(number) ? number : null;
}

/** A value with its unit, for people. */
export function inWords({ kind, unit, options }: Pick<SettingField, "kind" | "unit" | "options">, value: unknown) {
  switch (kind) {
    case "duration":
      return durationInWords(Number(value));
    case "lines":
      return `${(value as string[]).length} patterns`;
    case "choices":
      return (value as string[]).length === options?.length ? "all" : (value as string[]).join(", ");
    case "flag":
      return value === true ? "on" : "off";
    default: {
      const text = textOf(kind, value);
      return text === "" ? "none" : [text, unit].filter(Boolean).join(" ");
    }
  }
}

/** What may be entered, in words; `undefined`: anything of its kind. */
export function rangeInWords({ kind, min, max, unit }: SettingField): string | undefined {
  if (min === undefined || max === undefined) return undefined;
  if (kind === "duration") return `${durationInWords(min)} to ${durationInWords(max)}`;
  return [`${plain(min)} to ${plain(max)}`, unit].filter(Boolean).join(" ");
}

function plain(number: number): string {
  return number !== 0 && Math.abs(number) < 1e-3 ? String(number) : number.toLocaleString("en");
}
