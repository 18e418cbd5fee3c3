import { pino } from "pino";
import { describe, expect, it } from "vitest";
import { parse } from "./deliveries.ts";

/** Lines that pino itself wrote. */
function logged(write: (log: ReturnType<typeof pino>) => void, options: Parameters<typeof pino>[0] = {}) {
  const lines: string[] = [];
  write(pino({ base: { service: "shop", version: "4.2.0" }, ...options }, { write: (line) => lines.push(line) }));
  return parse(lines.join(""), { contentType: "application/x-ndjson", receivedAt: new Date() });
}

describe("pino's lines", () => {
  it("tell errors, and the others are left aside", () => {
    const { events, rejected } = logged((log) => {
      log.info("started");
      log.error(new TypeError("no total"), "checkout failed");
      log.warn("slow");
      log.fatal("out of memory");
      log.error({ reqId: "r1" }, "refused");
    });
    expect(rejected).toEqual([]);
    expect(events).toMatchObject([
      {
        source: "pino",
        errorType: "TypeError",
        message: "no total",
        level: "error",
        handled: true,
        release: "4.2.0",
        tags: { service: "shop", log_message: "checkout failed" },
      },
      { message: "out of memory", level: "fatal", handled: false, errorType: null },
      { message: "refused", requestId: "r1" },
    ]);
    expect(events[0]?.frames[0]?.file).toMatch(/tests\/ingest\/pino\.test\.ts$/);
  });

  it("tell times in any of its notations, and the request", () => {
    const timestamp = () => `,"time":"${new Date().toISOString()}"`;
    const { events } = logged(
      (log) =>
        log.error({
          req: { id: 7, method: "GET", url: "/orders/17?x=1" },
          res: { statusCode: 500 },
          err: new Error("x"),
        }),
      { timestamp },
    );
    expect(events).toMatchObject([{ operation: "GET /orders/:id", httpStatus: 500, requestId: "7", message: "x" }]);
    expect(events[0]?.tags).not.toHaveProperty("clock");
  });
});
