import { createHmac } from "node:crypto";
import type { Agent } from "#agent.ts";
import { Failure } from "#domain/failure.ts";
import { drainBodyBytesMax, parseDrain } from "#ingest/vercel.ts";
import { readPacked } from "./body.ts";
import { type Http, thisProcess } from "./context.ts";
import { createGate, deliveryFor, reading } from "./reporting.ts";
import { endpoint, errorResponse, type Handler, json } from "./respond.ts";
import { isSecret } from "./secret.ts";

const key = { environment: null, trust: "server" } as const;

/**
 * `/api/ingest/vercel`: the address of a log drain. Every answer carries the value by which Vercel sees whose address it is,
 * because it asks before it signs anything.
 */
export function vercelDrain(http: Http = thisProcess) {
  const gate = createGate(http.now);
  const verifying =
    (handler: (request: Request, agent: Agent) => Promise<Response>): Handler =>
    async (request) => {
      const agent = await http.agentOf();
      const response = await handler(request, agent).catch((error) => errorResponse(error, http.log, request));
      if (agent.drain.verify !== null) response.headers.set("x-vercel-verify", agent.drain.verify);
      return response;
    };
  const take = verifying(async (request, agent) => {
    const body = await readPacked(request, drainBodyBytesMax);
    const signature = request.headers.get("x-vercel-signature");
    if (!isSigned(body.bytes, signature, agent.drain.secret)) {
      return isQuestion(body.bytes, signature, agent) ? json({ accepted: 0, rejected: [] }) : notSigned();
    }
    const parsed = parseDrain(await body.unpacked(), {
      ...deliveryFor(request, agent, key, http.now()),
      projectId: agent.drain.projectId,
      samplingRate: agent.drain.samplingRate,
    });
    // The drain sends again later what it was not rid of.
    if (gate.refused(key, parsed.events.length) !== undefined && parsed.events.length > 0) throw busy();
    const { accepted } = await stored(agent, parsed);
    return json({ accepted, rejected: parsed.rejected.slice(0, 20) });
  });
  const show = verifying(async () => json({ accepted: 0, rejected: [] }));
  return endpoint(http.log, { GET: show, HEAD: show, POST: reading(http, take) });
}

async function stored(agent: Agent, { events, traffic }: ReturnType<typeof parseDrain>) {
  if (events.length + traffic.length === 0) return { accepted: 0 };
  return agent.ingest({ events, traffic }).catch((error: unknown) => {
    throw error instanceof Failure && error.code === "rate_limited" ? busy() : error;
  });
}

function busy(): Failure {
  return new Failure("unavailable", "Too much at once; send it again later.");
}

/** Over the bytes as they came: whoever parses first and signs again signs something else. Only lower-case hexadecimal is one. */
function isSigned(bytes: Buffer, signature: string | null, secret: string | null): boolean {
  if (secret === null) return false;
  return isSecret(signature, createHmac("sha1", secret).update(bytes).digest("hex"));
}

/** Vercel looks whether the address is ours with an empty or nearly empty request that nobody signed. */
function isQuestion(bytes: Buffer, signature: string | null, { drain }: Agent): boolean {
  return (
    drain.verify !== null &&
    signature === null &&
    /^\s{0,10}(?:\[\s{0,10}\]|\{\s{0,10}\})?\s{0,10}$/.test(bytes.toString("latin1", 0, 64)) &&
    bytes.length <= 64
  );
}

function notSigned(): Response {
  const error = { code: "invalid_signature", message: "x-vercel-signature does not fit the body." };
  return json({ code: error.code, error }, { status: 403 });
}
