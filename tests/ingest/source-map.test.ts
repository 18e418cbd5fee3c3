import { runInThisContext } from "node:vm";
import { build } from "esbuild";
import { beforeAll, describe, expect, it } from "vitest";
import type { ErrorEvent } from "#domain/event.ts";
import { createOriginalFrames, type MapKey } from "#ingest/original-frames.ts";
import { debugIdOf, isSourceMap, readSourceMap } from "#ingest/source-map.ts";
import { fingerprintOf } from "#policy/fingerprint.ts";
import { aFrame, anEvent, sha256 } from "#tests/policy/builders.ts";
import { eventOf } from "./deliveries.ts";

const source = `
export class Cart {
  lines = [];
  get total() { return this.lines.map((line) => line.price.net); }
  submit(order) {
    const customer = order.customer;
    return customer.name.first;
  }
}
const render = (order) => new Cart().submit(order);
export const pages = { show: function (order) { return render(order); } };
globalThis.pages = pages;
`;

/** The stack that V8 gives for the error of a really minified bundle, and its map. */
async function minified(banner: string): Promise<{ stack: string; map: string; file: string }> {
  const built = await build({
    stdin: { contents: banner + source, sourcefile: "src/cart.js" },
    ...{ bundle: true, minify: true, write: false, sourcemap: "external", format: "iife", outfile: "out/app.js" },
  });
  const text = (ending: string) => built.outputFiles.find(({ path }) => path.endsWith(ending))?.text ?? "";
  const file = `_next/static/chunks/app-${sha256(banner).slice(0, 8)}.js`;
  runInThisContext(text(".js"), { filename: `https://shop.example/${file}` });
  try {
    Reflect.get(globalThis, "pages").show({});
  } catch (error) {
    if (error instanceof Error) {
      const lines = (error.stack ?? "")
        .split("\n")
        .filter((line) => !line.includes("file:") && !line.includes("node:"));
      return { stack: lines.filter((line) => !line.includes("/tests/")).join("\n"), map: text(".map"), file };
    }
  }
  throw new Error("the bundle did not fail");
}

describe("source maps", () => {
  let first: Awaited<ReturnType<typeof minified>>;
  let second: Awaited<ReturnType<typeof minified>>;
  beforeAll(async () => {
    first = await minified("");
    second = await minified("export const a = [1], b = 2;\n// moved\nglobalThis.banner = [a, b];\n");
  });
  const message = "Cannot read properties of undefined (reading 'first')";
  const events = () =>
    [first, second].map(({ stack }, n) =>
      eventOf({ source: "browser", release: `r${n}`, exception: { type: "TypeError", message, stack } }),
    );
  const load = async ({ release, file }: MapKey) =>
    [first, second].find((built, n) => release === `r${n}` && file === built.file)?.map;
  const resolve = createOriginalFrames({ load, monotonicMs: () => 0 });

  it("give frames their file, function, line and the line's text back", async () => {
    const [event] = await resolve(events());
    expect(
      event?.frames.slice(0, 3).map(({ file, function: name, line, context }) => [file, name, line, context]),
    ).toEqual([
      ["src/cart.js", "Cart.submit", 7, "return customer.name.first;"],
      ["src/cart.js", "render", 10, "const render = (order) => new Cart().submit(order);"],
      ["src/cart.js", "show", 11, "export const pages = { show: function (order) { return render(order); } };"],
    ]);
    expect(event?.frames.every(({ mapped, inApp }) => mapped && inApp)).toBe(true);
  });

  it("make one group of two releases that were built apart", async () => {
    const mapped = (await resolve(events())).map((event) => fingerprintOf(event, sha256));
    expect(mapped[0]?.fingerprint).toBe(mapped[1]?.fingerprint);
    expect(mapped[0]?.parts).toEqual(["stack", "TypeError", "src/cart.js:Cart.submit", "nullish read of first"]);
  });

  it("map the frames of a chain of causes as well", async () => {
    const [event] = events();
    const link = { type: "Error", message: "outer", frames: event?.frames ?? [] };
    const [resolved] = await resolve([{ ...(event ?? anEvent()), chain: [link, link] }]);
    expect(resolved?.chain.flatMap(({ frames }) => frames.map(({ mapped }) => mapped))).not.toContain(false);
  });

  it("leave alone what has no map, no place in it, or is a source already", async () => {
    const given = anEvent({
      release: "r0",
      frames: [
        aFrame("src/a.ts", "f"),
        aFrame("none.js", "f"),
        aFrame(first.file, "f", { line: 9_999, column: 1 }),
        aFrame(first.file, "f", { line: null }),
        aFrame(first.file, "f", { inApp: false }),
        aFrame("src/done.js", "f", { mapped: true }),
      ],
    });
    expect(await resolve([given])).toEqual([given]);
  });

  it("are asked for once: a found one stays, a missing one is looked for again after a minute", async () => {
    const asked: string[] = [];
    let nowMs = 0;
    const map = createOriginalFrames({
      load: async ({ file }) => {
        asked.push(file);
        return file === "a.js" ? first.map : undefined;
      },
      monotonicMs: () => nowMs,
    });
    const event = (file: string) => anEvent({ release: "r", frames: [aFrame(file, "f"), aFrame(file, "g")] });
    await Promise.all([map([event("a.js")]), map([event("a.js"), event("b.js")])]);
    await map([event("a.js"), event("b.js")]);
    expect(asked).toEqual(["a.js", "b.js"]);
    nowMs = 61_000;
    await map([event("a.js"), event("b.js")]);
    expect(asked).toEqual(["a.js", "b.js", "b.js"]);
  });

  it("keep no more than 20 in memory, the ones that were used last", async () => {
    const asked: string[] = [];
    const map = createOriginalFrames({
      load: async ({ file }) => {
        asked.push(file);
        return first.map;
      },
      monotonicMs: () => 0,
    });
    const see = (file: string) => map([anEvent({ release: "r", frames: [aFrame(file, "f")] })]);
    for (let n = 0; n < 20; n++) await see(`${n}.js`);
    await see("0.js");
    await see("20.js");
    await see("0.js");
    await see("1.js");
    expect(asked.filter((file) => file === "0.js" || file === "1.js")).toEqual(["0.js", "1.js", "1.js"]);
  });

  it("fail those who asked when they cannot be loaded, and nobody after them", async () => {
    let fails = true;
    const map = createOriginalFrames({
      load: async () => {
        if (fails) throw new Error("away");
        return first.map;
      },
      monotonicMs: () => 0,
    });
    const event = anEvent({ release: "r", frames: [aFrame(first.file, "f", { line: 1, column: 80 })] });
    await expect(map([event])).rejects.toThrow("away");
    fails = false;
    expect((await map([event]))[0]?.frames[0]?.mapped).toBe(true);
  });

  it.each([
    ["no JSON", "{"],
    ["no map", "{}"],
    ["an old version", `{"version":2,"sources":[],"mappings":""}`],
    ["sections", `{"version":3,"sections":[]}`],
    ["a list", "[]"],
    ["other types", `{"version":3,"sources":"a","mappings":1}`],
  ])("are refused when they are none: %s", async (_, text) => {
    expect(isSourceMap(text)).toBe(false);
    expect(await readSourceMap(text)).toBeUndefined();
  });

  it.each([
    ["mappings that are none", { mappings: "!!!!;;,," }],
    ["mappings that point nowhere", { mappings: "AgggggggggggC,AAAAgggggB" }],
    ["a source that is no code", { mappings: "AAAA", sourcesContent: ["}}}} not ( code `"] }],
    ["no content", { mappings: "AAAA", sourcesContent: [null] }],
    ["a source without a name", { mappings: "AAAA", sources: [null] }],
    ["a name like __proto__", { mappings: "AAAA", sources: ["__proto__"] }],
    ["deep nesting", { mappings: "AAAA", sourcesContent: ["(".repeat(20_000)] }],
  ])("that are hostile harm nothing: %s", async (_, change) => {
    const map = await readSourceMap(JSON.stringify({ version: 3, sources: ["a.js"], names: [], ...change }));
    const frame = map?.original(aFrame("b.js", "f", { line: 1, column: 1 }));
    expect(frame?.function ?? "").toBe("");
  });

  it("tell their debug id under either of its names", () => {
    const id = "0f8fad5b-d9cb-469f-a165-70867728950e";
    const map = { version: 3, sources: [], mappings: "" };
    expect(debugIdOf(JSON.stringify({ ...map, debugId: id }))).toBe(id);
    expect(debugIdOf(JSON.stringify({ ...map, debug_id: id }))).toBe(id);
    expect(debugIdOf(JSON.stringify({ ...map, debugId: "none" }))).toBeUndefined();
  });

  it("treat what the bundler marked as somebody else's as not the application's", async () => {
    const map = {
      version: 3,
      sources: ["src/own.js", "src/vendor.js"],
      ignoreList: [1],
      names: [],
      mappings: "AAAA,CCAA",
    };
    const read = await readSourceMap(JSON.stringify({ ...map, sourcesContent: [null, null] }));
    const inApp = (column: number): ErrorEvent["frames"][number]["inApp"] | undefined =>
      read?.original(aFrame("b.js", "f", { line: 1, column }))?.inApp;
    expect([inApp(1), inApp(2)]).toEqual([true, false]);
  });
});
