import type { Engineer } from "#ports/engineer.ts";

/** A real web application with a bug in `work.mjs`. It notes each of its starts beside its log. */
export const application = {
  "package.json": `${JSON.stringify({ name: "bakery", private: true, type: "module", scripts: { test: "node --test" } }, null, 2)}\n`,
  "server.mjs": `import { appendFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { prepare, work } from "./work.mjs";

const { PORT, HOST, HOME, RELEASE, ENVIRONMENT } = process.env;
appendFileSync(join(HOME, "starts"), "started\\n");
prepare(ENVIRONMENT);
createServer((request, response) => {
  response.setHeader("content-type", "application/json");
  response.setHeader("x-release", RELEASE);
  if (request.url === "/health") return response.end(JSON.stringify({ status: "ok", release: RELEASE }));
  try {
    response.end(JSON.stringify(work(ENVIRONMENT, { name: "Ada" })));
  } catch (error) {
    response.writeHead(500).end(JSON.stringify({ error: error.message }));
  }
}).listen(Number(PORT), HOST);
`,
  "work.mjs": workModule('return { greeting: "Hello " + visitor.name };'),
  "work.test.mjs": `import assert from "node:assert/strict";
import { test } from "node:test";
import { work } from "./work.mjs";

test("greets", () => assert.deepEqual(work("test", { name: "Ada" }), { greeting: "Hello Ada" }));
`,
};

const greets = 'return { greeting: "Hello " + visitor.name };';

export const changes = {
  cures: workModule(`if (visitor === undefined) return { greeting: "Hello" };\n  ${greets}`),
  /** Passes its tests and staging, and then fails every request in production. */
  breaks: workModule(`if (environment === "production") visitor = undefined;\n  ${greets}`),
  /** Passes its tests and staging, and then does not even start in production. */
  dies: workModule(greets, 'if (environment === "production") null.start();'),
};

export const operation = "GET /work";

/** Always finds the same cause and writes the same fix, like a playbook. */
export function scriptedEngineer(change: keyof typeof changes): Engineer {
  return {
    triage: async () => ({ kind: "unchanged" }),
    diagnose: async () => ({
      kind: "diagnosed",
      severity: null,
      diagnosis: {
        causeClass: "code_fault",
        rootCause: "visitor is undefined when nobody is signed in",
        evidence: [{ file: "work.mjs", line: 6, note: "read without a check" }],
        fixStrategy: "greet without a name",
        files: ["work.mjs"],
        confidence: 95,
        requiresPerson: false,
        requiresPersonBecause: null,
        estimatedMinutes: 5,
        claim: { kind: "error_stops", fingerprint: "visitor-undefined", operation, statement: "the TypeError stops" },
        engineer: "playbook:scripted",
      },
    }),
    repair: async () => ({
      kind: "edits",
      edits: [{ path: "work.mjs", content: changes[change] }],
      subject: "Greet visitors without a name",
      explanation: "visitor is undefined when nobody is signed in.",
    }),
  };
}

function workModule(body: string, preparation = ""): string {
  return `export function prepare(environment) {
  ${preparation}
  return environment;
}

export function work(environment, visitor) {
  ${body}
}
`;
}
