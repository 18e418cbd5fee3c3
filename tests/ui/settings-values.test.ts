import { describe, expect, it } from "vitest";
import { durationInWords, inWords, rangeInWords, textOf, typedValue } from "#ui/settings-values.ts";

describe("a setting's value", () => {
  it.each([
    ["number", 3, "3"],
    ["number", 0.005, "0.005"],
    ["duration", 600_000, "10 min"],
    ["duration", 250, "250 ms"],
    ["duration", 90_000, "90 s"],
    ["duration", 86_400_000, "1 d"],
    ["lines", ["a/**", "b"], "a/**\nb"],
    ["choices", ["emails"], "emails"],
    ["choices", [], ""],
    ["flag", true, "true"],
    ["choice", null, ""],
    ["text", "spike", "spike"],
  ] as const)("as %s is typed and read back: %j", (kind, value, text) => {
    expect(textOf(kind, value)).toBe(text);
    expect(typedValue(kind, text)).toEqual(value);
  });

  it.each([
    ["number", "", null],
    ["number", "ten", null],
    ["duration", " min", null],
    ["duration", "1.5 h", 5_400_000],
    ["lines", " a \n\n b", ["a", "b"]],
  ] as const)("as %s is what was meant, or nothing: %j", (kind, text, value) => {
    expect(typedValue(kind, text)).toEqual(value);
  });

  it("may be left empty where that means something", () => {
    expect(typedValue("text", " ", true)).toBeNull();
    expect(typedValue("text", " ")).toBe("");
  });

  it("is said with its unit, its default and its range", () => {
    const field = {
      name: "a",
      label: "A",
      about: "",
      kind: "number",
      value: 5,
      unit: "%",
      min: 0,
      max: 10_000,
    } as const;
    expect(inWords(field, 5)).toBe("5 %");
    expect(rangeInWords(field)).toBe("0 to 10,000 %");
    expect(rangeInWords({ ...field, kind: "duration", min: 50, max: 604_800_000 })).toBe("50 ms to 7 d");
    expect(rangeInWords({ ...field, min: 1e-9, max: 0.5 })).toBe("1e-9 to 0.5 %");
    expect(inWords({ kind: "choice" }, null)).toBe("none");
    expect(durationInWords(7_200_000)).toBe("2 h");
  });
});
