const bodyCharactersMax = 1_000_000;

export interface Reply {
  status: number;
  headers: Headers;
  text: string;
  /** `undefined` where it is not JSON. */
  json: unknown;
}

/** One request. `undefined`: nobody answered. Follows no redirect: a key must not travel to where one points. */
export async function request(
  url: string,
  { signal, ...options }: { method?: string; headers?: Record<string, string>; body?: string; signal: AbortSignal },
): Promise<Reply | undefined> {
  try {
    const response = await fetch(url, { ...options, redirect: "manual", signal });
    const text = (await response.text()).slice(0, bodyCharactersMax);
    return { status: response.status, headers: response.headers, text, json: jsonOf(text) };
  } catch {
    return undefined;
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
