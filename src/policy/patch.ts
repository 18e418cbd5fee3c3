/** The identity of a change whatever it is based on: its lines without positions and object ids (reliability A18). */
export function patchIdentity(diff: string, digest: (text: string) => string): string {
  const lines = diff.split("\n").filter((line) => !line.startsWith("index ") && !line.startsWith("@@"));
  return digest(lines.join("\n"));
}
