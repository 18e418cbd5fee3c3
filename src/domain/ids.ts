import { z } from "zod";

/** A full commit or tree id. Branch names and short ids never travel where a `Sha` is asked for. */
export const Sha = z
  .string()
  .regex(/^[0-9a-f]{40}$/, "not a full commit id (40 hexadecimal digits)")
  .brand("Sha");
export type Sha = z.infer<typeof Sha>;

export const IssueId = z.uuid().brand("IssueId");
export type IssueId = z.infer<typeof IssueId>;

export const FixId = z.uuid().brand("FixId");
export type FixId = z.infer<typeof FixId>;

/** The eight characters by which people name an issue or a fix: in branch names, messages and lists. */
export function shortId(id: string): string {
  return id.slice(0, 8);
}

/** Where releases run. Detection watches production; staging only feeds the watch of a candidate. */
export const Environment = z.enum(["staging", "production"]);
export type Environment = z.infer<typeof Environment>;
