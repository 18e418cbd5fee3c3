import { Failure } from "#domain/failure.ts";
import { endOfString } from "./members.ts";

/** What a JSON text may hold at most. `valuesMax` bounds the memory that reading takes: a text of `{},{},…` needs thirty times its size. */
export interface JsonLimits {
  depthMax: number;
  valuesMax: number;
}

const [quote, comma, openBrace, closeBrace, openBracket, closeBracket] = [34, 44, 123, 125, 91, 93];

/**
 * Parses a JSON text whose nesting and number of values were counted before; of doubled keys the last one counts. Throws
 * `invalid` for what is no JSON or nested too deep, `too_large` for too many values.
 */
export function boundedJson(text: string, limits: JsonLimits): unknown {
  measure(text, limits);
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new Failure("invalid", "The body is not valid JSON.", { cause });
  }
}

function measure(text: string, { depthMax, valuesMax }: JsonLimits): void {
  let depth = 0;
  let values = 1;
  for (let at = 0; at >= 0 && at < text.length; at++) {
    const sign = text.charCodeAt(at);
    if (sign === quote) {
      const end = endOfString(text, at);
      if (end < 0) return;
      at = end;
    } else if (sign === openBrace || sign === openBracket) {
      if (++depth > depthMax) throw new Failure("invalid", `The JSON is nested more than ${depthMax} levels deep.`);
      values++;
    } else if (sign === closeBrace || sign === closeBracket) depth--;
    else if (sign === comma) values++;
    if (values > valuesMax) throw new Failure("too_large", `The JSON holds more than ${valuesMax} values.`);
  }
}
