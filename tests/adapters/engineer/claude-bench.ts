import { createHash } from "node:crypto";
import { type ClaudeOptions, createClaudeEngineer } from "#adapters/engineer/claude/claude.ts";
import { createScrubber } from "#ingest/scrub.ts";
import type { Engineer, Problem } from "#ports/engineer.ts";
import type { PastCommit, Snapshot } from "#ports/repository.ts";
import { aSha } from "#tests/support/builders.ts";
import { fakeApiKey, type MessagesApi } from "#tests/support/messages-api.ts";

/** A small shop with one fault: the total of an order without a customer. */

export const total = `import { findOrder } from "./orders.ts";

export async function total(id: string) {
  const order = await findOrder(id);
  const discount = order.customer.discount;
  return order.sum - discount;
}
`;

export const orders = `const known = new Map<string, { sum: number; customer?: { discount: number } }>();

export async function findOrder(id: string) {
  return known.get(id);
}
`;

export const totalTest = `import assert from "node:assert";
import { test } from "node:test";
import { total } from "../src/total.ts";

test("takes the discount off", async () => assert.equal(await total("a"), 9));
`;

export const shop: Record<string, string> = {
  "package.json": '{ "name": "shop", "scripts": { "test": "node --test" } }\n',
  "README.md": "# Shop\n",
  "src/orders.ts": orders,
  "src/total.ts": total,
  "tests/total.test.ts": totalTest,
};

const someone: Omit<PastCommit, "commit"> = {
  at: new Date("2026-11-20T10:00:00Z"),
  author: "Ada",
  subject: "Add discounts",
};

/** A commit that holds exactly `files`, last touched by one commit. */
export function aCommit(files: Record<string, string>, change: Partial<Snapshot> = {}): Snapshot {
  const paths = Object.keys(files).sort();
  const linesOf = (path: string) => (files[path] ?? "").split(/\r?\n/);
  return {
    commit: aSha("d"),
    list: async () => paths,
    read: async (path) => (Object.hasOwn(files, path) ? files[path] : undefined),
    search: async (text, limit) =>
      paths
        .flatMap((path) => linesOf(path).map((line, index) => ({ path, line: index + 1, text: line })))
        .filter((line) => line.text.includes(text))
        .slice(0, limit),
    history: async (path, limit) =>
      Object.hasOwn(files, path) ? [{ commit: aSha("a"), ...someone }].slice(0, limit) : [],
    blame: async (path, from, to) =>
      linesOf(path)
        .map((_, index) => ({ line: index + 1, commit: aSha("a"), ...someone }))
        .filter(({ line }) => line >= from && line <= to),
    ...change,
  };
}

export function aProblem(change: Partial<Problem> = {}): Problem {
  return {
    fingerprint: "f1",
    severity: "P2",
    issueType: "api_error",
    title: "TypeError in GET /api/orders/[id]",
    message: "Cannot read properties of undefined (reading 'customer')",
    errorType: "TypeError",
    stack:
      "TypeError: Cannot read properties of undefined (reading 'customer')\n    at total (/app/src/total.ts:5:26)\n    at process.processTicksAndRejections (node:internal/process/task_queues:105:5)",
    frames: [],
    operation: "GET /api/orders/[id]",
    environment: "production",
    release: null,
    eventCount: 4,
    affectedUsers: 3,
    past: [],
    ...change,
  };
}

/** The configured secret of these tests. */
export const secret = "s3cr3t-canary-0123456789";
export const scrubber = createScrubber([secret, fakeApiKey]);

export const models = {
  triage: "claude-haiku-5-5",
  diagnose: "claude-sonnet-5-5",
  fix: "claude-sonnet-5-5",
  escalate: "claude-opus-5-5",
};

export function claudeAt(api: Pick<MessagesApi, "url" | "apiKey">, change: Partial<ClaudeOptions> = {}): Engineer {
  return createClaudeEngineer({
    apiKey: api.apiKey,
    baseUrl: api.url,
    models,
    redact: scrubber.code,
    digest: (text) => createHash("sha256").update(text).digest("hex"),
    monotonicMs: () => performance.now(),
    ...change,
    limits: { pauseMs: 1, ...change.limits },
  });
}

/** What a model would say about the shop's fault. */
export const finding = {
  rootCause: "findOrder answers undefined for an unknown id, and total reads it without a check",
  evidence: [{ file: "src/total.ts", line: 5, note: "order may be undefined here" }],
  files: ["src/total.ts"],
  claim: "the TypeError stops",
};

export const guard = {
  path: "src/total.ts",
  search: "  const discount = order.customer.discount;\n",
  replace: "  const discount = order?.customer?.discount ?? 0;\n",
};
