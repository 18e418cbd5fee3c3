/** How far one step may go. Whatever is reached first ends it: the model is told to answer, then the step ends. */
export interface StepLimits {
  /** Answers of the model. */
  turnsMax: number;
  /** Tokens of all calls together, prompts and answers, also those read from the cache. */
  tokensMax: number;
  secondsMax: number;
  usdMax: number;
  /** Longest answer of one call, in tokens; thinking counts. */
  answerTokensMax: number;
}

export interface Limits {
  triage: StepLimits;
  diagnose: StepLimits;
  fix: StepLimits;
  /** One call without its last word after this time is given up, and tried again. */
  callSecondsMax: number;
  /** Calls for one answer, the first included. */
  triesMax: number;
  /** The first pause before another try; each further one is twice as long. A `retry-after` of the service goes before it. */
  pauseMs: number;
}

/** The dollars are those of spec.md §15: 0.001 for a first look (rounded up), 0.50 for a diagnosis, 0.75 for a fix. */
export const defaultLimits: Limits = {
  triage: { turnsMax: 2, tokensMax: 30_000, secondsMax: 60, usdMax: 0.01, answerTokensMax: 4_000 },
  diagnose: { turnsMax: 24, tokensMax: 800_000, secondsMax: 480, usdMax: 0.5, answerTokensMax: 12_000 },
  fix: { turnsMax: 24, tokensMax: 800_000, secondsMax: 720, usdMax: 0.75, answerTokensMax: 24_000 },
  callSecondsMax: 240,
  triesMax: 4,
  pauseMs: 1_000,
};

/** The service asks for more patience than a step has. */
export const retryAfterMsMax = 60_000;
