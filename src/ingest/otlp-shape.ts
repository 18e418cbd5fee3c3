/** OTLP's records as both encodings are read into; only the fields that are used (opentelemetry.io/docs/specs/otlp). */

export type AttributeValue = string | number | boolean;
export type Attributes = ReadonlyMap<string, AttributeValue>;

export interface LogRecord {
  /** Milliseconds since 1970; `null` where the sender gave none. */
  timeMs: number | null;
  /** 1 to 24; 0 where the sender gave none. */
  severity: number;
  severityText: string;
  body: string;
  attributes: Attributes;
  traceId: string;
  spanId: string;
}

export interface Span {
  traceId: string;
  spanId: string;
  parentSpanId: string;
  name: string;
  /** 2: answers a request, 3: makes one. */
  kind: number;
  endMs: number | null;
  attributes: Attributes;
  events: { name: string; timeMs: number | null; attributes: Attributes }[];
  /** 2: failed. */
  status: number;
}

/** Records of one source: a process of an application. */
export interface Resource<Item> {
  attributes: Attributes;
  items: Item[];
}

/** Bounds on one request; what is beyond them is left out, and counted where it is a whole record. */
export const recordsMax = 20_000;
export const attributesMax = 128;
export const spanEventsMax = 64;
export const textCharactersMax = 70_000;

/** The text of the first attribute that is set. */
export function textOf(attributes: Attributes, ...names: string[]): string | null {
  for (const name of names) {
    const value = attributes.get(name);
    if (value !== undefined && value !== "") return String(value);
  }
  return null;
}

/** The number in the first attribute that holds one, as text or as number. */
export function numberOf(attributes: Attributes, ...names: string[]): number | null {
  const text = textOf(attributes, ...names);
  return text !== null && /^-?\d{1,15}$/.test(text) ? Number(text) : null;
}
