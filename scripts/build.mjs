// Builds when the sources changed since the last time. Runs on the pinned Node that npm puts on PATH.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

process.chdir(join(dirname(fileURLToPath(import.meta.url)), ".."));
const stamp = join(".next", ".source-hash");
const wanted = sourceHash();
if (!existsSync(join(".next", "BUILD_ID")) || !existsSync(stamp) || readFileSync(stamp, "utf8") !== wanted) build();

function build() {
  console.log("[start] building");
  const env = {
    ...process.env,
    NODE_ENV: "production",
    NEXT_TELEMETRY_DISABLED: "1",
    // The build starts `node` by name: it must be the one that runs here.
    PATH: [dirname(process.execPath), process.env.PATH ?? ""].join(delimiter),
  };
  const next = join("node_modules", "next", "dist", "bin", "next");
  const built = spawnSync(process.execPath, [next, "build"], { stdio: "inherit", env });
  if (built.status !== 0) process.exit(built.status ?? 1);
  writeFileSync(stamp, wanted);
}

function sourceHash() {
  const hash = createHash("sha256");
  const files = ["package.json", "package-lock.json", "next.config.ts", "postcss.config.mjs", "tsconfig.json"];
  for (const path of [...files, ...filesBelow("src"), ...filesBelow("public")]) {
    if (existsSync(path)) hash.update(`${path}\0`).update(readFileSync(path)).update("\0");
  }
  return hash.digest("hex");
}

function filesBelow(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.parentPath.includes("node_modules"))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}
