import { z } from "zod";
import type { SupabaseAccounts } from "../config.ts";
import type { Variables } from "./environment.ts";

const entriesMax = 200;
const entry = z.string().regex(/^[^\s@,]{0,64}@[a-z0-9.-]{3,190}$/);
const way = z.string().regex(/^[a-z_]{2,30}$/);

/** Accounts of Supabase Auth: both the address and the public key, or neither. */
export function supabaseOf(variables: Variables): SupabaseAccounts | null {
  const url = variables.url("NEXT_PUBLIC_SUPABASE_URL", { secureOnly: true });
  const anonKey = variables.text("NEXT_PUBLIC_SUPABASE_ANON_KEY");
  const serviceRoleKey = variables.text("SUPABASE_SERVICE_ROLE_KEY");
  const emails = listOf(
    variables,
    "AGENT_OPERATOR_EMAILS",
    entry,
    "must be e-mail addresses or @domains, with commas between",
  );
  const ways = listOf(
    variables,
    "AGENT_SIGN_IN_WITH",
    way,
    "must be password, link or names of providers, with commas between",
  );
  refuseMixedUp(variables, anonKey, serviceRoleKey);
  if (url !== null && anonKey !== null) {
    return { url, anonKey, serviceRoleKey, emails, ways: ways.length === 0 ? ["password", "link"] : ways };
  }
  const isWanted = variables.isSet("NEXT_PUBLIC_SUPABASE_URL") || anonKey !== null || serviceRoleKey !== null;
  if (isWanted && url === null)
    variables.bad("NEXT_PUBLIC_SUPABASE_URL", "must be set together with the other Supabase variables");
  if (isWanted && anonKey === null)
    variables.bad("NEXT_PUBLIC_SUPABASE_ANON_KEY", "must be set together with NEXT_PUBLIC_SUPABASE_URL");
  return null;
}

function listOf(variables: Variables, name: string, schema: z.ZodType<string>, fix: string): string[] {
  const text = variables.text(name);
  if (text === null) return [];
  const entries = text
    .toLowerCase()
    .split(",")
    .map((part) => part.trim());
  const parsed = z
    .array(schema)
    .max(entriesMax)
    .safeParse(entries.filter((part) => part !== ""));
  if (parsed.success) return parsed.data;
  variables.bad(name, fix);
  return [];
}

/** The secret key where the public one belongs would open the whole database to whoever reads it. */
function refuseMixedUp(variables: Variables, anonKey: string | null, serviceRoleKey: string | null): void {
  if (anonKey !== null && kindOf(anonKey) === "secret")
    variables.bad(
      "NEXT_PUBLIC_SUPABASE_ANON_KEY",
      "is the secret key: put the publishable (anon) one here, and make a new secret one",
    );
  if (serviceRoleKey !== null && kindOf(serviceRoleKey) === "public")
    variables.bad("SUPABASE_SERVICE_ROLE_KEY", "is the publishable (anon) key: leave it empty, Vigil does not need it");
}

function kindOf(key: string): "secret" | "public" | "unknown" {
  if (key.startsWith("sb_secret_")) return "secret";
  if (key.startsWith("sb_publishable_")) return "public";
  try {
    const { role } = JSON.parse(Buffer.from(key.split(".")[1] ?? "", "base64url").toString("utf8"));
    return role === "service_role" ? "secret" : role === "anon" ? "public" : "unknown";
  } catch {
    // Not a token: nothing can be said about it.
    return "unknown";
  }
}
