import { createHmac } from "node:crypto";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { Failure } from "#domain/failure.ts";
import { vercelDrain } from "#http/vercel-drain.ts";
import { anAgent, anHttp, now } from "./fakes.ts";
import { inPieces, type Served, serve } from "./serve.ts";

const secret = "a-drain-secret-of-thirty-characters";
const verify = "0123456789abcdef";
const agent = anAgent();
const store = agent.ingest;
let served: Served;
beforeAll(async () => {
  served = await serve([[/^\/api\/ingest\/vercel$/, vercelDrain(anHttp(agent))]]);
});
afterAll(() => served.close());
beforeEach(() => {
  agent.stored.events.length = 0;
  agent.stored.traffic.length = 0;
  agent.drain = { secret, verify, projectId: "prj_1", samplingRate: 1 };
  agent.ingest = store;
});

const sign = (body: string | Uint8Array, by = secret) => createHmac("sha1", by).update(body).digest("hex");
async function send(body: string | Uint8Array, headers: Record<string, string | undefined> = {}) {
  const all = { "content-type": "application/x-ndjson", "x-vercel-signature": sign(body), ...headers };
  const sent = Object.entries(all).filter((pair): pair is [string, string] => pair[1] !== undefined);
  const response = await fetch(`${served.url}/api/ingest/vercel`, {
    method: "POST",
    body: inPieces(Buffer.from(body), 1_000),
    headers: sent,
    duplex: "half",
  } as RequestInit);
  const { status, headers: answered } = response;
  return {
    status,
    verify: answered.get("x-vercel-verify"),
    retry: answered.get("retry-after"),
    body: await response.json(),
  };
}

let lines = 0;
function aLine(changes: Record<string, unknown> = {}, proxy: Record<string, unknown> | null = {}) {
  return {
    id: `line-${lines++}`,
    deploymentId: "dpl_4kBxNq9",
    source: "lambda",
    host: "shop.test",
    timestamp: now.getTime() - 5_000,
    projectId: "prj_1",
    level: "info",
    message: "",
    requestId: "req-1",
    environment: "production",
    path: "/api/orders/[id]",
    ...(proxy && {
      proxy: {
        ...{ timestamp: now.getTime() - 6_000, method: "POST", host: "shop.test", path: "/api/orders/17?token=x" },
        ...{ statusCode: 200, userAgent: ["Mozilla/5.0"], clientIp: "203.0.113.9", scheme: "https", region: "fra1" },
        ...proxy,
      },
    }),
    ...changes,
  };
}
const ndjson = (...records: object[]) => records.map((record) => JSON.stringify(record)).join("\n");

const stack = [
  "TypeError: Cannot read properties of undefined (reading 'total')",
  "    at priceOf (/var/task/src/lib/price.ts:12:20)",
  "    at POST (/var/task/src/app/api/orders/[id]/route.ts:8:9)",
].join("\n");

describe("a batch", () => {
  it("of one failed request is one event and one failed request, however many lines it printed", async () => {
    const failed = { statusCode: 500 };
    const body = ndjson(
      aLine({ message: "checking out" }, failed),
      aLine({ level: "error", type: "stderr", message: ` ⨯ ${stack} {\n  digest: '2839482'\n}` }, failed),
      aLine(
        { level: "error", message: `2026-11-23T09:59:55.000Z\t0b1c2d3e-0000-4000-8000-000000000001\tERROR\t${stack}` },
        failed,
      ),
      aLine({ level: "error", message: "[POST] /api/orders/17 status=500", statusCode: 500 }, failed),
    );
    expect(await send(body)).toMatchObject({ status: 200, body: { accepted: 2, rejected: [] } });
    expect(agent.stored.events).toMatchObject([
      {
        source: "vercel",
        kind: "error",
        errorType: "TypeError",
        message: "Cannot read properties of undefined (reading 'total')",
        environment: "production",
        release: "dpl_4kBxNq9",
        operation: "POST /api/orders/[id]",
        requestId: "req-1",
        httpStatus: 500,
        handled: false,
        frames: [
          { file: "src/lib/price.ts", function: "priceOf", inApp: true },
          { file: "src/app/api/orders/[id]/route.ts", function: "POST", inApp: true },
        ],
      },
    ]);
    expect(agent.stored.traffic).toMatchObject([
      {
        operation: "POST /api/orders/[id]",
        requests: 1,
        failures: 1,
        release: "dpl_4kBxNq9",
        environment: "production",
      },
    ]);
    expect(JSON.stringify(agent.stored)).not.toMatch(/203\.0\.113|token=/);
  });

  it("that is sent again brings the same ids", async () => {
    const body = ndjson(aLine({ level: "error", message: stack }, { statusCode: 500 }), aLine({ requestId: "req-2" }));
    await send(body);
    const [first] = [JSON.stringify(agent.stored)];
    agent.stored.events.length = 0;
    agent.stored.traffic.length = 0;
    await send(`[${body.replaceAll("\n", ",")}]`, {
      "content-type": "application/json",
      "x-vercel-signature": sign(`[${body.replaceAll("\n", ",")}]`),
    });
    expect(JSON.stringify(agent.stored)).toBe(first);
  });

  it("tells a failed request that printed nothing, by its route and status", async () => {
    await send(
      ndjson(
        aLine({ requestId: "a" }, { statusCode: 500 }),
        aLine({ requestId: "b" }, { statusCode: 502 }),
        aLine({ requestId: "c", statusCode: -1 }, { statusCode: 504 }),
        aLine({ requestId: "d" }, { statusCode: 404 }),
      ),
    );
    expect(agent.stored.events.map(({ kind, message, httpStatus }) => [kind, message, httpStatus])).toEqual([
      ["http", "POST /api/orders/[id] answered 500", 500],
      ["http", "POST /api/orders/[id] answered 502", 502],
      ["http", "POST /api/orders/[id] gave no answer", -1],
    ]);
    expect(agent.stored.traffic.map(({ failures }) => failures)).toEqual([1, 1, 1, 0]);
  });

  it("counts no background revalidation, no probe of ours, no build and no other project", async () => {
    await send(
      ndjson(
        aLine({ requestId: "a" }, { statusCode: -1 }),
        aLine({ requestId: "b" }, { userAgent: ["vigil-probe/1"] }),
        aLine({ requestId: "c", source: "build", level: "error", message: stack }),
        aLine({ requestId: "d", source: "firewall" }, { statusCode: 403 }),
        aLine({ requestId: "e", projectId: "prj_2", level: "error", message: stack }, { statusCode: 500 }),
        aLine({ requestId: "f", source: "redirect" }, { statusCode: 308 }),
      ),
    );
    expect(agent.stored).toEqual({ events: [], traffic: [] });
  });

  it("marks an error of a revalidation as nobody's", async () => {
    await send(ndjson(aLine({ level: "error", message: stack }, { statusCode: -1 })));
    expect(agent.stored.events).toMatchObject([{ tags: { noise: "revalidation" } }]);
  });

  it("of a sampled drain stands for all requests", async () => {
    agent.drain.samplingRate = 0.25;
    await send(ndjson(aLine(), aLine({ requestId: "b" }, { statusCode: 500 })));
    expect(agent.stored.traffic.map(({ requests, failures }) => [requests, failures])).toEqual([
      [4, 0],
      [4, 4],
    ]);
    expect(agent.stored.events).toHaveLength(1);
  });

  it.each([
    ["preview", "staging"],
    ["production", "production"],
  ])("from %s is %s's", async (environment, expected) => {
    await send(ndjson(aLine({ environment }, { statusCode: 500 })));
    expect([agent.stored.events[0]?.environment, agent.stored.traffic[0]?.environment]).toEqual([expected, expected]);
  });

  it.each([
    [
      "a crash as the host reports it",
      `Uncaught Exception \t${JSON.stringify({ errorType: "RangeError", errorMessage: "too deep", stack: ["RangeError: too deep", "    at f (/var/task/src/a.ts:1:2)"] })}`,
      "RangeError",
      "too deep",
      "fatal",
    ],
    [
      "a rejection as the host reports it",
      `Unhandled Promise Rejection \t${JSON.stringify({ errorType: "Runtime.UnhandledPromiseRejection", errorMessage: "TypeError: gone", reason: { errorType: "TypeError", errorMessage: "gone", stack: ["TypeError: gone", "    at g (/var/task/src/b.ts:3:4)"] } })}`,
      "TypeError",
      "gone",
      "fatal",
    ],
    [
      "a function that took too long",
      "2026-11-23T09:59:55.000Z 0b1c2d3e-0000-4000-8000-000000000001 Task timed out after 10.01 seconds",
      null,
      "Task timed out after 10.01 seconds",
      "fatal",
    ],
    ["a line without a stack", "payment refused for order 17", null, "payment refused for order 17", "error"],
    [
      "an exception behind a logger's words",
      `[pay] failed: ${stack}`,
      "TypeError",
      "Cannot read properties of undefined (reading 'total')",
      "error",
    ],
  ])("reads %s", async (_, message, errorType, words, level) => {
    await send(ndjson(aLine({ level: "error", message, requestId: undefined }, null)));
    expect(agent.stored.events).toMatchObject([{ errorType, message: words, level }]);
  });

  it("takes the good lines and names the others", async () => {
    const body = `${JSON.stringify(aLine())}\n{"half\n5\n${JSON.stringify(aLine({ requestId: "b", environment: "development", level: "error", message: "x" }))}`;
    expect(await send(body)).toMatchObject({
      status: 200,
      body: {
        accepted: 1,
        rejected: [
          { index: 1, reason: "is not valid JSON" },
          { index: 2, reason: "is no line of a drain" },
          { index: 3, reason: "environment must be staging or production" },
        ],
      },
    });
  });
});

describe("the signature", () => {
  const body = ndjson(aLine());
  it.each([
    ["nothing", undefined],
    ["an empty one", ""],
    ["another secret's", sign(body, "another-secret-of-thirty-characters")],
    ["another body's", sign(`${body} `)],
    ["capital letters", sign(body).toUpperCase()],
    ["a version before it", `v1=${sign(body)}`],
    ["half of it", sign(body).slice(0, 20)],
    ["a longer one", `${sign(body)}00`],
    ["another hash", createHmac("sha256", secret).update(body).digest("hex")],
    ["that of the parsed body", sign(JSON.stringify(JSON.parse(body), null, 1))],
  ])("of %s is refused", async (_, signature) => {
    expect(await send(body, { "x-vercel-signature": signature })).toMatchObject({
      status: 403,
      body: { code: "invalid_signature" },
    });
    expect(agent.stored.traffic).toEqual([]);
  });

  it("opens nothing where no secret is configured", async () => {
    agent.drain.secret = null;
    expect((await send(body, { "x-vercel-signature": sign(body, "null") })).status).toBe(403);
    expect((await send(body, { "x-vercel-signature": createHmac("sha1", "").update(body).digest("hex") })).status).toBe(
      403,
    );
  });

  it("covers the bytes on the wire, and nothing is unpacked for strangers", async () => {
    const packed = gzipSync(body);
    const encoded = { "content-encoding": "gzip" };
    expect((await send(packed, encoded)).status).toBe(200);
    expect((await send(packed, { ...encoded, "x-vercel-signature": sign(body) })).status).toBe(403);
    expect((await send("not gzip", { ...encoded, "x-vercel-signature": "0".repeat(40) })).status).toBe(403);
    expect((await send("not gzip", encoded)).status).toBe(400);
  });
});

describe("whose address it is", () => {
  it("stands in every answer, of a question nobody signed as well", async () => {
    const asked = await fetch(`${served.url}/api/ingest/vercel`);
    expect([asked.status, asked.headers.get("x-vercel-verify")]).toEqual([200, verify]);
    for (const body of ["", "[]", "{}"]) {
      expect(await send(body, { "x-vercel-signature": undefined })).toMatchObject({ status: 200, verify });
    }
    expect(await send("x", { "x-vercel-signature": "x" })).toMatchObject({ status: 403, verify });
    expect(agent.stored.events).toEqual([]);
  });

  it("is said to nobody where nothing is configured", async () => {
    agent.drain.verify = null;
    expect(await send("[]", { "x-vercel-signature": undefined })).toMatchObject({ status: 403, verify: null });
  });
});

it("is told to send again later while nothing can be stored", async () => {
  for (const code of ["unavailable", "rate_limited"] as const) {
    agent.ingest = async () => Promise.reject(new Failure(code, "away"));
    expect(await send(ndjson(aLine()))).toMatchObject({ status: 503, retry: "30", verify });
  }
});

it("is refused above 10 MiB, packed or not", async () => {
  const large = Buffer.alloc(11 * 1024 * 1024, " ");
  expect((await send(large)).status).toBe(413);
  expect((await send(gzipSync(large), { "content-encoding": "gzip" })).status).toBe(413);
});
