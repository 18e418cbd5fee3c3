import { readFile } from "node:fs/promises";
import { z } from "zod";
import { createAgent } from "#agent.ts";
import { config } from "#config.ts";
import { Failure } from "#domain/failure.ts";

const Head = z.object({ seq: z.int(), hash: z.string() });

/** Verifies the audit chain of the configured database. Answers whether it is whole. */
export async function verifyAudit(options: { heads: string | null; write: (line: string) => void }): Promise<boolean> {
  const heads = options.heads === null ? [] : await readHeads(options.heads);
  const agent = await createAgent(config(), () => {});
  try {
    const { whole, message } = await agent.verifyAudit(heads);
    options.write(whole ? `The audit trail is whole: ${message}` : `The audit trail was tampered with: ${message}`);
    return whole;
  } finally {
    await agent.stop();
  }
}

async function readHeads(file: string): Promise<z.infer<typeof Head>[]> {
  const text = await readFile(file, "utf8").catch((cause: unknown) => {
    throw new Failure("not_found", `The file ${file} cannot be read.`, { cause });
  });
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  try {
    return lines.map((line) => Head.parse(JSON.parse(line)));
  } catch (cause) {
    throw new Failure("invalid", `The file ${file} does not hold one {"seq", "hash"} a line.`, { cause });
  }
}
