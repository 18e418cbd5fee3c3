import { expect, it } from "vitest";
import { Settings } from "#domain/settings.ts";
import { detectableEffect } from "#policy/detectable-effect.ts";
import { someErrors } from "#tests/support/builders.ts";

const limits = Settings.parse({}).production;

it.each([
  [{ ...someErrors(2_880, 288_000) }, "The watch would notice errors rising 1."],
  [{ ...someErrors(2, 100) }, "With so few errors before, the watch may miss less than a "],
  [{ ...someErrors(0, 100) }, "With so few errors before, the watch may miss any rise; "],
  [
    { ...someErrors(0, 0), errors: { kind: "unmeasured" as const, why: "nothing was reported yet" } },
    "Error rates cannot guard this deployment: nothing was reported yet.",
  ],
])("says before an approval how much the watch can see (%#)", (baseline, sentence) => {
  expect(detectableEffect(baseline, limits)).toContain(sentence);
});
