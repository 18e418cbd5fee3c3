import { answer } from "../src/server.ts";

/** Asks the application without a network in between. */
export async function ask(path: string, init?: RequestInit): Promise<{ status: number; body: any }> {
  const response = await answer(new Request(`http://clinic.test${path}`, init));
  return { status: response.status, body: await response.json() };
}

export function post(body: unknown): RequestInit {
  return { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
}
