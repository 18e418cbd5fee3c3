import type { Instrumentation } from "next";

/** Reports a Next.js application's errors to Vigil: copy this file beside `app/`, set VIGIL_URL and VIGIL_KEY. */
export const onRequestError: Instrumentation.onRequestError = async (error, request, context) => {
  const { VIGIL_URL, VIGIL_KEY, VIGIL_RELEASE, VERCEL_GIT_COMMIT_SHA, VERCEL_ENV: environment } = process.env;
  const { digest }: { digest?: string } = Object(error);
  // Redirects and missing pages travel as errors inside Next; they are none.
  if (!VIGIL_URL || !VIGIL_KEY || digest?.startsWith("NEXT_")) return;
  const { routePath, ...tags } = context;
  const operation = `${request.method} ${routePath}`;
  const requestId = request.headers["x-vercel-id"]?.toString();
  const release = VIGIL_RELEASE ?? VERCEL_GIT_COMMIT_SHA;
  // Who asked: Vigil keeps a keyed hash of it, to count whom an error met. Send the id of your user instead where you have one.
  const [address] = `${request.headers["x-forwarded-for"] ?? ""}`.split(",");
  const user = address ? `${address.trim()} ${`${request.headers["user-agent"] ?? ""}`.slice(0, 300)}` : undefined;
  const event = { source: "next", handled: false, operation, requestId, release, environment, user };
  const body = JSON.stringify({ ...event, exception: link(error, 5), tags: { digest, ...tags } });
  const headers = { authorization: `Bearer ${VIGIL_KEY}`, "content-type": "application/json" };
  const init = { method: "POST", headers, body, signal: AbortSignal.timeout(3_000) };
  await fetch(`${VIGIL_URL}/api/ingest/events`, init).catch((why) => console.warn("Vigil was not told:", why));
};

function link(thrown: unknown, left: number): object | undefined {
  if (!(thrown instanceof Error)) return thrown === undefined ? undefined : { message: String(thrown) };
  const { name, message, stack, cause } = thrown;
  return { type: name, message: message || name, stack, cause: left > 0 ? link(cause, left - 1) : undefined };
}
