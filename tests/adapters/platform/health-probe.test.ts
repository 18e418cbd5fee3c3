import { readFileSync } from "node:fs";
import type { RequestListener } from "node:http";
import type { Socket } from "node:net";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { createHealthProbe, type HealthProbeOptions } from "#adapters/platform/health-probe.ts";
import { Sha } from "#domain/ids.ts";
import { nobody, serve, serveSocket, serveTls } from "./servers.ts";

const expected = Sha.parse("1234abcd".repeat(5));
const other = Sha.parse("99887766".repeat(5));
const fixture = (name: string) => readFileSync(join(import.meta.dirname, "fixtures", name), "utf8");

const probeWith = (options: Partial<HealthProbeOptions> = {}) =>
  createHealthProbe({ timeoutMs: 300, controlUrl: null, allowPrivateHosts: true, ...options });

const answering =
  (body: string | Buffer, { status = 200, type = "application/json", headers = {} } = {}): RequestListener =>
  (_, response) =>
    response.writeHead(status, { "content-type": type, ...headers }).end(body);

const json = (value: unknown, status = 200) => answering(JSON.stringify(value), { status });
const page = (html: string) => answering(`<!doctype html><html>${html}</html>`, { type: "text/html" });
const redirect = (location: string) => answering("", { status: 302, headers: { location } });

/** What a probe says of an endpoint, without the time it took. */
async function verdict(
  listener: RequestListener,
  release: Sha | null = null,
  options: Partial<HealthProbeOptions> = {},
) {
  const { latencyMs: _, ...check } = await probeWith(options)(`${await serve(listener)}/health`, release);
  return check;
}

describe("a healthy release", () => {
  it.each([
    ["release", { status: "ok", release: expected }],
    ["commit", { status: "healthy", commit: expected }],
    ["version", { status: "UP", version: expected }],
    ["a short id of 7 digits", { ok: true, commit: expected.slice(0, 7) }],
    ["a commit beside a package version", { status: "pass", version: "1.4.0", commit: expected }],
  ])("says which release it is as %s", async (_, body) => {
    expect(await verdict(json(body), expected)).toEqual({
      outcome: "healthy",
      because: "status 200",
      servedCommit: expected,
      httpStatus: 200,
    });
  });

  it("may name its release in the header x-release", async () => {
    const listener = answering("OK", { type: "text/plain", headers: { "x-release": expected } });
    expect(await verdict(listener, expected)).toMatchObject({ outcome: "healthy", servedCommit: expected });
  });

  it.each([
    ["JSON that names no status", json({ uptime: 5 })],
    ["a plain text", answering("OK", { type: "text/plain" })],
    ["an empty answer", answering("", { type: "text/plain" })],
    ["an ordinary page that speaks of errors in its text", page("<title>Clinic</title><p>Internal Server Error?</p>")],
    ["two redirects on the same host", redirects(2)],
    ["three redirects on the same host", redirects(3)],
  ])("may answer with %s when no release is expected", async (_, listener) => {
    expect(await verdict(listener)).toEqual({
      outcome: "healthy",
      because: "status 200",
      servedCommit: null,
      httpStatus: 200,
    });
  });

  it("is asked with the mark that keeps probes out of the traffic counts, and without asking for compression", async () => {
    const seen: unknown[] = [];
    await verdict((request, response) => {
      const { "x-vigil-probe": mark, "user-agent": agent, "accept-encoding": encoding } = request.headers;
      seen.push({ method: request.method, url: request.url, mark, agent, encoding });
      response.end("ok");
    });
    const asked = { method: "GET", url: "/health", mark: "1", agent: "vigil-probe/1", encoding: "identity" };
    expect(seen).toEqual([asked]);
  });
});

describe("an unhealthy release (reliability A5, A7)", () => {
  it.each<[string, RequestListener, string, number | null, Sha | null]>([
    [
      "reports another release",
      json({ status: "ok", release: other }),
      "serves 99887766, expected 1234abcd",
      200,
      expected,
    ],
    [
      "reports no release",
      json({ status: "ok" }),
      "does not say which release it serves, expected 1234abcd",
      200,
      expected,
    ],
    [
      "reports a status of its own",
      json({ status: "down", release: expected }),
      'it reports status "down"',
      200,
      expected,
    ],
    ["is degraded", json({ status: "degraded" }), 'it reports status "degraded"', 200, null],
    ["is not ok", json({ ok: false }), "it reports ok false", 200, null],
    ["reports a status nobody understands", json({ status: { db: "ok" } }), 'it reports status {"db":"ok"}', 200, null],
    ["answers JSON without meaning", json([1]), "the answer says nothing about health: [1]", 200, null],
    ["answers broken JSON", answering('{"status":"ok"'), "the answer is broken JSON", 200, null],
    ["answers bytes that are no text", answering(Buffer.from([0xff, 0xfe, 0x00])), "the answer is not text", 200, null],
    ["answers 500", json({ status: "ok" }, 500), "status 500", 500, null],
    ["answers 204", answering("", { status: 204 }), "status 204", 204, null],
    [
      "answers 200 with an error page",
      page("<head><title>Application error: a server-side exception has occurred</title></head>"),
      'status 200, but it is an error page ("application error")',
      200,
      null,
    ],
    [
      "answers 200 with the text of an error",
      answering("Internal Server Error", { type: "text/plain" }),
      'status 200, but it is an error page ("internal server error")',
      200,
      null,
    ],
    [
      "answers 200 with a login form",
      page('<h1>Welcome</h1><form><input name=p type="password"></form>'),
      "status 200, but it is a login page",
      200,
      null,
    ],
    ["redirects to a login", redirect("/login?next=/health"), "redirects to a login page (/login)", 302, null],
    [
      "redirects to the login of another host",
      redirect("https://id.example.com/sso/start"),
      "redirects to a login page (/sso/start)",
      302,
      null,
    ],
    [
      "redirects to another host",
      redirect("http://other.example/"),
      "redirects to another host (other.example)",
      302,
      null,
    ],
    ["redirects to nowhere", answering("", { status: 301 }), "status 301 without a usable location", 301, null],
    ["redirects four times", redirects(4), "more than 3 redirects", null, null],
    ["redirects in a circle", redirect("/health"), "more than 3 redirects", null, null],
    ["answers 50 MB", flood(50), "the answer is larger than 64 KB", 200, null],
    [
      "answers compressed",
      answering("x", { headers: { "content-encoding": "gzip" } }),
      "the answer is compressed although nobody asked for that",
      200,
      null,
    ],
    ["hangs", () => undefined, "no answer within 0.3 s", null, null],
    ["drips its answer", drip(), "no answer within 0.3 s", null, null],
  ])("%s", async (_, listener, because, httpStatus, release) => {
    const check = await verdict(listener, release);
    expect(check).toMatchObject({ outcome: "unhealthy", because, httpStatus });
  });

  it("still tells which release a failing endpoint reported", async () => {
    expect(await verdict(json({ status: "down", release: other }), expected)).toMatchObject({ servedCommit: other });
  });

  it.each([
    ["expired-cert.pem", "its certificate has expired"],
    ["untrusted-cert.pem", "its certificate is not trusted (DEPTH_ZERO_SELF_SIGNED_CERT)"],
  ])("presents %s", async (certificate, because) => {
    const url = await serveTls({ key: fixture("key.pem"), cert: fixture(certificate) }, json({ status: "ok" }));
    expect(await probeWith()(url, null)).toMatchObject({ outcome: "unhealthy", because, httpStatus: null });
  });

  it.each([
    ["does not speak HTTP", (socket: Socket) => void socket.end("220 mail ready\r\n\r\n"), "it does not speak HTTP"],
    ["breaks off", (socket: Socket) => void socket.destroy(), "it broke the connection off"],
    [
      "breaks off in the middle of its answer",
      (socket: Socket) => void socket.end("HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\nok"),
      "it broke the connection off",
    ],
  ])("%s", async (_, onConnection, because) => {
    expect(await probeWith()(await serveSocket(onConnection), null)).toMatchObject({ outcome: "unhealthy", because });
  });

  it.each(["", "no address", "ftp://127.0.0.1/", "file:///etc/passwd"])("has the address %j", async (url) => {
    expect(await probeWith()(url, null)).toMatchObject({ outcome: "unhealthy", httpStatus: null });
  });

  it("cannot make the judgement slow with 64 KB of hostile markup", async () => {
    const hostile = page("<title>".repeat(9_000));
    expect(await verdict(hostile, null, { timeoutMs: 5_000 })).toMatchObject({ outcome: "healthy" });
  });
});

describe("our own network (reliability A6)", () => {
  it("is blamed when the control address is silent too", async () => {
    const check = await probeWith({ controlUrl: await nobody() })(await nobody(), expected);
    expect(check).toMatchObject({
      outcome: "no_data",
      because: "our own network seems to be down (it refuses connections)",
      httpStatus: null,
      servedCommit: null,
    });
  });

  it("is blamed when target and control hang", async () => {
    const hanging = () => serve(() => undefined);
    expect(await probeWith({ controlUrl: await hanging() })(await hanging(), null)).toMatchObject({
      outcome: "no_data",
      because: "our own network seems to be down (no answer within 0.3 s)",
    });
  });

  it.each([200, 503])("is not blamed when the control address answers %i", async (status) => {
    const controlUrl = await serve(json({}, status));
    expect(await probeWith({ controlUrl })(await nobody(), null)).toMatchObject({
      outcome: "unhealthy",
      because: "it refuses connections",
    });
  });

  it("is not blamed for a bad answer, however silent the control address is", async () => {
    expect(await verdict(json({}, 500), null, { controlUrl: await nobody() })).toMatchObject({ outcome: "unhealthy" });
  });

  it("is not blamed when there is no control address", async () => {
    expect(await probeWith()(await nobody(), null)).toMatchObject({
      outcome: "unhealthy",
      because: "it refuses connections",
    });
  });
});

describe("addresses that are not public (reliability D20)", () => {
  it.each([
    "https://127.0.0.1/",
    "https://2130706433/",
    "https://0x7f.1/",
    "https://[::1]/",
    "https://[::ffff:169.254.169.254]/",
    "https://[64:ff9b::a9fe:a9fe]/",
    "https://[2002:a9fe:a9fe::1]/",
    "https://169.254.169.254/latest/meta-data",
    "https://10.0.0.7/",
    "https://192.168.1.1/",
    "https://172.31.255.255/",
    "https://100.64.0.1/",
    "https://[fd00::1]/",
    "https://[fe80::1]/",
    "https://0.0.0.0/",
    "https://localhost/",
  ])("%s is never asked", async (url) => {
    const check = await probeWith({ allowPrivateHosts: false })(url, null);
    expect(check).toMatchObject({ outcome: "unhealthy", because: "a private address is not asked", httpStatus: null });
  });

  it("plain http is never asked", async () => {
    const asked: string[] = [];
    const url = await serve((request) => asked.push(request.url ?? ""));
    const check = await probeWith({ allowPrivateHosts: false })(url, null);
    expect({ because: check.because, asked }).toEqual({ because: "only https addresses are asked", asked: [] });
  });
});

/** Sends on `count` times, each time to another path of the same host, and then answers. */
function redirects(count: number): RequestListener {
  return (request, response) => {
    const done = Number(/\d+$/.exec(request.url ?? "")?.[0] ?? 0);
    if (done === count) return response.end("ok");
    response.writeHead(307, { location: `/hop/${done + 1}` }).end();
  };
}

function flood(megabytes: number): RequestListener {
  return (_, response) => {
    const chunk = Buffer.alloc(1024 * 1024, "a");
    let left = megabytes;
    const more = () => {
      while (left-- > 0) if (!response.write(chunk)) return response.once("drain", more);
      response.end();
    };
    more();
  };
}

function drip(): RequestListener {
  return (_, response) => {
    const timer = setInterval(() => response.write(" "), 50);
    response.on("close", () => clearInterval(timer));
  };
}
