import { createHash } from "node:crypto";
import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runInThisContext } from "node:vm";
import { defaultStackParser } from "@sentry/browser";
import { build } from "esbuild";
import { execa } from "execa";
import { z } from "zod";
import { seeded } from "#tests/policy/builders.ts";

/**
 * The labelled corpus: real programs with known bugs, run in two releases that differ in lines and hashes only, their
 * errors caught by the clients that applications use. Every event knows which bug it is.
 */
const Labelled = z.object({
  bug: z.string(),
  format: z.enum(["plain", "sentry"]),
  event: z.record(z.string(), z.unknown()),
});
export type Labelled = z.infer<typeof Labelled> & { release: string; app: "server" | "next" | "web" };

export interface Corpus {
  events: Labelled[];
  /** Source maps of the browser's bundles. */
  maps: { release: string; file: string; map: string }[];
}

const fixtures = join(import.meta.dirname, "fixtures");
const libraries = join(import.meta.dirname, "..", "..", "..", "node_modules");
/** Where hosts put applications. */
const roots = ["/var/task", "/app", "/home/deploy/shop", "/srv/shop"];
const releases = ["release-one", "the-second-release"];

/** Runs the programs. `variants`: how often each bug occurs in each release and format, always with other values. */
export async function generateCorpus(variants: number): Promise<Corpus> {
  const scratch = await mkdtemp(join(tmpdir(), "vigil-corpus-"));
  try {
    const corpus: Corpus = { events: [], maps: [] };
    for (const [index, release] of releases.entries()) {
      const folder = join(scratch, release);
      await cp(fixtures, folder, { recursive: true });
      if (index > 0) {
        await shiftLines(folder, seeded(7));
        await addBanner(join(folder, "web"));
      }
      corpus.events.push(...(await served(folder, "server", "main.js", release, variants)));
      corpus.events.push(...(await served(folder, "next", "main.ts", release, variants)));
      const web = await browsed(join(folder, "web"), release, variants);
      corpus.events.push(...web.events);
      corpus.maps.push(...web.maps);
    }
    return corpus;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** People add lines above and inside of functions between two releases. */
async function shiftLines(folder: string, random: () => number): Promise<void> {
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !/\.[jt]s$/.test(entry.name)) continue;
    const file = join(entry.parentPath, entry.name);
    const lines = (await readFile(file, "utf8")).split("\n");
    const shifted = lines.flatMap((line) => {
      const mayStandBelow = /^(?:export | {2}(?:const|return|if|throw|await|for|let) )/.test(line);
      return mayStandBelow && random() < 0.4 ? ["  // a remark of this release", line] : [line];
    });
    await writeFile(file, shifted.join("\n"));
  }
}

/** A feature that has nothing to do with any bug, but gives the minifier other names to share out. */
async function addBanner(web: string): Promise<void> {
  const functions = Array.from(
    { length: 40 },
    (_, n) => `export function banner${n}(a) { return [a, ${n}, location${n % 7}]; }`,
  );
  const shared = Array.from({ length: 7 }, (_, n) => `const location${n} = globalThis.banner?.place${n};`);
  await writeFile(join(web, "banner.js"), [...shared, ...functions].join("\n"));
  const main = join(web, "main.js");
  await writeFile(
    main,
    `import * as banner from "./banner.js";\nglobalThis.banner = banner;\n${await readFile(main, "utf8")}`,
  );
}

async function served(
  folder: string,
  app: "server" | "next",
  main: string,
  release: string,
  variants: number,
): Promise<Labelled[]> {
  const home = join(folder, app);
  await mkdir(join(home, "node_modules"));
  await symlink(join(libraries, "zod"), join(home, "node_modules", "zod"));
  if (app === "server") await rename(join(home, "packages", "slimpg"), join(home, "node_modules", "slimpg"));
  await cp(join(folder, "serve.mjs"), join(home, "serve.mjs"));
  const arguments_ = [join(home, "serve.mjs"), join(home, main), release, String(variants), libraries];
  const { stdout } = await execa(process.execPath, arguments_, { maxBuffer: 1e9, stderr: "inherit" });
  return stdout
    .trim()
    .split("\n")
    .map((line, n) => {
      const root = roots[n % roots.length] ?? "";
      const moved = line.replaceAll(`file://${home}`, n % 3 === 0 ? `file://${root}` : root).replaceAll(home, root);
      return { ...Labelled.parse(JSON.parse(moved.replaceAll(libraries, `${root}/node_modules`))), release, app };
    });
}

async function browsed(folder: string, release: string, variants: number): Promise<Corpus> {
  const built = await build({
    entryPoints: [join(folder, "main.js")],
    ...{ bundle: true, minify: true, write: false, sourcemap: "external", sourcesContent: true, format: "iife" },
    outfile: join(folder, "dist", "main.js"),
    absWorkingDir: folder,
  });
  const text = (ending: string) => built.outputFiles.find(({ path }) => path.endsWith(ending))?.text ?? "";
  const hash = createHash("sha256").update(text(".js")).digest("hex").slice(0, 8);
  const file = `assets/main-${hash}.js`;
  runInThisContext(text(".js"), { filename: `https://shop.example/${file}` });
  const events: Labelled[] = [];
  const known: unknown = Reflect.get(globalThis, "bugs");
  for (const [route, raise] of Object.entries(z.record(z.string(), z.custom<(v: unknown) => unknown>()).parse(known))) {
    const bug = route.replace(/#.*/, "");
    for (let variant = 0; variant < variants; variant++) {
      const error = await raised(raise, variant);
      events.push({ bug, app: "web", release, format: "plain", event: plainOf(error, release) });
      events.push({ bug, app: "web", release, format: "sentry", event: sentryOf(error, release) });
    }
  }
  return { events, maps: [{ release, file, map: text(".map") }] };
}

async function raised(raise: (v: unknown) => unknown, variant: number): Promise<Error> {
  const n = 100 + variant * 7_919;
  const uuid = `${String(n).padStart(8, "0")}-4a1b-4c2d-8e3f-${String(n).padStart(12, "0")}`;
  const given = {
    n,
    uuid,
    word: ["ada", "alan", "grace"][variant % 3],
    cut: ['{"a":1', "{,}"][variant % 2],
    html: ["<p>", "<html>"][variant % 2],
  };
  try {
    await raise({ ...given, product: {}, delivery: {} });
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    // What called the page here would not be there in a browser.
    const lines = (error.stack ?? "").split("\n");
    error.stack = lines.filter((line) => !/^\s{1,8}at /.test(line) || line.includes("https://shop.example")).join("\n");
    return error;
  }
  throw new Error("a bug of the web application did not occur");
}

function plainOf({ name, message, stack }: Error, release: string) {
  return { source: "browser", release, operation: "/shop", exception: { type: name, message, stack } };
}

/** As the browser's SDK sends it; its frames come from its own parser. */
function sentryOf({ name, message, stack }: Error, release: string) {
  const frames = defaultStackParser(stack ?? "");
  const values = [
    { type: name, value: message, stacktrace: { frames }, mechanism: { type: "onerror", handled: false } },
  ];
  return { event_id: "0".repeat(32), platform: "javascript", release, transaction: "/shop", exception: { values } };
}
