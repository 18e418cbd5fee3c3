import { describe, expect, it } from "vitest";
import { ErrorEvent } from "#domain/event.ts";
import { createScrubber } from "#ingest/scrub.ts";
import { eventScrubber } from "#ingest/scrub-event.ts";
import { anEvent } from "#tests/support/builders.ts";

const secret = "a-configured-secret";
const { heading, whole, traffic } = eventScrubber(createScrubber([secret]));
const everywhere = (text: string): ErrorEvent =>
  anEvent({
    ...{ id: text, source: text, release: text, dist: text, errorType: text, message: text, stack: text },
    ...{ operation: text, externalHost: text, traceId: text, requestId: text, issueType: text, tags: { [text]: text } },
    clientFingerprint: [text],
    frames: [{ ...frame, file: text, function: text, context: text }],
    chain: [{ type: text, message: text, frames: [{ ...frame, file: text, function: text, context: text }] }],
  });
const frame = {
  file: "a.ts",
  line: 1,
  column: 1,
  function: "f",
  inApp: true,
  context: null,
  debugId: null,
  mapped: false,
};

describe("an event", () => {
  it("holds the secret in no field afterwards, and is still an event", () => {
    const scrubbed = whole(everywhere(secret));
    expect(JSON.stringify(scrubbed)).not.toContain(secret);
    expect(ErrorEvent.parse(scrubbed)).toEqual(scrubbed);
  });

  it("keeps everything that is nobody's secret", () => {
    const event = anEvent({ tags: { region: "eu" }, stack: "at f (a.ts:1:1)" });
    expect(whole(event)).toEqual(event);
  });

  it("stays within its bounds when marks are longer than what they replace", () => {
    const longest = anEvent({
      message: "pin=1 otp=1 ".repeat(682),
      release: "otp=1 ".repeat(33),
      stack: "pwd=1 ".repeat(5_461),
    });
    expect(ErrorEvent.safeParse(whole(longest)).success).toBe(true);
  });

  it.each([
    ["in the middle of a secret", `${"a ".repeat(4_000)}${secret.slice(0, 12)} … [cut]`, secret.slice(0, 12)],
    ["in the middle of a token", `${"a ".repeat(4_000)}ghp_abcdefghij … [cut]`, "ghp_"],
  ])("that was cut %s does not show its half", (_, message, half) => {
    expect(whole(anEvent({ message })).message).not.toContain(half);
  });

  it("hides a tag by its name", () => {
    expect(whole(anEvent({ tags: { apiKey: "short", max_tokens: "4096" } })).tags).toEqual({
      apiKey: "[Filtered]",
      max_tokens: "4096",
    });
  });

  it("that cannot be scrubbed is kept with its type, its places and numbers only", () => {
    const broken = () => {
      throw new Error("the rules are broken");
    };
    const { whole: failing, heading: failingHead } = eventScrubber({ text: broken, value: broken, code: broken });
    const event = {
      ...everywhere("hunter2"),
      errorType: "TypeError",
      id: "1",
      frames: [{ ...frame, context: "hunter2" }],
    };
    for (const scrubbed of [failing(event), failingHead(event)]) {
      expect(JSON.stringify(scrubbed)).not.toContain("hunter2");
      expect(scrubbed).toMatchObject({ errorType: "TypeError", frames: [{ file: "a.ts", line: 1, context: null }] });
    }
  });
});

it("what grouping looks at is clean before it looks", () => {
  const { message, errorType, operation, release, clientFingerprint, chain } = heading(everywhere(secret));
  expect(JSON.stringify([message, errorType, operation, release, clientFingerprint, chain[0]?.message])).not.toContain(
    secret,
  );
});

it("a traffic report names no secret", () => {
  const report = {
    at: new Date(),
    environment: "production" as const,
    release: secret,
    operation: `GET /${secret}`,
    requests: 1,
    failures: 0,
  };
  expect(JSON.stringify(traffic(report))).not.toContain(secret);
});
