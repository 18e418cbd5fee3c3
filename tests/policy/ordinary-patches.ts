/** A small patch as people and engineers write them every day; nobody should have to look at it twice. */
export interface Patch {
  name: string;
  files: { path: string; before: string | null; after: string | null }[];
}

const nouns = ["campaign", "patient", "invoice", "visit", "report", "message"];

function route(noun: string, body: string): string {
  return `import { db } from "@/lib/db";

export async function POST(request: Request) {
  const { id } = await request.json();
  const ${noun} = await db.${noun}.find(id);
${body}
}
`;
}

type Template = (noun: string) => [before: string, after: string];

const routes: Record<string, Template> = {
  "guards a missing row": (noun) => [
    route(noun, `  return Response.json({ id: ${noun}.id });`),
    route(
      noun,
      `  if (!${noun}) {\n    return Response.json({ error: "not found" }, { status: 404 });\n  }\n  return Response.json({ id: ${noun}.id });`,
    ),
  ],
  "reads optionally": (noun) => [
    route(noun, `  return Response.json({ name: ${noun}.owner.name });`),
    route(noun, `  return Response.json({ name: ${noun}.owner?.name ?? "unknown" });`),
  ],
  "checks a list for emptiness": (noun) => [
    route(
      noun,
      `  const total = ${noun}.items.reduce((sum, item) => sum + item.price, 0);\n  return Response.json({ total });`,
    ),
    route(
      noun,
      `  const items = ${noun}.items ?? [];\n  const total = items.reduce((sum, item) => sum + item.price, 0);\n  return Response.json({ total });`,
    ),
  ],
  "answers a bad body with 400": (noun) => [
    route(noun, `  const options = JSON.parse(${noun}.options);\n  return Response.json(options);`),
    route(
      noun,
      `  let options: unknown;\n  try {\n    options = JSON.parse(${noun}.options);\n  } catch {\n    return Response.json({ error: "options are not JSON" }, { status: 400 });\n  }\n  return Response.json(options);`,
    ),
  ],
  "avoids a division by zero": (noun) => [
    route(noun, `  const rate = ${noun}.opened / ${noun}.sent;\n  return Response.json({ rate });`),
    route(
      noun,
      `  const rate = ${noun}.sent === 0 ? 0 : ${noun}.opened / ${noun}.sent;\n  return Response.json({ rate });`,
    ),
  ],
  "awaits a promise": (noun) => [
    route(noun, `  const rows = db.${noun}.list(id);\n  return Response.json(rows.map((row) => row.id));`),
    route(noun, `  const rows = await db.${noun}.list(id);\n  return Response.json(rows.map((row) => row.id));`),
  ],
  "corrects a spelling": (noun) => [
    route(noun, `  return Response.json({ error: "${noun} not founf" }, { status: 404 });`),
    route(noun, `  return Response.json({ error: "${noun} not found" }, { status: 404 });`),
  ],
  "rethrows with a cause": (noun) => [
    route(noun, `  return Response.json(await db.${noun}.save(id));`),
    route(
      noun,
      `  try {\n    return Response.json(await db.${noun}.save(id));\n  } catch (error) {\n    throw new Error("saving the ${noun} failed", { cause: error });\n  }`,
    ),
  ],
};

const libraries: Record<string, Template> = {
  "corrects an off-by-one": (noun) => [
    `export function last${noun}(rows: string[]) {\n  return rows[rows.length];\n}\n`,
    `export function last${noun}(rows: string[]) {\n  return rows[rows.length - 1];\n}\n`,
  ],
  "uses a regular expression": (noun) => [
    `export function ${noun}Number(text: string) {\n  return Number(text.slice(1));\n}\n`,
    `const digits = /\\d{1,9}/;\n\nexport function ${noun}Number(text: string) {\n  return Number(digits.exec(text)?.[0] ?? 0);\n}\n`,
  ],
  "compares dates": (noun) => [
    `export function isLate(${noun}: { due: Date }, now: Date) {\n  return ${noun}.due > now;\n}\n`,
    `export function isLate(${noun}: { due: Date }, now: Date) {\n  return ${noun}.due.getTime() < now.getTime();\n}\n`,
  ],
  "logs an error with its message": (noun) => [
    `export async function send(${noun}: { id: string }) {\n  try {\n    await deliver(${noun}.id);\n  } catch (error) {\n    throw error;\n  }\n}\n`,
    `export async function send(${noun}: { id: string }) {\n  try {\n    await deliver(${noun}.id);\n  } catch (error) {\n    console.error("delivery failed", ${noun}.id, error);\n    throw error;\n  }\n}\n`,
  ],
  "keeps an address and adds a signal": (noun) => [
    `export async function load(url: string) {\n  const response = await fetch(url);\n  return response.json();\n}\n// ${noun}\n`,
    `export async function load(url: string) {\n  const response = await fetch(url, { signal: AbortSignal.timeout(5_000) });\n  if (!response.ok) throw new Error(\`status \${response.status}\`);\n  return response.json();\n}\n// ${noun}\n`,
  ],
  "shows a component's default": (noun) => [
    `export function Name({ ${noun} }: Props) {\n  return <p>{${noun}.name}</p>;\n}\n`,
    `export function Name({ ${noun} }: Props) {\n  if (!${noun}) return null;\n  return <p title="größe – naïve 👩‍💻">{${noun}.name}</p>;\n}\n`,
  ],
};

const test = (noun: string, more: string) => `import { expect, it } from "vitest";

it("finds a ${noun}", async () => {
  expect(await find("${noun}")).toEqual({ id: 1 });
});
${more}`;

/** About a hundred variants: each template for each noun, half of them with a test that fails without them. */
export const ordinaryPatches: Patch[] = nouns.flatMap((noun, place) => [
  ...Object.entries(routes).map(([name, template]) =>
    patch(`${name} (${noun})`, `src/app/api/${noun}s/route.ts`, template(noun), noun, place),
  ),
  ...Object.entries(libraries).map(([name, template]) =>
    patch(`${name} (${noun})`, `src/lib/${noun}.tsx`, template(noun), noun, place),
  ),
  patch(
    `documents (${noun})`,
    `docs/${noun}.md`,
    [`# ${noun}\n`, `# ${noun}\n\nSee https://example.org for more.\n`],
    noun,
    1,
  ),
  patch(`styles (${noun})`, `src/${noun}.css`, [".a { color: red }\n", ".a { color: blue }\n"], noun, 1),
  patch(`translates (${noun})`, `messages/${noun}.json`, ['{ "ok": "Okey" }\n', '{ "ok": "Okay" }\n'], noun, 1),
]);

/** Beside what asks for a person: clocks, loops, comparisons and prototypes as everybody uses them. */
const besideTheRules: [name: string, before: string, after: string][] = [
  [
    "measures how long it took",
    "  return run();",
    "  const start = Date.now();\n  if (Date.now() - start > 5_000) warn();\n  return run();",
  ],
  [
    "lets a cache expire",
    "  return cache.value;",
    "  if (cache.at < Date.now() - ttlMs) return load();\n  return cache.value;",
  ],
  [
    "compares dates of rows",
    "  return row.due > row.paid;",
    "  return row.due.getTime() > new Date(row.paid).getTime();",
  ],
  ["waits a second", "  return retry();", "  await new Promise((done) => setTimeout(done, 1_000));\n  return retry();"],
  ["debounces", "  save();", "  clearTimeout(timer);\n  timer = setTimeout(save, 300);"],
  [
    "reads all pages",
    "  return list(1);",
    "  for (;;) {\n    const page = await list(next);\n    if (page.length === 0) break;\n    next += 1;\n  }",
  ],
  [
    "reads a stream",
    "  return read();",
    "  while (true) {\n    const { done } = await reader.read();\n    if (done) return;\n  }",
  ],
  ["asks for an own property", "  return key in map;", "  return Object.prototype.hasOwnProperty.call(map, key);"],
  ["names a class", "  return String(error);", "  return error.constructor.name;"],
  ["compares a status", "  return body;", "  if (response.status === 404) return null;\n  return body;"],
  ["compares an algorithm", '  return kind === "md5";', '  return kind === "sha256" || kind === "utf-8";'],
  ["compares a version of a protocol", '  return v === "h1";', '  return v === "http2" || v === "tls1.3";'],
  ["knows a list of words", "  return true;", '  return ["draft", "sent", "archived"].includes(status);'],
  [
    "handles a case",
    "  switch (kind) {\n  }",
    '  switch (kind) {\n    case "invoice":\n      return 1;\n    default:\n      return 0;\n  }',
  ],
  [
    "looks what settled",
    "  return Promise.all(all);",
    "  const results = await Promise.allSettled(all);\n  return results.filter(isFulfilled);",
  ],
  [
    "closes what it opened",
    "  return use(file);",
    "  try {\n    return use(file);\n  } finally {\n    file.close();\n  }",
  ],
  ["asks the library for one row", "  return db.user.delete(id);", "  return db.user.deleteMany({ where: { id } });"],
  [
    "queries with values",
    '  return db.query("SELECT 1");',
    '  return db.query("SELECT id FROM users WHERE id = $1", [id]);',
  ],
  ["queries with a tag", "  return 1;", `  return db.execute(sql\`SELECT id FROM users WHERE id = \${id}\`);`],
  ["changes one row", "  return 1;", '  return db.query("UPDATE users SET name = $1 WHERE id = $2", [name, id]);'],
  ["goes to another page", "  return null;", '  window.location.href = "/login";'],
  ["sets a field of its own", "  this.a = 1;", "  this.state.count = 2;\n  config.retries = 3;"],
  ["shuffles", "  return list;", "  return list.toSorted(() => Math.random() - 0.5);"],
  ["picks by chance", "  return list[0];", "  return list[Math.floor(Math.random() * list.length)];"],
  ["prints where it is", "  return 1;", "  return join(process.cwd(), name);"],
  ["makes a Map", "  return {};", "  return new Map(Object.entries(rows));"],
];

for (const [name, before, after] of besideTheRules) {
  const inFunction = (body: string) => `export async function work(input: Input) {\n${body}\n}\n`;
  ordinaryPatches.push({
    name,
    files: [{ path: "src/lib/work.ts", before: inFunction(before), after: inFunction(after) }],
  });
}

const regression = `import assert from "node:assert/strict";
import { mock, test } from "node:test";
import * as clock from "../src/clock.ts";
import { late } from "../src/late.ts";

test("is late", async () => {
  const now = mock.fn(() => 5);
  assert.equal(late({ now }), true);
  assert.equal(await late({ now }), clock.five);
});
`;
ordinaryPatches.push({
  name: "adds a test with a helper",
  files: [
    { path: "test/late.test.mjs", before: null, after: regression },
    { path: "src/late.ts", before: "export const late = () => a.b;\n", after: "export const late = () => a?.b;\n" },
  ],
});

function patch(name: string, path: string, [before, after]: [string, string], noun: string, place: number): Patch {
  const files: Patch["files"] = [{ path, before, after }];
  const more = `\nit("answers 404 for a missing ${noun}", async () => {\n  expect((await post({ id: "missing" })).status).toBe(404);\n});\n`;
  if (place % 2 === 0) files.push({ path: `tests/${noun}.test.ts`, before: test(noun, ""), after: test(noun, more) });
  return { name, files };
}
