import type { Fixable, Hopeless } from "./broken.ts";

const notFound = (target: string, importer: string) =>
  `Error [ERR_MODULE_NOT_FOUND]: Cannot find module '/app/${target}' imported from /app/${importer}`;
const required = (specifier: string, importer: string) =>
  `Error: Cannot find module '${specifier}'\nRequire stack:\n- /app/${importer}`;
const node = "\n    at finalizeResolution (node:internal/modules/esm/resolve:275:11)";
const unnamed = (specifier: string, name: string) =>
  `SyntaxError: The requested module '${specifier}' does not provide an export named '${name}'`;

export const fixable: Fixable[] = [
  {
    name: "another sign between the words of a file's name",
    files: {
      "lib/a.js": "const Pool = require('./round_robin');\nmodule.exports = new Pool();\n",
      "lib/round-robin.js": "module.exports = class Pool {};\n",
    },
    error: required("./round_robin", "lib/a.js"),
    becomes: { "lib/a.js": [["./round_robin", "./round-robin"]] },
    confidence: [82, 92],
  },
  {
    name: "a module that is taken as a whole and has all that is read from it",
    files: {
      "lib/a.js": "const money = require('./money');\nmodule.exports = () => money.round(1) + money.show(2);\n",
      "lib/number/money.js": "exports.round = (x) => x;\nexports.show = (x) => x;\n",
    },
    error: required("./money", "lib/a.js"),
    becomes: { "lib/a.js": [["./money", "./number/money"]] },
    confidence: [84, 90],
  },
  {
    name: "the short names that the file prefers for what is far away",
    files: {
      "tsconfig.json": '{ "compilerOptions": { "paths": { "@/*": ["./src/*"] } } }',
      "src/app/shop/page.ts":
        'import { a } from "@/lib/a";\nimport { b } from "@/lib/b";\nimport { price } from "./price";\nexport const page = [a, b, price];\n',
      "src/lib/a.ts": "export const a = 1;\n",
      "src/lib/b.ts": "export const b = 1;\n",
      "src/money/price.ts": "export const price = 1;\n",
    },
    error: "Error: ./src/app/shop/page.ts:3:1\nModule not found: Can't resolve './price'",
    becomes: { "src/app/shop/page.ts": [['"./price"', '"@/money/price"']] },
    confidence: [84, 90],
  },
  {
    name: "a file that a commit moved to another folder, for all who import it",
    files: {
      "src/app.js": "const { money } = require('./format');\nexports.app = () => money(1);\n",
      "src/cli.js": "const { money } = require('./format');\nexports.cli = () => money(2);\n",
      "src/text/format.js": "exports.money = (cents) => String(cents);\n",
    },
    error: required("./format", "src/app.js"),
    history: { "src/format.js": ["b", "a"], "src/text/format.js": ["c", "b"] },
    becomes: { "src/app.js": [["'./format'", "'./text/format'"]], "src/cli.js": [["'./format'", "'./text/format'"]] },
    confidence: [85, 96],
  },
  {
    name: "letters in the wrong case",
    files: {
      "src/Page.jsx": "import { Button } from './components/button'\nexport const Page = () => <Button />\n",
      "src/components/Button.jsx": "export const Button = () => null\n",
    },
    error: 'Error: Failed to resolve import "./components/button" from "src/Page.jsx". Does the file exist?',
    becomes: { "src/Page.jsx": [["./components/button", "./components/Button"]] },
    confidence: [90, 96],
  },
  {
    name: "an ending that Node does not add",
    files: { "src/a.mjs": 'import { b } from "./b";\nexport const a = b;\n', "src/b.mjs": "export const b = 1;\n" },
    error: `${notFound("src/b", "src/a.mjs")}${node}`,
    becomes: { "src/a.mjs": [['"./b"', '"./b.mjs"']] },
    confidence: [90, 96],
  },
  {
    name: "a folder that Node does not look into",
    files: {
      "package.json": '{ "type": "module" }',
      "src/a.js": "import { b } from './things'\r\nexport const a = b\r\n",
      "src/things/index.js": "export const b = 1\r\n",
    },
    error:
      "Error [ERR_UNSUPPORTED_DIR_IMPORT]: Directory import '/app/src/things' is not supported resolving ES modules imported from /app/src/a.js",
    becomes: { "src/a.js": [["'./things'", "'./things/index.js'"]] },
    confidence: [90, 96],
  },
  {
    name: "a slip in the name of a file",
    files: {
      "src/a.ts": 'import { total } from "./recipt.js";\nexport const a = total;\n',
      "src/receipt.ts": "export const total = 1;\n",
    },
    error: `${notFound("src/recipt.js", "src/a.ts")}${node}`,
    becomes: { "src/a.ts": [["./recipt.js", "./receipt.js"]] },
    confidence: [85, 96],
  },
  {
    name: "a step too few up, after the importing file was moved: all its imports",
    files: {
      "src/deep/run/a.js":
        "const log = require('../log');\nconst { read } = require('../store/read');\nmodule.exports = () => log(read());\n",
      "src/log.js": "module.exports = function log(text) {\n  return text;\n};\n",
      "src/store/read.js": "exports.read = () => 1;\n",
    },
    error: required("../store/read", "src/deep/run/a.js"),
    becomes: {
      "src/deep/run/a.js": [
        ["'../store/read'", "'../../store/read'"],
        ["'../log'", "'../../log'"],
      ],
    },
    confidence: [85, 96],
  },
  {
    name: "a short name of the project's own folder",
    files: {
      "tsconfig.json": '{ "compilerOptions": { "baseUrl": ".", "paths": { "@/*": ["./src/*"] } } }',
      "src/app/page.tsx":
        'import { Card } from "@/components/Card";\nexport default function Page() {\n  return <Card />;\n}\n',
      "src/ui/Card.tsx": "export const Card = () => null;\n",
    },
    error: "Error: ./src/app/page.tsx:1:1\nModule not found: Can't resolve '@/components/Card'",
    becomes: { "src/app/page.tsx": [["@/components/Card", "@/ui/Card"]] },
    confidence: [80, 92],
  },
  {
    name: "an import at run time",
    files: {
      "src/a.js": "export const a = async () => (await import('./jobs/clean.js')).clean();\n",
      "src/work/clean.js": "export const clean = () => 1;\n",
    },
    error: `${notFound("src/jobs/clean.js", "src/a.js")}${node}`,
    becomes: { "src/a.js": [["./jobs/clean.js", "./work/clean.js"]] },
    confidence: [80, 92],
  },
  {
    name: "a name that is misspelt where it is imported",
    files: {
      "src/a.mjs": 'import { formatDtae, other } from "./dates.mjs";\nexport const a = (x) => formatDtae(x) + other;\n',
      "src/dates.mjs": "export const other = 1;\nexport function formatDate(x) {\n  return x;\n}\n",
    },
    error: unnamed("./dates.mjs", "formatDtae"),
    stack: `file:///app/src/a.mjs:1\nimport { formatDtae, other } from "./dates.mjs";\n         ^^^^^^^^^^\n${unnamed("./dates.mjs", "formatDtae")}`,
    becomes: {
      "src/a.mjs": [
        ["{ formatDtae,", "{ formatDate,"],
        ["=> formatDtae(x)", "=> formatDate(x)"],
      ],
    },
    confidence: [88, 96],
  },
  {
    name: "a name that was moved to another file",
    files: {
      "src/a.mjs": 'import { one, two } from "./numbers.mjs";\nexport const a = one + two;\n',
      "src/numbers.mjs": "export const one = 1;\n",
      "src/more.mjs": "export const two = 2;\n",
    },
    history: { "src/numbers.mjs": ["d", "a"], "src/more.mjs": ["d"] },
    error: unnamed("./numbers.mjs", "two"),
    becomes: {
      "src/a.mjs": [
        ['{ one, two } from "./numbers.mjs";\n', '{ one } from "./numbers.mjs";\nimport { two } from "./more.mjs";\n'],
      ],
    },
    confidence: [85, 94],
  },
  {
    name: "a default import of what is exported by name",
    files: {
      "src/a.mjs": 'import clean from "./clean.mjs";\nexport const a = clean(" x");\n',
      "src/clean.mjs": "export function clean(text) {\n  return text.trim();\n}\n",
    },
    error: unnamed("./clean.mjs", "default"),
    becomes: { "src/a.mjs": [["import clean from", "import { clean } from"]] },
    confidence: [88, 94],
  },
  {
    name: "an import by name of what is exported by default",
    files: {
      "src/a.ts": 'import { Store } from "./store.ts";\nexport const a = new Store();\n',
      "src/store.ts": "export default class Store {}\n",
    },
    error:
      "src/a.ts(1,10): error TS2614: Module '\"./store.ts\"' has no exported member 'Store'. Did you mean to use 'import Store from \"./store.ts\"' instead?",
    stack: "",
    becomes: { "src/a.ts": [["{ Store }", "Store"]] },
    confidence: [88, 94],
  },
  {
    name: "a whole object that is called as if it were its only function",
    files: {
      "lib/a.js": "const slug = require('./slug');\nmodule.exports = (text) => ⟦slug(text);\n",
      "lib/slug.js": "function slug(text) {\n  return text;\n}\nmodule.exports = { slug };\n",
    },
    error: "TypeError: slug is not a function",
    becomes: { "lib/a.js": [["const slug =", "const { slug } ="]] },
    confidence: [88, 94],
  },
  {
    name: "a function that is taken apart as if it were an object",
    files: {
      "lib/a.js": "const { slug } = require('./slug');\nmodule.exports = (text) => ⟦slug(text);\n",
      "lib/slug.js": "module.exports = slug;\nfunction slug(text) {\n  return text;\n}\n",
    },
    error: "TypeError: slug is not a function",
    becomes: { "lib/a.js": [["const { slug } =", "const slug ="]] },
    confidence: [85, 94],
  },
  {
    name: "a misspelt name that a bundler lets through",
    files: {
      "src/a.ts": 'import { loadUsr } from "./user";\nexport const a = () => ⟦loadUsr(1);\n',
      "src/user.ts": "export const loadUser = (id: number) => id;\nexport const dropAll = () => 0;\n",
    },
    error: "TypeError: (0 , _user.loadUsr) is not a function",
    becomes: {
      "src/a.ts": [
        ["{ loadUsr }", "{ loadUser }"],
        ["=> loadUsr(1)", "=> loadUser(1)"],
      ],
    },
    confidence: [88, 96],
  },
];

export const hopeless: Hopeless[] = [
  {
    name: "a file of another package",
    files: {
      "apps/web/package.json": "{}",
      "packages/money/package.json": "{}",
      "apps/web/src/a.js": "const { round } = require('./rounding');\nexports.a = round;\n",
      "packages/money/rounding.js": "exports.round = (x) => x;\n",
    },
    error: required("./rounding", "apps/web/src/a.js"),
    because: /no file/,
  },
  {
    name: "types in the place of a module",
    files: {
      "index.js": "const Pool = require('./lib/pooled');\nmodule.exports = Pool;\n",
      "types/pooled.d.ts": "declare class Pool {}\nexport default Pool;\n",
    },
    error: required("./lib/pooled", "index.js"),
    because: /no file/,
  },
  {
    name: "everything passed on from a file that is gone",
    files: {
      "src/prices/index.ts": "export * from './get-products';\n",
      "src/products/get-products.ts": "export const getProducts = 1;\n",
    },
    error: "Error: Cannot find module './get-products' from 'src/prices/index.ts'",
    because: /nothing shows/,
  },
  {
    name: "a package that is not installed",
    files: {
      "src/a.js": "const left = require('left-pad');\nexports.a = left;\n",
      "src/left-pad.js": "module.exports = 1;\n",
    },
    error: required("left-pad", "src/a.js"),
    because: /no playbook/,
  },
  {
    name: "two files of that name",
    files: {
      "src/a.js": "const { money } = require('./format');\nexports.a = money;\n",
      "src/text/format.js": "exports.money = 1;\n",
      "src/print/format.js": "exports.money = 2;\n",
    },
    error: required("./format", "src/a.js"),
    because: /can be meant/,
  },
  {
    name: "a file of that name that exports something else",
    files: {
      "src/a.js": "const { money } = require('./format');\nexports.a = money;\n",
      "src/text/format.js": "exports.date = 1;\n",
    },
    error: required("./format", "src/a.js"),
    because: /no file/,
  },
  {
    name: "a usual name and nothing taken out of it",
    files: { "src/a.js": "require('./setup');\nexports.a = 1;\n", "src/other/setup.js": "exports.x = 1;\n" },
    error: required("./setup", "src/a.js"),
    because: /nothing shows/,
  },
  {
    name: "a file that is gone",
    files: {
      "src/a.js": "const { money } = require('./format');\nexports.a = money;\n",
      "src/b.js": "exports.money = 1;\n",
    },
    error: required("./format", "src/a.js"),
    history: { "src/format.js": ["b", "a"] },
    because: /no file/,
  },
  {
    name: "what a build writes",
    files: {
      "src/a.js": "const { client } = require('../dist/client');\nexports.a = client;\n",
      "src/client.js": "exports.client = 1;\n",
    },
    error: required("../dist/client", "src/a.js"),
    because: /build/,
  },
  {
    name: "a test that imports the old path",
    files: {
      "test/a.test.js": "const { money } = require('../src/format');\nmoney();\n",
      "src/text/format.js": "exports.money = () => 1;\n",
    },
    error: required("../src/format", "test/a.test.js"),
    because: /tests are never changed/,
  },
  {
    name: "a path out of the repository",
    files: {
      "src/a.js": "const x = require('../../../etc/passwd');\nexports.a = x;\n",
      "src/etc/passwd.js": "exports.x = 1;\n",
    },
    error: required("../../../etc/passwd", "src/a.js"),
    because: /./,
  },
  {
    name: "a file that is there by now",
    files: { "src/a.js": "const { b } = require('./b');\nexports.a = b;\n", "src/b.js": "exports.b = 1;\n" },
    error: required("./b", "src/a.js"),
    because: /is there in this version/,
  },
  {
    name: "an import that is put together at run time",
    files: {
      "src/a.js": "export const a = (name) => import(`./jobs/$" + "{name}.js`);\n",
      "src/work/clean.js": "export const clean = 1;\n",
    },
    error: `${notFound("src/jobs/clean.js", "src/a.js")}${node}`,
    because: /holds no such import/,
  },
  {
    name: "an import in a comment and in a text",
    files: {
      "src/a.js": "// require('./formt')\nexports.a = \"require('./formt')\";\n",
      "src/format.js": "exports.money = 1;\n",
    },
    error: required("./formt", "src/a.js"),
    because: /holds no such import/,
  },
  {
    name: "a name that the file exports by now",
    files: {
      "src/a.mjs": 'import { two } from "./numbers.mjs";\nexport const a = two;\n',
      "src/numbers.mjs": "export const two = 2;\n",
    },
    error: unnamed("./numbers.mjs", "two"),
    because: /./,
  },
  {
    name: "a name that two files export",
    files: {
      "src/a.mjs": 'import { two } from "./numbers.mjs";\nexport const a = two;\n',
      "src/numbers.mjs": "export const one = 1;\n",
      "src/b.mjs": "export const two = 2;\n",
      "src/c.mjs": "export const two = 3;\n",
    },
    error: unnamed("./numbers.mjs", "two"),
    because: /exports no|not plain/,
  },
  {
    name: "a file that passes on what nobody can read",
    files: {
      "src/a.mjs": 'import { two } from "./numbers.mjs";\nexport const a = two;\n',
      "src/numbers.mjs": 'export const tow = 1;\nexport * from "some-package";\n',
    },
    error: unnamed("./numbers.mjs", "two"),
    stack: `file:///app/src/a.mjs:1\n${unnamed("./numbers.mjs", "two")}`,
    because: /cannot be read/,
  },
  {
    name: "names of prototypes",
    files: {
      "src/a.js": "const { constructor } = require('./__proto__');\nexports.a = constructor;\n",
      "src/x/b.js": "exports.b = 1;\n",
    },
    error: required("./__proto__", "src/a.js"),
    because: /no file/,
  },
  {
    name: "a circle of imports: the name is exported, only too late",
    files: {
      "src/a.js": "const { b } = require('./b');\nexports.a = () => ⟦b();\n",
      "src/b.js": "const { a } = require('./a');\nexports.b = () => a;\n",
    },
    error: "TypeError: b is not a function",
    because: /./,
  },
];
