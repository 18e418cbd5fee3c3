/**
 * What models cost, in USD for a million tokens. Source: the price list and model pages of the Claude platform's
 * documentation, read in November 2026. Cache writes are those for five minutes. A changed price is changed here only.
 */

export interface Price {
  input: number;
  output: number;
  cacheWrite: number;
  cacheRead: number;
  /** Another price for the whole request once its prompt is longer than this many tokens. */
  longPrompt?: { tokens: number; price: Omit<Price, "longPrompt"> };
}

/** The first entry whose prefix fits an id decides; dated ids (`…-20251001`) and ids of other clouds end alike. */
const table: [prefix: string, price: Price][] = [
  ["claude-fable-5-1", { input: 10, output: 50, cacheWrite: 12.5, cacheRead: 0.25 }],
  ["claude-mythos-5-1", { input: 10, output: 50, cacheWrite: 12.5, cacheRead: 0.25 }],
  ["claude-fable-5", { input: 10, output: 50, cacheWrite: 12.5, cacheRead: 1 }],
  ["claude-mythos-5", { input: 10, output: 50, cacheWrite: 12.5, cacheRead: 1 }],
  ["claude-opus-5-5", { input: 4, output: 20, cacheWrite: 5, cacheRead: 0.2 }],
  ["claude-opus-5", { input: 5, output: 25, cacheWrite: 6.25, cacheRead: 0.5 }],
  ["claude-opus-4-1", { input: 15, output: 75, cacheWrite: 18.75, cacheRead: 1.5 }],
  ["claude-opus-4-20", { input: 15, output: 75, cacheWrite: 18.75, cacheRead: 1.5 }],
  ["claude-opus-4-", { input: 5, output: 25, cacheWrite: 6.25, cacheRead: 0.5 }],
  ["claude-sonnet-5-5", { input: 2, output: 10, cacheWrite: 2.5, cacheRead: 0.1 }],
  ["claude-sonnet-5", { input: 2, output: 10, cacheWrite: 2.5, cacheRead: 0.2 }],
  ["claude-sonnet-4", { input: 3, output: 15, cacheWrite: 3.75, cacheRead: 0.3 }],
  [
    "claude-haiku-5-5",
    {
      input: 0.1,
      output: 0.5,
      cacheWrite: 0.125,
      cacheRead: 0.01,
      longPrompt: { tokens: 100_000, price: { input: 0.5, output: 2.5, cacheWrite: 0.625, cacheRead: 0.05 } },
    },
  ],
  ["claude-haiku-4-5", { input: 1, output: 5, cacheWrite: 1.25, cacheRead: 0.1 }],
];

/** Nothing in the table costs more. */
const dearest: Price = { input: 15, output: 75, cacheWrite: 18.75, cacheRead: 1.5 };

/** A model that is not in the table is taken for the dearest one: a budget may be kept too early, never too late. */
export function priceOf(model: string): { price: Price; isKnown: boolean } {
  const name = model.slice(Math.max(0, model.lastIndexOf("claude-")));
  const entry = table.find(([prefix]) => name.startsWith(prefix));
  return entry === undefined ? { price: dearest, isKnown: false } : { price: entry[1], isKnown: true };
}

export interface Tokens {
  /** Neither read from the cache nor written to it. */
  input: number;
  output: number;
  cacheRead: number;
  cacheWrite: number;
}

/** What a call cost, in USD. */
export function costOf(model: string, { input, output, cacheRead, cacheWrite }: Tokens): number {
  const price = bandOf(priceOf(model).price, input + cacheRead + cacheWrite);
  const total =
    input * price.input + output * price.output + cacheRead * price.cacheRead + cacheWrite * price.cacheWrite;
  return total / 1_000_000;
}

/** What a call can cost at the most: the whole prompt newly written to the cache, every allowed token answered. In USD. */
export function mostOf(model: string, promptTokens: number, answerTokensMax: number): number {
  return costOf(model, { input: 0, output: answerTokensMax, cacheRead: 0, cacheWrite: promptTokens });
}

/** How many tokens of answer `usd` still pay for after a prompt of `promptTokens`; may be negative. */
export function answerTokensFor(model: string, promptTokens: number, usd: number): number {
  const price = bandOf(priceOf(model).price, promptTokens);
  return Math.floor((usd * 1_000_000 - promptTokens * price.cacheWrite) / price.output);
}

function bandOf(price: Price, promptTokens: number): Omit<Price, "longPrompt"> {
  const { longPrompt } = price;
  return longPrompt !== undefined && promptTokens > longPrompt.tokens ? longPrompt.price : price;
}

/** Signs and letters of other scripts are often a token each; English and code need about three characters for one. */
const charactersPerToken = 2.5;

/** How many tokens a text will be at the most, as far as that can be said without asking (a free call would cost a second). */
export function tokensAtMost(text: string): number {
  const plain = text.match(/[A-Za-z0-9 ]/g)?.length ?? 0;
  return Math.ceil(plain / charactersPerToken + (Buffer.byteLength(text) - plain));
}
