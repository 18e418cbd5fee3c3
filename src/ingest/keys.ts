import { createHmac, createSecretKey } from "node:crypto";
import type { Environment } from "#domain/ids.ts";

/** What a key says about everything sent with it. `environment: null`: the sender says it, because the key is the server's own. */
export interface IngestKey {
  environment: Environment | null;
  trust: "server" | "browser";
}

const project = "default";
const bound: readonly { environment: Environment; trust: IngestKey["trust"] }[] = [
  { environment: "production", trust: "server" },
  { environment: "staging", trust: "server" },
  { environment: "production", trust: "browser" },
  { environment: "staging", trust: "browser" },
];

/** The key for one environment and one degree of trust: 32 hexadecimal digits derived from `AGENT_INGEST_KEY` (detection.md §2.1). */
export function derivedKey(ingestKey: string, { environment, trust }: (typeof bound)[number]): string {
  return createHmac("sha256", ingestKey).update(`${project}:${environment}:${trust}`).digest("hex").slice(0, 32);
}

/** Every key that opens the ingest endpoints, with what it stands for. No tables: they follow from the one that is configured. */
export function ingestKeys(ingestKey: string): readonly { secret: string; meaning: IngestKey }[] {
  return keysOf(ingestKey);
}

const keysOf = ofTheLast((ingestKey): { secret: string; meaning: IngestKey }[] => [
  { secret: ingestKey, meaning: { environment: null, trust: "server" } },
  ...bound.map((key) => ({ secret: derivedKey(ingestKey, key), meaning: key })),
]);

/** A way for an application to report: what to set where it runs. */
export interface WayIn {
  environment: Environment;
  trust: IngestKey["trust"];
  key: string;
  /** For Sentry's SDKs; the number after the last slash must be there and means nothing. */
  dsn: string;
}

/** The four ways into the Vigil that is reached at `appUrl`: one for each environment and degree of trust. */
export function waysIn(appUrl: string, ingestKey: string): WayIn[] {
  return bound.map(({ environment, trust }) => {
    const key = derivedKey(ingestKey, { environment, trust });
    return { environment, trust, key, dsn: `${appUrl.replace("://", `://${key}@`)}/1` };
  });
}

/** Turns whatever identifies a user into a hash that only this installation can make: counting works, the person is not stored. */
export function userHasher(ingestKey: string): (user: string) => string {
  return hasherOf(ingestKey);
}

const hasherOf = ofTheLast((ingestKey) => {
  const salt = createSecretKey(createHmac("sha256", ingestKey).update(`${project}:users`).digest());
  return (user: string) => createHmac("sha256", salt).update(user).digest("hex").slice(0, 32);
});

/** A process has one key; what follows from it is worked out once and not for every request. */
function ofTheLast<Value>(work: (ingestKey: string) => Value): (ingestKey: string) => Value {
  let last: { ingestKey: string; value: Value } | undefined;
  return (ingestKey) => {
    if (last?.ingestKey !== ingestKey) last = { ingestKey, value: work(ingestKey) };
    return last.value;
  };
}
