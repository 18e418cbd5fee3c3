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

function patch(name: string, path: string, [before, after]: [string, string], noun: string, place: number): Patch {
  const files: Patch["files"] = [{ path, before, after }];
  const more = `\nit("answers 404 for a missing ${noun}", async () => {\n  expect((await post({ id: "missing" })).status).toBe(404);\n});\n`;
  if (place % 2 === 0) files.push({ path: `tests/${noun}.test.ts`, before: test(noun, ""), after: test(noun, more) });
  return { name, files };
}
