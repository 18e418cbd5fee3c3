import { expect, it } from "vitest";
import { createPlaybooksEngineer } from "#adapters/engineer/playbooks/playbooks.ts";
import { aSession } from "#tests/support/engineer-session.ts";
import { aSnapshot, failing } from "./snapshots.ts";

const upgrade = `export function upgrade(req, socket) {
  if (req.headers.upgrade.⟦toLowerCase() !== "websocket") {
    abort(socket, 400);
    return;
  }
  accept(socket);
}
`;

async function diagnosed(more: string, others: Record<string, string> = {}) {
  const path = "lib/server.mjs";
  const error = "Cannot read properties of undefined (reading 'toLowerCase')";
  const { code, problem } = failing(path, upgrade + more, error);
  const found = await createPlaybooksEngineer().diagnose(problem, aSnapshot({ ...others, [path]: code }), aSession());
  if (found.kind !== "diagnosed") throw new Error(found.because);
  return found.diagnosis;
}

it("is sure of a part that is read at one place only", async () => {
  const { confidence, requiresPerson } = await diagnosed("");
  expect({ isSure: confidence >= 80, requiresPerson }).toEqual({ isSure: true, requiresPerson: false });
});

it.each<[string, string, Record<string, string>, string]>([
  [
    "another function of the file",
    `export const isUpgrade = (upgrade) => upgrade.toLowerCase() === "websocket";\n`,
    {},
    "lib/server.mjs:8",
  ],
  [
    "a file near by, of something alike",
    "",
    {
      "lib/client.mjs": `export function opened(res) {\n  return res.headers["upgrade"].toLowerCase() === "websocket";\n}\n`,
    },
    "lib/client.mjs:2",
  ],
])("asks a person when the same is read untested in %s", async (_name, more, others, place) => {
  const { confidence, requiresPersonBecause } = await diagnosed(more, others);
  expect(confidence).toBeLessThan(80);
  expect(requiresPersonBecause).toContain(place);
});

it.each<[string, string, Record<string, string>]>([
  ["tested there", "export const isUpgrade = (upgrade) => upgrade && upgrade.toLowerCase();\n", {}],
  ["asked for something else", "export const sizeOf = (upgrade) => upgrade.length;\n", {}],
  ["a value of its own", "", { "lib/client.mjs": "export const low = (upgrade) => upgrade.toLowerCase();\n" }],
  [
    "only read by a test",
    "",
    { "test/client.mjs": "export const low = (res) => res.headers.upgrade.toLowerCase();\n" },
  ],
])("is as sure as before of what is %s", async (_name, more, others) => {
  expect((await diagnosed(more, others)).confidence).toBeGreaterThanOrEqual(80);
});
