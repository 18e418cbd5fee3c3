import type { Fixable, Hopeless } from "./broken.ts";

const users = `export async function findUser(id) {
  return { id, profile: { name: "x" }, tags: ["a"] };
}
export async function listUsers() {
  return [await findUser(1)];
}
`;
const read = (name: string) => `TypeError: Cannot read properties of undefined (reading '${name}')`;

export const fixable: Fixable[] = [
  {
    name: "the one function of that name, when types say nothing and it is async",
    files: {
      "src/user/names.js":
        "module.exports = function (User) {\n  User.getFieldsAllowed = async function () {\n    return ['a'];\n  };\n};\n",
      "src/read.js":
        "const user = require('./user');\nexports.read = async () => {\n  const fields = user.getFieldsAllowed();\n  return fields.⟦includes('a');\n};\n",
      "src/user.js": "const User = {};\nrequire('./user/names')(User);\nmodule.exports = Object.assign({}, User);\n",
    },
    error: "TypeError: fields.includes is not a function",
    becomes: { "src/read.js": [["= user.getFieldsAllowed()", "= await user.getFieldsAllowed()"]] },
    confidence: [80, 90],
  },
  {
    name: "a variable that gets another value only later",
    files: {
      "src/users.js": users,
      "src/names.js":
        'import { listUsers } from "./users.js";\nexport async function names(page) {\n  let all = listUsers();\n  all = all.⟦slice(page, page + 10);\n  return all;\n}\n',
    },
    error: "TypeError: all.slice is not a function",
    becomes: { "src/names.js": [["= listUsers()", "= await listUsers()"]] },
    confidence: [88, 96],
  },
  {
    name: "a property of what an async function of another file gives",
    files: {
      "src/users.js": users,
      "src/name.js":
        'import { findUser } from "./users.js";\nexport async function name(id) {\n  const user = findUser(id);\n  return user.profile.⟦name;\n}\n',
    },
    error: read("name"),
    becomes: { "src/name.js": [["= findUser(id)", "= await findUser(id)"]] },
    confidence: [90, 96],
  },
  {
    name: "a list's method on a promise",
    files: {
      "src/users.js": users,
      "src/names.js":
        "import { listUsers } from './users.js'\nexport const names = async () => {\n  const all = listUsers()\n  return all.⟦map((one) => one.id)\n}\n",
    },
    error: "TypeError: all.map is not a function",
    becomes: { "src/names.js": [["= listUsers()", "= await listUsers()"]] },
    confidence: [90, 96],
  },
  {
    name: "a call in the middle of an expression",
    files: {
      "src/users.js": users,
      "src/names.js":
        'import { listUsers } from "./users.js";\nexport async function first() {\n  return listUsers().⟦filter(Boolean)[0];\n}\n',
    },
    error: "TypeError: listUsers(...).filter is not a function",
    becomes: { "src/names.js": [["return listUsers()", "return (await listUsers())"]] },
    confidence: [90, 96],
  },
  {
    name: "a loop over a promise",
    files: {
      "src/users.js": users,
      "src/names.js":
        'import { listUsers } from "./users.js";\r\nexport async function each(work) {\r\n\tfor (const one of ⟦listUsers()) work(one);\r\n}\r\n',
    },
    error: "TypeError: listUsers is not a function or its return value is not iterable",
    becomes: { "src/names.js": [["of listUsers()", "of await listUsers()"]] },
    confidence: [90, 96],
  },
  {
    name: "an answer that was not waited for",
    files: {
      "src/load.ts":
        "export async function load(url: string): Promise<unknown> {\n  const response = fetch(url);\n  return response.⟦json();\n}\n",
    },
    error: "TypeError: response.json is not a function",
    becomes: { "src/load.ts": [["= fetch(url)", "= await fetch(url)"]] },
    confidence: [90, 96],
  },
  {
    name: "what was taken apart too early",
    files: {
      "src/users.js": users,
      "src/name.js":
        'import { findUser } from "./users.js";\nexport async function name(id) {\n  const { profile } = findUser(id);\n  return profile.⟦name;\n}\n',
    },
    error: read("name"),
    becomes: { "src/name.js": [["= findUser(id)", "= await findUser(id)"]] },
    confidence: [90, 96],
  },
  {
    name: "a promise that became part of a text",
    files: {
      "src/path.js":
        "import { readFileSync } from 'node:fs';\nimport { folder } from './folder.js';\nexport async function load(name) {\n  return ⟦readFileSync(`$" +
        "{folder()}/$" +
        "{name}`);\n}\n",
      "src/folder.js": "export const folder = async () => '/tmp';\n",
    },
    error: "Error: ENOENT: no such file or directory, open '[object Promise]/x'",
    becomes: { "src/path.js": [["{folder()}", "{await folder()}"]] },
    confidence: [80, 92],
  },
  {
    name: "a promise handed to something that wants a text",
    files: {
      "src/key.cjs":
        "const { createHash } = require('node:crypto');\nasync function secret() {\n  return 'x';\n}\nexports.sign = async (text) => createHash('sha256').⟦update(secret()).update(text).digest('hex');\n",
    },
    error:
      'TypeError [ERR_INVALID_ARG_TYPE]: The "data" argument must be of type string. Received an instance of Promise',
    change: { errorType: "TypeError" },
    becomes: { "src/key.cjs": [["update(secret())", "update(await secret())"]] },
    confidence: [80, 92],
  },
  {
    name: "what everybody else waits for, when types say nothing",
    files: {
      "src/a.js":
        "const db = require('some-database');\nexports.one = async () => {\n  const rows = await db.all('a');\n  return rows.length;\n};\nexports.two = async () => {\n  const rows = await db.all('b');\n  return rows.length;\n};\nexports.three = async () => {\n  const rows = db.all('c');\n  return rows.⟦map((row) => row.id);\n};\n",
    },
    error: "TypeError: rows.map is not a function",
    becomes: { "src/a.js": [["rows = db.all('c')", "rows = await db.all('c')"]] },
    confidence: [80, 90],
  },
  {
    name: "a function of Node's promised modules",
    files: {
      "src/read.mjs":
        'import { readFile } from "node:fs/promises";\nconst text = readFile("x", "utf8");\nexport const lines = text.⟦split("\\n");\n',
    },
    error: "TypeError: text.split is not a function",
    becomes: { "src/read.mjs": [["= readFile(", "= await readFile("]] },
    confidence: [80, 96],
  },
  {
    name: "a list of promises",
    files: {
      "src/users.js": users,
      "src/first.js":
        'import { findUser } from "./users.js";\nexport async function first(ids) {\n  const found = ids.map((id) => findUser(id));\n  return found[0].profile.⟦name;\n}\n',
    },
    error: read("name"),
    becomes: {
      "src/first.js": [["= ids.map((id) => findUser(id))", "= await Promise.all(ids.map((id) => findUser(id)))"]],
    },
    confidence: [80, 96],
  },
  {
    name: "a promise that others wait for stays one: only the failing use waits",
    files: {
      "src/users.js": users,
      "src/name.js":
        'import { findUser } from "./users.js";\nexport async function name(id) {\n  const user = findUser(id);\n  user.catch(() => undefined);\n  return user.profile.⟦name;\n}\n',
    },
    error: read("name"),
    becomes: { "src/name.js": [["return user.profile", "return (await user).profile"]] },
    confidence: [85, 96],
  },
  {
    name: "a handler of a framework that waits for it anyway",
    files: {
      "src/users.js": users,
      "src/app/api/users/route.ts":
        'import { listUsers } from "../../../users.js";\nexport function GET(): Response {\n  const all = listUsers();\n  return Response.json(all.⟦map((one) => one.id));\n}\n',
    },
    error: "TypeError: all.map is not a function",
    becomes: {
      "src/app/api/users/route.ts": [
        ["export function GET(): Response", "export async function GET(): Promise<Response>"],
        ["= listUsers()", "= await listUsers()"],
      ],
    },
    confidence: [80, 90],
  },
  {
    name: "an argument that the caller did not wait for",
    files: {
      "src/users.js": users,
      "src/show.js": "export function show(user) {\n  return user.profile.⟦name;\n}\n",
      "src/run.js":
        'import { findUser } from "./users.js";\nimport { show } from "./show.js";\nexport async function run(id) {\n  return ⟧show(findUser(id));\n}\n',
    },
    error: read("name"),
    becomes: { "src/run.js": [["show(findUser(id))", "show(await findUser(id))"]] },
    confidence: [85, 96],
  },
  {
    name: "what the compiler refuses",
    files: {
      "src/a.ts":
        "async function ids(): Promise<string[]> {\n  return [];\n}\nexport async function a(): Promise<number> {\n  return ids().map(Number).length;\n}\n",
    },
    error: "src/a.ts(5,16): error TS2339: Property 'map' does not exist on type 'Promise<string[]>'.",
    stack: "",
    becomes: { "src/a.ts": [["return ids()", "return (await ids())"]] },
    confidence: [90, 96],
  },
];

export const hopeless: Hopeless[] = [
  {
    name: "a builder of queries that others wait for at the end of its chain",
    files: {
      "src/a.js":
        "const db = require('some-database');\nexports.one = async () => await db.from('a').rows();\nexports.two = async () => await db.from('b').rows();\nexports.three = async () => db.from('c').⟦raws();\n",
    },
    error: "TypeError: db.from(...).raws is not a function",
    because: /./,
  },
  {
    name: "a name that an async and another function share",
    files: {
      "src/a.js":
        "exports.run = async (user) => {\n  const fields = user.fieldsAllowed();\n  return fields.⟦includes('a');\n};\n",
      "src/b.js": "exports.fieldsAllowed = async function () {\n  return [];\n};\n",
      "src/c.js": "exports.fieldsAllowed = function () {\n  return [];\n};\n",
    },
    error: "TypeError: fields.includes is not a function",
    because: /./,
  },
  {
    name: "a function that is not async and whose callers use what it gives",
    files: {
      "src/users.js": users,
      "src/name.js":
        'import { findUser } from "./users.js";\nexport function name(id) {\n  return findUser(id).profile.⟦name;\n}\n',
    },
    error: read("name"),
    because: /change what its callers get/,
  },
  {
    name: "a callback of a list",
    files: {
      "src/users.js": users,
      "src/name.js":
        'import { findUser } from "./users.js";\nexport async function names(ids) {\n  return ids.map((id) => findUser(id).tags.⟦join());\n}\n',
    },
    error: read("join"),
    because: /change what its callers get/,
  },
  {
    name: "a promise that is handed in, from nobody knows where",
    files: {
      "src/a.ts":
        "export async function a(user: Promise<{ tags: string[] }>): Promise<string> {\n  return (user as any).tags.⟦join() + (user as any).x;\n}\n",
    },
    error: read("join"),
    because: /./,
  },
  {
    name: "a value that is no promise",
    files: {
      "src/a.js": "const find = (id) => ({ id });\nexport async function a(id) {\n  return find(id).tags.⟦join();\n}\n",
    },
    error: read("join"),
    because: /./,
  },
  {
    name: "a promise whose value has no such member either",
    files: {
      "src/a.js":
        "const find = async (id) => ({ id });\nexport async function a(id) {\n  const one = find(id);\n  return one.⟦map(String);\n}\n",
    },
    error: "TypeError: one.map is not a function",
    because: /./,
  },
  {
    name: "what some wait for and some do not",
    files: {
      "src/a.js":
        "const db = require('some-database');\nexports.one = async () => (await db.all('a')).length + (await db.all('d')).length;\nexports.two = async () => {\n  const rows = db.all('b');\n  return rows.length;\n};\nexports.three = async () => {\n  const rows = db.all('c');\n  return rows.⟦map(String);\n};\n",
    },
    error: "TypeError: rows.map is not a function",
    because: /./,
  },
  {
    name: "a builder of queries that can be waited for and has methods as well",
    files: {
      "src/query.ts":
        "export interface Query {\n  where(x: string): Query;\n  then(done: (rows: string[]) => void): void;\n}\nexport declare function from(table: string): Query;\n",
      "src/a.ts":
        'import { from } from "./query.ts";\nexport async function a(): Promise<unknown> {\n  const rows = from("x");\n  return (rows as any).⟦map(String);\n}\n',
    },
    error: "TypeError: rows.map is not a function",
    because: /./,
  },
  {
    name: "something awaited already",
    files: {
      "src/users.js": users,
      "src/name.js":
        'import { findUser } from "./users.js";\nexport async function name(id) {\n  const user = await findUser(id);\n  return user.profiles.⟦name * 2;\n}\n',
    },
    error: read("name"),
    because: /./,
  },
  {
    name: "a class's field",
    files: {
      "src/a.ts":
        "async function load(): Promise<string[]> {\n  return [];\n}\nexport class A {\n  names = ⟦load().map(String);\n}\n",
    },
    error: "TypeError: load(...).map is not a function",
    because: /wait|callers/,
  },
  {
    name: "a script's top level",
    files: {
      "src/a.cjs": "const load = async () => ['x'];\nconst all = load();\nmodule.exports = all.⟦map(String);\n",
    },
    error: "TypeError: all.map is not a function",
    because: /cannot wait/,
  },
  {
    name: "a default value",
    files: {
      "src/a.js":
        "const load = async () => ['x'];\nexport async function a(all = load().⟦map(String)) {\n  return all;\n}\n",
    },
    error: "TypeError: load(...).map is not a function",
    because: /default value/,
  },
  {
    name: "a getter",
    files: {
      "src/a.js":
        "const load = async () => ['x'];\nexport const a = {\n  get all() {\n    return load().⟦map(String);\n  },\n};\n",
    },
    error: "TypeError: load(...).map is not a function",
    because: /getter/,
  },
  {
    name: "several promises on the line",
    files: {
      "src/a.js":
        "const one = async () => 'x';\nconst two = async () => 'y';\nexport async function a() {\n  return new ⟦URL(one(), two());\n}\n",
    },
    error: "TypeError: Invalid URL: [object Promise]",
    because: /several values/,
  },
  {
    name: "a variable with several values",
    files: {
      "src/a.js":
        "const load = async () => ['x'];\nexport async function a(given) {\n  let all = load();\n  if (given) all = given;\n  return all.⟦map(String);\n}\n",
    },
    error: "TypeError: all.map is not a function",
    because: /several values|./,
  },
  {
    name: "the words in a text of the code",
    files: { "src/a.js": "export async function a(x) {\n  throw ⟦new Error('[object Promise]' + x);\n}\n" },
    error: "Error: [object Promise]",
    because: /./,
  },
  {
    name: "a frame far beyond the file",
    files: { "src/a.js": users },
    error: "TypeError: x.map is not a function",
    stack: "TypeError: x.map is not a function\n    at y (/app/src/a.js:4000000:1)",
    because: /./,
  },
];
