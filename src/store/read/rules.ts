import { eq } from "drizzle-orm";
import type { Database, Transaction } from "../connect.ts";
import { rules } from "../schema.ts";

/** How often each rule raised its own threshold; one that never did is missing. */
export async function ruleSteps(db: Database | Transaction, projectId: string): Promise<Map<string, number>> {
  const rows = await db
    .select({ name: rules.name, steps: rules.steps })
    .from(rules)
    .where(eq(rules.projectId, projectId));
  return new Map(rows.map(({ name, steps }) => [name, steps]));
}
