import type { Instrumentation } from "next";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { ingestEvents } from "#http/ingest.ts";
import { derivedKey } from "#ingest/keys.ts";
import { onRequestError } from "../../integrations/next/instrumentation.ts";
import { anAgent, anHttp, secrets } from "./fakes.ts";
import { type Served, serve } from "./serve.ts";

/** The file that users copy, called as Next calls it, against the real endpoint. */
type Arguments = Parameters<Instrumentation.onRequestError>;
const request: Arguments[1] = {
  path: "/api/orders/17?token=x",
  method: "POST",
  headers: { "x-vercel-id": "fra1::abc-1" },
};
const context: Arguments[2] = {
  routerKind: "App Router",
  routePath: "/api/orders/[id]",
  routeType: "route",
  revalidateReason: undefined,
};

const agent = anAgent();
let served: Served;
beforeAll(async () => {
  served = await serve([[/^\/api\/ingest\/events$/, ingestEvents(anHttp(agent))]]);
});
afterAll(() => served.close());
beforeEach(() => {
  agent.stored.events.length = 0;
  vi.stubEnv("VIGIL_URL", served.url);
  vi.stubEnv("VIGIL_KEY", derivedKey(secrets.ingestKey, { environment: "production", trust: "server" }));
  vi.stubEnv("VERCEL_GIT_COMMIT_SHA", "a".repeat(40));
  vi.stubEnv("VERCEL_ENV", "production");
});
afterEach(() => {
  vi.unstubAllEnvs();
});

function orders(id: string | undefined): number {
  return (id as string).length;
}

function thrownBy(broken: () => unknown): unknown {
  try {
    return broken();
  } catch (error) {
    return error;
  }
}

describe("the Next.js helper", () => {
  it("has told Vigil when it is awaited", async () => {
    const error = Object.assign(Object(thrownBy(() => orders(undefined))), { digest: "2839482" });
    await onRequestError(error, request, context);
    expect(agent.stored.events).toMatchObject([
      {
        source: "next",
        errorType: "TypeError",
        message: "Cannot read properties of undefined (reading 'length')",
        handled: false,
        operation: "POST /api/orders/[id]",
        environment: "production",
        release: "a".repeat(40),
        requestId: "fra1::abc-1",
        tags: { digest: "2839482", routeType: "route", routerKind: "App Router" },
      },
    ]);
    expect(agent.stored.events[0]?.frames[0]).toMatchObject({ function: "orders", inApp: true });
  });

  it("tells the cause that decides", async () => {
    const wrapped = new Error("the page failed", { cause: thrownBy(() => orders(undefined)) });
    await onRequestError(wrapped, request, {
      ...context,
      routeType: "render",
      renderSource: "react-server-components",
    });
    expect(agent.stored.events).toMatchObject([
      { errorType: "TypeError", chain: [{ message: "the page failed" }, {}] },
    ]);
  });

  it.each([
    ["a text", "out of stock", "out of stock"],
    ["nothing", null, "null"],
    ["an error without words", new RangeError(), "RangeError"],
  ])("tells %s that was thrown", async (_, thrown, message) => {
    await onRequestError(thrown, request, context);
    expect(agent.stored.events).toMatchObject([{ message }]);
  });

  it("says where it runs, and the key has the last word", async () => {
    vi.stubEnv("VERCEL_ENV", "preview");
    await onRequestError(new Error("x"), request, context);
    expect(agent.stored.events).toMatchObject([
      { environment: "production", tags: { claimed_environment: "preview" } },
    ]);
  });

  it("says nothing about redirects and missing pages", async () => {
    await onRequestError(Object.assign(new Error("x"), { digest: "NEXT_REDIRECT;replace;/" }), request, context);
    expect(agent.stored.events).toEqual([]);
  });

  it("never fails the request, whether Vigil is away or nothing is set", async () => {
    const warned = vi.spyOn(console, "warn").mockImplementation(() => {});
    vi.stubEnv("VIGIL_URL", "http://127.0.0.1:1");
    await onRequestError(new Error("x"), request, context);
    vi.stubEnv("VIGIL_URL", "");
    await onRequestError(new Error("x"), request, context);
    expect([warned.mock.calls.length, agent.stored.events]).toEqual([1, []]);
    warned.mockRestore();
  });
});
