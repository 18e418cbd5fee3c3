import { createHash } from "node:crypto";

/** The same id for the same parts, so that what a client sends again is recognised. Nothing can be read back from it. */
export function stableId(...parts: (string | Uint8Array | number)[]): string {
  const hash = createHash("sha256");
  // Lengths keep ("ab", "c") and ("a", "bc") apart.
  for (const part of parts) {
    const text = typeof part === "number" ? String(part) : part;
    hash.update(`${text.length}:`).update(text);
  }
  return hash.digest("hex").slice(0, 32);
}
