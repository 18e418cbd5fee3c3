import { describe, expect, it } from "vitest";
import { Failure } from "#domain/failure.ts";
import { derivedKey, type IngestKey, ingestKeys, userHasher } from "#ingest/keys.ts";
import { eventOf, parse, receivedAt } from "./deliveries.ts";

function failureOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof Failure) return error.code;
    throw error;
  }
  return "nothing";
}

describe("an event", () => {
  it("needs a message only", () => {
    expect(eventOf({ message: "it broke" })).toEqual({
      id: "new-id",
      at: receivedAt,
      source: "plain",
      trust: "server",
      environment: "production",
      release: null,
      level: "error",
      handled: false,
      errorType: null,
      message: "it broke",
      stack: null,
      frames: [],
      operation: null,
      httpStatus: null,
      userHash: null,
      issueType: null,
      tags: {},
      kind: "error",
      ...{ dist: null, chain: [], clientFingerprint: null, externalHost: null, traceId: null, requestId: null },
    });
  });

  it("may say everything", () => {
    const record = {
      type: "error",
      id: "event-1",
      timestamp: "2026-11-23T09:59:00.000Z",
      environment: "staging",
      release: "3f2a1b4c5d6e7f8091a2b3c4d5e6f708192a3b4c",
      level: "warning",
      handled: true,
      exception: {
        type: "TypeError",
        message: "x is undefined",
        stack: "TypeError: x is undefined\n    at POST (/app/src/a.ts:4:2)",
      },
      operation: "POST /api/campaigns/launch?token=abc",
      status: 500,
      user: { id: 17, email: "jane@x.co" },
      issue_type: "api_error",
      source: "clinic",
      tags: { region: "eu", retries: 2, beta: true, password: "hunter2", nested: { a: 1 } },
    };
    expect(eventOf(record)).toEqual({
      id: "event-1",
      kind: "error",
      at: new Date("2026-11-23T09:59:00.000Z"),
      source: "clinic",
      trust: "server",
      environment: "staging",
      release: "3f2a1b4c5d6e7f8091a2b3c4d5e6f708192a3b4c",
      level: "warning",
      handled: true,
      errorType: "TypeError",
      message: "x is undefined",
      stack: "TypeError: x is undefined\n    at POST (/app/src/a.ts:4:2)",
      frames: [
        {
          ...{ file: "src/a.ts", line: 4, column: 2, function: "POST", inApp: true },
          ...{ context: null, debugId: null, mapped: false },
        },
      ],
      ...{ dist: null, chain: [], clientFingerprint: null, externalHost: null, traceId: null, requestId: null },
      operation: "POST /api/campaigns/launch",
      httpStatus: 500,
      userHash: expect.stringMatching(/^[0-9a-f]{32}$/),
      issueType: "api_error",
      tags: { region: "eu", retries: "2", beta: "true", password: "[Filtered]" },
    });
  });

  it("keeps the log line around an exception beside the exception's own message", () => {
    const event = eventOf({ message: "launch failed", exception: { message: "x is undefined" } });
    expect([event.message, event.tags]).toEqual(["x is undefined", { log_message: "launch failed" }]);
  });

  it("takes the type from the stack where no field names it", () => {
    expect(eventOf({ message: "x", stack: "RangeError: x\n    at a (/app/src/a.ts:1:1)" }).errorType).toBe(
      "RangeError",
    );
  });

  it("counts the same user as the same, and never stores who it is", () => {
    const hashes = [{ id: "jane@x.co" }, { email: "jane@x.co" }, "jane@x.co"].map(
      (user) => eventOf({ message: "x", user }).userHash,
    );
    expect(new Set(hashes).size).toBe(1);
    expect(eventOf({ message: "x", user: { id: "other" } }).userHash).not.toBe(hashes[0]);
    expect(eventOf({ message: "x", user: "jane@x.co" }, { hashUser: userHasher("other key") }).userHash).not.toBe(
      hashes[0],
    );
  });
});

describe("time", () => {
  it.each<[unknown, string]>([
    ["2026-11-23T09:30:00Z", "2026-11-23T09:30:00.000Z"],
    [1_795_426_200, "2026-11-23T09:30:00.000Z"],
    [1_795_426_200.5, "2026-11-23T09:30:00.500Z"],
    [1_795_426_200_000, "2026-11-23T09:30:00.000Z"],
    ["1795426200000", "2026-11-23T09:30:00.000Z"],
    ["2026-11-23T10:02:00Z", "2026-11-23T10:02:00.000Z"],
    ["2026-11-16T10:00:00Z", "2026-11-16T10:00:00.000Z"],
    [null, "2026-11-23T10:00:00.000Z"],
  ])("%j is understood", (timestamp, at) => {
    const event = eventOf({ message: "x", timestamp });
    expect([event.at.toISOString(), event.tags]).toEqual([at, {}]);
  });

  it.each([
    ["9999-12-31T23:59:59Z"],
    ["1970-01-01T00:00:00Z"],
    [0],
    [-1],
    [8.64e15 + 1],
    ["NaN"],
    ["yesterday"],
    [""],
    ["2026-11-23T10:02:01Z"],
    ["2026-11-16T09:59:59Z"],
    ["+275760-09-13T00:00:00.001Z"],
    ["password=hunter2"],
  ])("%j is replaced by the server's, and says so", (timestamp) => {
    const event = eventOf({ message: "x", timestamp });
    expect([event.at, Object.keys(event.tags)]).toEqual([receivedAt, ["clock"]]);
    expect(event.tags.clock).not.toContain("hunter2");
  });
});

describe("the key", () => {
  it.each([
    ["production", "production"],
    ["prod", "production"],
    ["Staging", "staging"],
    ["preview", "staging"],
    ["", "production"],
  ])("of the server believes the environment %j", (environment, expected) => {
    expect(eventOf({ message: "x", environment }).environment).toBe(expected);
  });

  it.each(["development", "test", "__proto__", "constructor", "x".repeat(1_000)])(
    "of the server refuses the environment %.20s",
    (environment) => {
      expect(parse(JSON.stringify({ message: "x", environment })).rejected).toEqual([
        { index: 0, reason: "environment must be staging or production" },
      ]);
    },
  );

  it("of staging turns a claim of production into a note", () => {
    const event = eventOf(
      { message: "x", environment: "production" },
      { key: { environment: "staging", trust: "server" } },
    );
    expect([event.environment, event.tags]).toEqual(["staging", { claimed_environment: "production" }]);
  });

  it("of a browser makes events unverified and takes no traffic", () => {
    const key: IngestKey = { environment: "production", trust: "browser" };
    expect(eventOf({ message: "x", trust: "server" }, { key }).trust).toBe("browser");
    const { traffic, rejected } = parse('{"type":"traffic","requests":1}', { key });
    expect([traffic, rejected.length]).toEqual([[], 1]);
  });

  it("is derived as documented, one for each environment and degree of trust", () => {
    const all = ingestKeys("the key").map(({ secret }) => secret);
    expect(new Set(all).size).toBe(5);
    expect(derivedKey("the key", { environment: "production", trust: "browser" })).toBe(all[3]);
    expect(all[3]).toMatch(/^[0-9a-f]{32}$/);
  });
});

describe("traffic", () => {
  const report = {
    type: "traffic",
    environment: "staging",
    release: "r1",
    operation: "GET /api/x?page=2",
    requests: 9,
    failures: 2,
  };

  it("is counted by environment, release and operation", () => {
    expect(parse(JSON.stringify([report, { message: "x" }]))).toMatchObject({
      traffic: [
        { at: receivedAt, environment: "staging", release: "r1", operation: "GET /api/x", requests: 9, failures: 2 },
      ],
      events: [{ message: "x" }],
      rejected: [],
    });
  });

  it.each([
    { requests: -1 },
    { requests: 1.5 },
    { requests: "9" },
    { requests: 1e9 },
    { failures: 10 },
    { requests: undefined },
    { environment: "development" },
  ])("with %j is refused", (change) => {
    const { traffic, rejected } = parse(JSON.stringify({ ...report, ...change }));
    expect([traffic, rejected.length]).toEqual([[], 1]);
  });
});

describe("a batch", () => {
  const one = '{"message":"a"}';
  it.each([
    ["one object over several lines", '{\n"message":\n"a"\n}', 1],
    ["a list", `[${one},${one}]`, 2],
    ["a list with blanks", ` [ ${one} ,\n\t${one} ] `, 2],
    ["an empty list", "[]", 0],
    ["objects on lines without saying so", `${one}\n${one}\n`, 2],
    ["objects on Windows lines", `${one}\r\n${one}\r\n`, 2],
    ["a byte-order mark first", `\uFEFF${one}`, 1],
  ])("may be %s", (_, body, count) => {
    expect(parse(body).events).toHaveLength(count);
  });

  it("loses nothing but its bad records, wherever they are", () => {
    const big = JSON.stringify({ message: "x", pad: "a".repeat(1024 * 1024) });
    const deep = `{"message":"x","a":${"[".repeat(20)}${"]".repeat(20)}}`;
    const { events, rejected } = parse(`[${one},${big},${deep},{bad},"text",7,null,[${one}],${one}]`);
    expect(events).toHaveLength(2);
    expect(rejected.map(({ index, reason }) => `${index} ${reason}`)).toEqual([
      "1 is larger than 1048576 bytes",
      "2 is nested more than 12 levels deep",
      "3 is not valid JSON",
      "4 is no event",
      "5 is no event",
      "6 is no event",
      "7 is no event",
    ]);
  });

  it("of lines loses the bad line only", () => {
    const { events, rejected } = parse(`${one}\n{"message":\n${one}`, {
      contentType: "application/x-ndjson; charset=utf-8",
    });
    expect([events.length, rejected]).toEqual([2, [{ index: 1, reason: "is not valid JSON" }]]);
  });

  it.each([
    ["more than 1,000 records", `[${Array.from({ length: 1_001 }, () => one).join(",")}]`, "too_large"],
    ["more than 1,000 lines", `${one}\n`.repeat(1_001), "too_large"],
    ["more than 5 MiB", "a".repeat(5 * 1024 * 1024 + 1), "too_large"],
    ["one event of more than 1 MiB", JSON.stringify({ message: "a".repeat(1024 * 1024) }), "too_large"],
    ["one event of more than 1 MiB in other letters", JSON.stringify({ message: "é".repeat(600_000) }), "too_large"],
    ["nothing", "", "invalid"],
    ["blanks", " \n\t ", "invalid"],
    ["text", "it broke", "invalid"],
    ["a number", "42", "invalid"],
    ["null", "null", "invalid"],
    ["a list that does not end", `[${one},`, "invalid"],
    ["a list without commas", `[${one}${one}]`, "invalid"],
    ["a list with an empty place", `[${one},,${one}]`, "invalid"],
    ["a list with more behind it", `[${one}]${one}`, "invalid"],
    ["ten thousand brackets", "[".repeat(10_000), "invalid"],
    ["ten thousand brackets that close", "[".repeat(10_000) + "]".repeat(10_000), "nothing"],
    ["five million brackets", "[".repeat(5_000_000), "invalid"],
    ["a string that does not end", `["${"a".repeat(10_000)}`, "invalid"],
  ])("of %s is answered as a whole", (_, body, code) => {
    expect(failureOf(() => parse(body))).toBe(code);
  });
});
