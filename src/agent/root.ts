import { existsSync } from "node:fs";
import { join } from "node:path";

/** Where the product's own files are: beside these, or the working directory when it was bundled. */
export function root(): string {
  const beside = join(import.meta.dirname ?? ".", "..", "..");
  return existsSync(join(beside, "supabase", "migrations")) ? beside : process.cwd();
}
