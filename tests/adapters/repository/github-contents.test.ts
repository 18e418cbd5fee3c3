import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { create } from "tar";
import { describe, expect, it } from "vitest";
import { createBlobCache } from "#adapters/repository/github/blobs.ts";
import type { Sha } from "#domain/ids.ts";
import { listing } from "#tests/support/github/git-data.ts";
import { atGithub, type Stage } from "./a-github-repository.ts";

/** More files than are read one by one: the archive is used. */
const manyFiles = Object.fromEntries(
  Array.from({ length: 40 }, (_, index) => [`src/file-${index}.ts`, `export const n${index} = ${index};\n`]),
);

async function exported({ repository, world }: Stage, commit: Sha): Promise<Record<string, string>> {
  const folder = await mkdtemp(join(world.folder, "export-"));
  await repository.export(commit, folder);
  const found = await readdir(folder, { recursive: true, withFileTypes: true });
  expect(found.filter((entry) => !entry.isFile() && !entry.isDirectory())).toEqual([]);
  const files = found.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const texts = files.map(async (path) => [path.slice(folder.length + 1), await readFile(path, "utf8")] as const);
  return Object.fromEntries(await Promise.all(texts));
}

describe("Contents from GitHub", () => {
  it("asks for the whole commit once, and then for nothing more", () =>
    atGithub(
      async (stage) => {
        const { github, world, another } = stage;
        expect(await exported(stage, world.first)).toEqual(manyFiles);
        const snapshot = await another().snapshot(world.first);
        expect(await snapshot.search("n7 ", 5)).toEqual([
          { path: "src/file-7.ts", line: 1, text: "export const n7 = 7;" },
        ]);
        expect(github.calls.filter((call) => call.includes("/tarball/"))).toHaveLength(1);
        expect(github.calls.filter((call) => call.includes("/git/blobs/"))).toEqual([]);
      },
      { files: manyFiles },
    ));

  it("stops asking file by file when a reader goes through the whole repository", () =>
    atGithub(
      async ({ world, github, repository }) => {
        const snapshot = await repository.snapshot(world.first);
        for (const path of await snapshot.list()) expect(await snapshot.read(path)).toBe(manyFiles[path]);
        expect(github.calls.filter((call) => call.includes("/git/blobs/")).length).toBeLessThan(15);
        expect(github.calls.filter((call) => call.includes("/tarball/"))).toHaveLength(1);
      },
      { files: manyFiles },
    ));

  it("has what attributes keep out of an archive or change in it", () =>
    atGithub(
      async (stage) => {
        const attributes = "src/file-3.ts export-ignore\nsrc/file-4.ts export-subst\n";
        const files = { ".gitattributes": attributes, "src/file-4.ts": "// $Format:%H$\n" };
        const commit = await stage.world.person.commit("main", files);
        expect(await exported(stage, commit)).toEqual({ ...manyFiles, ...files });
      },
      { files: manyFiles },
    ));

  it("believes no archive: other names, other contents, links and what climbs out come to nothing", () =>
    atGithub(
      async (stage) => {
        const { world, github } = stage;
        const evil = await mkdtemp(join(world.folder, "evil-"));
        const prefix = join(evil, "acme-clinic-0000000");
        await mkdir(join(prefix, "src"), { recursive: true });
        await writeFile(join(prefix, "src", "file-1.ts"), "export const n1 = 9;\n");
        await writeFile(join(prefix, "planted.ts"), "stolen()\n");
        await symlink("/etc/passwd", join(prefix, "src", "file-2.ts"));
        await writeFile(join(world.folder, "escaped.txt"), "outside\n");
        const paths = ["acme-clinic-0000000", "../escaped.txt"];
        await create({ file: join(evil, "evil.tgz"), cwd: evil, gzip: true, preservePaths: true }, paths);
        const bytes = await readFile(join(evil, "evil.tgz"));
        github.faults.push({ path: /^\/codeload\//, answer: { status: 200, bytes } });
        expect(await exported(stage, world.first)).toEqual(manyFiles);
      },
      { files: manyFiles },
    ));

  it("says so when an archive is cut short, and reads it whole the next time", () =>
    atGithub(
      async (stage) => {
        const { world, github } = stage;
        github.faults.push({ path: /^\/codeload\//, answer: { status: 200, bytes: Buffer.from("1f8b0800", "hex") } });
        await expect(exported(stage, world.first)).rejects.toMatchObject({ code: "unavailable" });
        expect(await exported(stage, world.first)).toEqual(manyFiles);
      },
      { files: manyFiles },
    ));

  it("uses nothing that was changed on its own disk, and works without a disk", () =>
    atGithub(
      async (stage) => {
        const { world, another } = stage;
        await exported(stage, world.first);
        const scratch = join(world.folder, "scratch");
        for (const entry of await readdir(scratch, { recursive: true, withFileTypes: true })) {
          if (entry.isFile()) await writeFile(join(entry.parentPath, entry.name), "planted\n");
        }
        expect(await exported({ ...stage, repository: another() }, world.first)).toEqual(manyFiles);
        await rm(scratch, { recursive: true });
        await writeFile(scratch, "a file where the folder would be\n");
        expect(await exported({ ...stage, repository: another() }, world.first)).toEqual(manyFiles);
      },
      { files: manyFiles },
    ));

  it("lists everything although GitHub cuts long lists", () =>
    atGithub(
      async ({ world, repository }) => {
        const { entriesMax } = listing;
        listing.entriesMax = 10;
        try {
          expect(await (await repository.snapshot(world.first)).list()).toEqual(Object.keys(manyFiles).sort());
        } finally {
          listing.entriesMax = entriesMax;
        }
      },
      { files: manyFiles },
    ));

  it("keeps its folder within its bounds: what was not used for longest goes first", () =>
    atGithub(async ({ world }) => {
      const cache = createBlobCache(join(world.folder, "cache"), 1_000);
      const id = (n: number) => String(n).padStart(40, "0");
      for (let n = 0; n < 10; n++) await cache.put(id(n), Buffer.alloc(200, n));
      await cache.prune();
      const kept = await Promise.all(Array.from({ length: 10 }, (_, n) => cache.has(id(n))));
      expect(kept.filter(Boolean).length).toBeLessThanOrEqual(5);
      expect(kept.some(Boolean)).toBe(true);
    }));
});
