import { randomBytes } from "node:crypto";
import { connect, type Socket } from "node:net";

/** Sends events over many connections, the next as soon as the one before is answered, or so many in a second. */

export interface LoadOptions {
  port: number;
  connections: number;
  /** The envelope of the `n`-th event. */
  envelope: (n: number) => Buffer;
  /** Ends after so many events … */
  events?: number;
  /** … or after this time. */
  durationMs?: number;
  /** … or when this says so. */
  mayGoOn?: () => boolean;
  /** Events in a second; without it as fast as answers come. */
  perSecond?: number;
  path: string;
  /** Hears of every answer. */
  onAnswer?: (n: number, status: number) => void;
}

export interface LoadResult {
  answered: Map<number, number>;
  /** Connections that broke before an answer: those events may or may not have been taken. */
  unanswered: number;
  seconds: number;
  /** Milliseconds from sending to the answer, sorted. */
  latencies: Float64Array;
  acknowledged: number;
  sent: number;
}

export async function load(options: LoadOptions): Promise<LoadResult> {
  const { connections, durationMs = Number.POSITIVE_INFINITY, events = Number.POSITIVE_INFINITY, perSecond } = options;
  const startMs = performance.now();
  const latencies: number[] = [];
  const answered = new Map<number, number>();
  let sent = 0;
  let unanswered = 0;
  const mayGoOn = () => sent < events && performance.now() - startMs < durationMs && (options.mayGoOn?.() ?? true);

  async function lane(): Promise<void> {
    let socket: Wire | undefined;
    while (mayGoOn()) {
      const n = sent++;
      if (perSecond !== undefined) {
        const waitMs = startMs + (n / perSecond) * 1_000 - performance.now();
        if (waitMs > 1) await new Promise((done) => setTimeout(done, waitMs));
      }
      try {
        socket ??= await open(options.port);
        const atMs = performance.now();
        const status = await socket.ask(requestOf(options, n));
        latencies.push(performance.now() - atMs);
        answered.set(status, (answered.get(status) ?? 0) + 1);
        options.onAnswer?.(n, status);
      } catch {
        // Killed, or not there yet: whoever sends goes on with the next event, as the SDK does.
        socket = undefined;
        unanswered++;
        await new Promise((done) => setTimeout(done, 20));
      }
    }
    socket?.end();
  }

  await Promise.all(Array.from({ length: connections }, lane));
  return {
    answered,
    unanswered,
    seconds: (performance.now() - startMs) / 1_000,
    latencies: Float64Array.from(latencies).sort(),
    acknowledged: answered.get(200) ?? 0,
    sent,
  };
}

function requestOf({ envelope, path }: LoadOptions, n: number): Buffer {
  const body = envelope(n);
  const head = `POST ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\nuser-agent: sentry.javascript.node/11.12.0\r\ncontent-length: ${body.length}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head), body]);
}

interface Wire {
  ask(request: Buffer): Promise<number>;
  end(): void;
}

function open(port: number): Promise<Wire> {
  return new Promise((opened, refused) => {
    const socket: Socket = connect(port, "127.0.0.1");
    let waiting: { done: (status: number) => void; failed: (error: Error) => void } | undefined;
    let received = "";
    const broken = () => {
      socket.destroy();
      waiting?.failed(new Error("the connection broke"));
    };
    socket.setNoDelay(true);
    socket.on("error", (error) => {
      refused(error);
      broken();
    });
    socket.on("close", broken);
    socket.on("data", (bytes) => {
      received += bytes.toString("latin1");
      const end = received.indexOf("\r\n\r\n");
      if (end < 0) return;
      const length = Number(/\r\ncontent-length: (\d+)/i.exec(received)?.[1] ?? Number.NaN);
      const isWhole = Number.isNaN(length) ? received.endsWith("0\r\n\r\n") : received.length >= end + 4 + length;
      if (!isWhole) return;
      const status = Number(received.slice(9, 12));
      received = "";
      waiting?.done(status);
    });
    socket.on("connect", () =>
      opened({
        ask: (request) =>
          new Promise((done, failed) => {
            waiting = { done, failed };
            if (socket.destroyed) broken();
            else socket.write(request);
          }),
        end: () => socket.destroy(),
      }),
    );
  });
}

export function percentile(sorted: Float64Array, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

export interface EnvelopeOptions {
  /** Different errors among them. */
  kinds: number;
  /** Padding in an extra, to reach the size of other applications' events. */
  bytes?: number;
  users?: number;
}

export interface Envelopes {
  envelope(n: number): Buffer;
  /** The id that the `n`-th event has. */
  idOf(n: number): string;
}

/** Real envelopes of the SDK: as captured, with ids, users, times and places of their own. */
export function envelopesOf(captured: string, { kinds, bytes = 0, users = 500 }: EnvelopeOptions): Envelopes {
  const [head = "", item = "", payload = ""] = captured.split("\n");
  const run = randomBytes(6).toString("hex");
  const idOf = (n: number) => `${run}${n.toString(16).padStart(20, "0")}`;
  const event: Record<string, unknown> = JSON.parse(payload);
  Object.assign(event, { event_id: "@id@", timestamp: "@time@", user: { id: "@user@", email: "a@b.c" } });
  if (bytes > captured.length) event.extra = { padding: "x".repeat(bytes - captured.length) };
  const header = { ...JSON.parse(head), event_id: "@id@", sent_at: "@time@" };
  const whole = `${JSON.stringify(header)}\n${item}\n${JSON.stringify(event)}\n`;
  const templates = Array.from({ length: kinds }, (_, kind) =>
    whole.replaceAll("chargeCard", `chargeCard${wordOf(kind)}`).split(/(@id@|@time@|@user@)/),
  );
  return {
    idOf,
    envelope(n) {
      const values: Record<string, string> = {
        "@id@": idOf(n),
        "@time@": new Date().toISOString(),
        "@user@": `u${n % users}`,
      };
      return Buffer.from((templates[n % kinds] ?? []).map((part) => values[part] ?? part).join(""));
    },
  };
}

/** Letters only: a number in a name is what grouping takes out. */
function wordOf(kind: number): string {
  return [...String(kind)]
    .map((digit) => "abcdefghij"[Number(digit)])
    .join("")
    .toUpperCase();
}
