import { describe, expect, it } from "vitest";
import { createSampler } from "#policy/sampling.ts";

/** How many of so many events, evenly spread over the time, are kept in full. */
function keptOf(events: number, overMs: number, kindOf: (n: number) => string = () => "one", fromMs = 0) {
  const sampler = createSampler();
  return Array.from({ length: events }, (_, n) => sampler.keeps(kindOf(n), fromMs + (n * overMs) / events)).filter(
    Boolean,
  ).length;
}

describe("of a storm", () => {
  it.each([
    ["the only event is kept", 1, 1, 1],
    ["five events of one second are kept", 5, 1_000, 5],
    ["five of a thousand in one second are kept", 1_000, 1_000, 5],
    ["five of 5,000 in five seconds are kept", 5_000, 5_000, 5],
    // Five at once, and one in every five seconds that follow.
    ["16 of 100,000 in a minute are kept", 100_000, 60_000, 16],
  ])("%s", (_, events, overMs, kept) => {
    expect(keptOf(events, overMs)).toBe(kept);
  });

  it("every kind is kept by its own measure", () => {
    expect(keptOf(20_000, 1_000, (n) => `kind ${n % 1_000}`)).toBe(5_000);
  });

  it("a kind that was quiet for a minute begins anew", () => {
    const sampler = createSampler();
    const burst = (fromMs: number) => Array.from({ length: 100 }, (_, n) => sampler.keeps("one", fromMs + n * 100));
    expect(burst(0).filter(Boolean).length).toBe(6);
    expect(burst(100_000).filter(Boolean).length).toBe(6);
  });

  it("memory stays bounded whatever is made up, and what is forgotten is kept again", () => {
    const sampler = createSampler();
    for (let n = 0; n < 100_000; n++) expect(sampler.keeps(`kind ${n}`, n)).toBe(true);
    expect(sampler.keeps("kind 0", 100_001)).toBe(true);
  });
});
