import type { Knowledge } from "#tests/support/messages-api.ts";

/**
 * A real web application whose fault lies between two files: what an empty basket costs has no currency, because it is
 * taken from the lines. No playbook knows that; guarding the line that throws would not cure it either.
 */
export const bakery = {
  "package.json": `${JSON.stringify({ name: "bakery", private: true, type: "module", scripts: { test: "node --test" } }, null, 2)}\n`,
  "server.mjs": `import { createServer } from "node:http";
import { receiptOf } from "./src/receipt.mjs";

const { PORT, HOST, RELEASE } = process.env;
createServer((request, response) => {
  response.setHeader("content-type", "application/json");
  response.setHeader("x-release", RELEASE);
  if (request.url === "/health") return response.end(JSON.stringify({ status: "ok", release: RELEASE }));
  try {
    response.end(JSON.stringify(receiptOf({ currency: "EUR" }, [])));
  } catch (error) {
    response.writeHead(500).end(JSON.stringify({ type: error.name, message: error.message, stack: error.stack }));
  }
}).listen(Number(PORT), HOST);
`,
  "src/receipt.mjs": `import { totalOf } from "./basket.mjs";
import { money } from "./money.mjs";

export function receiptOf(shop, lines) {
  return { lines: lines.length, total: money(totalOf(lines)) };
}
`,
  "src/basket.mjs": `export function totalOf(lines) {
  let cents = 0;
  let currency;
  for (const line of lines) {
    cents += line.cents * line.count;
    currency = line.currency;
  }
  return { cents, currency };
}
`,
  "src/money.mjs": `export function money({ cents, currency }) {
  return new Intl.NumberFormat("en", { style: "currency", currency }).format(cents / 100);
}
`,
  "test/receipt.test.mjs": `import assert from "node:assert/strict";
import { test } from "node:test";
import { receiptOf } from "../src/receipt.mjs";

test("adds up", () => {
  const lines = [{ cents: 240, count: 2, currency: "EUR" }];
  assert.deepEqual(receiptOf({ currency: "EUR" }, lines), { lines: 1, total: "€4.80" });
});
`,
};

export const operation = "GET /receipt";

/** The regression test that comes with each attempt. */
const regression = {
  path: "test/empty.test.mjs",
  content: `import assert from "node:assert/strict";
import { test } from "node:test";
import { receiptOf } from "../src/receipt.mjs";

test("an empty basket costs nothing in the shop's currency", () => {
  assert.deepEqual(receiptOf({ currency: "EUR" }, []), { lines: 0, total: "€0.00" });
});
`,
};

/** Reads around, finds the cause, guards the wrong place first, and repairs both files when it hears that its test failed. */
export const knowledge: Knowledge = {
  reads: [
    ["read_file", { path: "src/basket.mjs" }],
    ["search", { text: "totalOf" }],
  ],
  finding: {
    rootCause: "totalOf takes the currency from the lines, and an empty basket has none",
    evidence: [{ file: "src/basket.mjs", line: 3, note: "stays undefined without lines" }],
    fixStrategy: "let the receipt give the shop's currency",
    files: ["src/basket.mjs", "src/receipt.mjs"],
    confidence: 93,
    claim: "receipts of empty baskets are answered",
  },
  repairs: [
    {
      subject: "Count in dollars where nothing else is known",
      replacements: [{ path: "src/basket.mjs", search: "let currency;", replace: 'let currency = "USD";' }],
      newFiles: [regression],
    },
    {
      subject: "Take the currency of a total from the shop",
      explanation: "An empty basket has no line to take the currency from.",
      replacements: [
        { path: "src/basket.mjs", search: "totalOf(lines)", replace: "totalOf(lines, currency)" },
        { path: "src/basket.mjs", search: "  let currency;\n", replace: "" },
        { path: "src/basket.mjs", search: "    currency = line.currency;\n", replace: "" },
        { path: "src/receipt.mjs", search: "totalOf(lines)", replace: "totalOf(lines, shop.currency)" },
      ],
      newFiles: [regression],
    },
  ],
};
