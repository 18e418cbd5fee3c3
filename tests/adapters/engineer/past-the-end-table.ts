import type { Fixable, Hopeless } from "./broken.ts";

const read = (name: string) => `TypeError: Cannot read properties of undefined (reading '${name}')`;
const reduce = "TypeError: Reduce of empty array with no initial value";

export const fixable: Fixable[] = [
  {
    name: "what the code itself calls a sum",
    files: { "src/sum.js": "exports.votes = (counts) => counts.⟦reduce((sum, count) => sum + count);\n" },
    error: reduce,
    becomes: { "src/sum.js": [["sum + count)", "sum + count, 0)"]] },
    confidence: [78, 84],
  },
  {
    name: "the first row, when the only caller tests the answer",
    files: {
      "src/rows.js":
        "async function newest(db) {\n  const rows = await db.query('a');\n  return rows[0].⟦name;\n}\nmodule.exports = { newest };\n",
      "src/show.js":
        "const { newest } = require('./rows');\nexports.show = async (db) => {\n  const name = await newest(db);\n  if (!name) return 'none';\n  return name.trim();\n};\n",
    },
    error: read("name"),
    becomes: { "src/rows.js": [["rows[0].name", "rows[0]?.name"]] },
    confidence: [80, 86],
  },
  {
    name: "the last entry, when all callers have something to fall back on",
    files: {
      "src/log.mjs": "export function lastLevel(lines) {\r\n\treturn lines[lines.length - 1].⟦level;\r\n}\r\n",
      "src/a.mjs": 'import { lastLevel } from "./log.mjs";\nexport const a = (lines) => lastLevel(lines) ?? "info";\n',
      "src/b.mjs": 'import { lastLevel } from "./log.mjs";\nexport const b = (lines) => lastLevel(lines) || "none";\n',
    },
    error: read("level"),
    becomes: { "src/log.mjs": [["1].level", "1]?.level"]] },
    confidence: [84, 88],
  },
  {
    name: "an entry of a map, when its comment says that there may be none",
    files: {
      "src/cache.js":
        "const known = new Map();\n/**\n * @param {string} key\n * @returns {string | null} its owner\n */\nfunction ownerOf(key) {\n  return known.get(key).⟦owner;\n}\nmodule.exports = { ownerOf };\n",
    },
    error: read("owner"),
    becomes: { "src/cache.js": [["known.get(key).owner;", "known.get(key)?.owner ?? null;"]] },
    confidence: [82, 88],
  },
  {
    name: "the last one by at(-1), for one who tests for undefined",
    files: {
      "src/a.js":
        "function lastId(list) {\n  return list.at(-1).⟦id;\n}\nexports.next = (list) => {\n  const id = lastId(list);\n  return id === undefined ? 1 : id + 1;\n};\n",
    },
    error: read("id"),
    becomes: { "src/a.js": [["list.at(-1).id", "list.at(-1)?.id"]] },
    confidence: [78, 88],
  },
  {
    name: "a list under a key, where the file takes a missing one for empty elsewhere",
    files: {
      "src/groups.ts":
        "const groups = new Map<string, string[]>();\nexport function count(key: string): number {\n  return (groups.get(key) ?? []).length;\n}\nexport function shout(key: string): string[] {\n  return groups.get(key)!.⟦map((one) => one.toUpperCase());\n}\n",
    },
    error: read("map"),
    becomes: { "src/groups.ts": [["groups.get(key)!.map", "(groups.get(key) ?? []).map"]] },
    confidence: [82, 88],
  },
  {
    name: "a loop over a list under a key",
    files: {
      "src/on.js":
        "const heard = new Map();\nexports.on = (name, run) => {\n  heard.set(name, [...(heard.get(name) || []), run]);\n};\nexports.tell = (event) => {\n  for (const run of ⟦heard.get(event)) run();\n};\n",
    },
    error: "TypeError: undefined is not iterable",
    becomes: { "src/on.js": [["of heard.get(event))", "of heard.get(event) || [])"]] },
    confidence: [74, 88],
  },
  {
    name: "a sum of numbers",
    files: {
      "src/sum.ts": "export const sum = (all: number[]): number => all.⟦reduce((one, other) => one + other);\n",
    },
    error: reduce,
    becomes: { "src/sum.ts": [["one + other)", "one + other, 0)"]] },
    confidence: [86, 92],
  },
  {
    name: "a sum of what was reckoned out before",
    files: {
      "src/sum.js":
        "exports.sum = (cart) =>\n  cart.items\n    .map((item) => item.price * item.count)\n    .⟦reduce((a, b) => a + b);\n",
    },
    error: reduce,
    becomes: { "src/sum.js": [["a + b)", "a + b, 0)"]] },
    confidence: [86, 92],
  },
  {
    name: "texts that are joined",
    files: {
      "src/text.ts":
        "export function all(names: string[]): string {\n  return names.⟦reduce(function (a, b) {\n    return a + b;\n  });\n}\n",
    },
    error: reduce,
    becomes: { "src/text.ts": [["  });\n", '  }, "");\n']] },
    confidence: [84, 92],
  },
  {
    name: "lists that are put together",
    files: { "src/flat.mjs": "export const flat = (lists) => lists.⟦reduce((a, b) => [...a, ...b]);\n" },
    error: reduce,
    becomes: { "src/flat.mjs": [["...b])", "...b], [])"]] },
    confidence: [84, 92],
  },
  {
    name: "a product",
    files: { "src/odds.js": "exports.odds = (parts) => parts.⟦reduce((a, b) => a * b);\n" },
    error: reduce,
    becomes: { "src/odds.js": [["a * b)", "a * b, 1)"]] },
    confidence: [80, 88],
  },
];

export const hopeless: Hopeless[] = [
  {
    name: "an answer that is compared with null",
    files: {
      "src/a.js":
        "function lastId(list) {\n  return list.at(-1).⟦id;\n}\nexports.next = (list) => {\n  if (lastId(list) !== null) go();\n};\n",
    },
    error: read("id"),
    because: /compared with null|decides/,
  },
  {
    name: "an answer that a caller reckons with",
    files: {
      "src/a.js":
        "function lastId(list) {\n  return list[list.length - 1].⟦id;\n}\nexports.next = (list) => lastId(list) + 1;\n",
    },
    error: read("id"),
    because: /reckoned with/,
  },
  {
    name: "an answer that nobody in the repository asks for",
    files: { "src/a.mjs": "export function newest(rows) {\n  return rows[0].⟦name;\n}\n" },
    error: read("name"),
    because: /nothing in the repository calls/,
  },
  {
    name: "one caller who tests and one who does not",
    files: {
      "src/rows.mjs": "export function newest(rows) {\n  return rows[0].⟦name;\n}\n",
      "src/a.mjs": 'import { newest } from "./rows.mjs";\nexport const a = (rows) => newest(rows) ?? "";\n',
      "src/b.mjs": 'import { newest } from "./rows.mjs";\nexport const b = (rows) => newest(rows).trim();\n',
    },
    error: read("name"),
    because: /./,
  },
  {
    name: "a function that is handed on",
    files: {
      "src/rows.mjs": "export function newest(rows) {\n  return rows[0].⟦name;\n}\n",
      "src/a.mjs":
        'import { newest } from "./rows.mjs";\nexport const a = (all) => all.map(newest);\nexport const b = (rows) => newest(rows) ?? "";\n',
    },
    error: read("name"),
    because: /hands `newest` on/,
  },
  {
    name: "a method",
    files: {
      "src/a.js":
        "class Rows {\n  newest() {\n    return this.rows[0].⟦name;\n  }\n}\nexports.a = (rows) => rows.newest() ?? '';\nexports.Rows = Rows;\n",
    },
    error: read("name"),
    because: /method|no repair is safe/,
  },
  {
    name: "what is written to a missing entry",
    files: {
      "src/a.js": "const groups = new Map();\nexports.add = (key, one) => {\n  groups.get(key).⟦push(one);\n};\n",
    },
    error: read("push"),
    because: /no repair is safe/,
  },
  {
    name: "a check that would pass for everyone",
    files: {
      "src/a.js":
        "const rules = new Map();\nexports.rulesOf = (key) => rules.get(key) ?? [];\nexports.mayEnter = (key, user) => rules.get(key).⟦every((rule) => rule(user));\n",
    },
    error: read("every"),
    because: /no repair is safe/,
  },
  {
    name: "an average",
    files: {
      "src/a.ts": "export const mean = (all: number[]): number => all.⟦reduce((a, b) => a + b) / all.length;\n",
    },
    error: reduce,
    because: /divided/,
  },
  {
    name: "an average by way of a variable",
    files: {
      "src/a.ts":
        "export function mean(all: number[]): number {\n  const sum = all.⟦reduce((a, b) => a + b);\n  return sum / all.length;\n}\n",
    },
    error: reduce,
    because: /divided/,
  },
  {
    name: "the largest of nothing",
    files: { "src/a.js": "exports.largest = (all) => all.⟦reduce((a, b) => (a > b ? a : b));\n" },
    error: reduce,
    because: /does not follow/,
  },
  {
    name: "a sum of nobody knows what",
    files: { "src/a.js": "exports.sum = (all) => all.⟦reduce((a, b) => a + b);\n" },
    error: reduce,
    because: /does not follow/,
  },
  {
    name: "a sum that begins with an object",
    files: { "src/a.js": "exports.sum = (all) => all.⟦reduce((sum, one) => sum + one.price);\n" },
    error: reduce,
    because: /does not follow/,
  },
  {
    name: "two reductions on the line",
    files: {
      "src/a.ts":
        "export const both = (a: number[], b: number[]): number[] => [a.⟦reduce((x, y) => x + y), b.reduce((x, y) => x + y)];\n",
    },
    error: reduce,
    because: /more than one/,
  },
  {
    name: "a reduction with a beginning",
    files: { "src/a.ts": "export const sum = (all: number[]): number => all.⟦reduce((a, b) => a + b, 0);\n" },
    error: reduce,
    because: /no reduction/,
  },
  {
    name: "a callback of another place",
    files: { "src/a.js": "const add = (a, b) => a + b;\nexports.sum = (all) => all.⟦reduce(add);\n" },
    error: reduce,
    because: /does not follow/,
  },
  {
    name: "a file of another kind",
    files: { "src/a.json": '{ "a": 1 }' },
    error: reduce,
    stack: `${reduce}\n    at x (/app/src/a.json:1:1)`,
    because: /no playbook/,
  },
];
