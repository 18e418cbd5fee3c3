import { z } from "zod";
import type { Config } from "#config.ts";
import { type Checkup, degraded, down, type Finding, type Findings, ok } from "./checkup.ts";
import { request } from "./http.ts";

type Supabase = NonNullable<Config["operators"]["supabase"]>;

const keysHint = "Copy the keys from the Supabase project's Settings → API Keys.";
/** What would hurt if a visitor could read it with the key that every browser gets. */
const tables = ["agent_projects", "agent_issues", "agent_fixes", "agent_approvals", "agent_actions", "agent_events"];

/** Supabase Auth for operators, and that the Data API hands out nothing of ours. */
export function supabaseCheckup({ url, anonKey, serviceRoleKey }: Supabase): Checkup {
  return {
    name: "supabase",
    async look(signal): Promise<Findings> {
      if (isServiceRole(anonKey)) {
        const hint =
          "Put the anon (publishable) key there, and make a new service role key: this one may have been seen.";
        return {
          supabase: down(
            "NEXT_PUBLIC_SUPABASE_ANON_KEY holds the service role key, which every browser would get",
            hint,
          ),
        };
      }
      const [auth, dataApi, service] = await Promise.all([
        authFinding(url, anonKey, signal),
        dataApiFinding(url, anonKey, signal),
        serviceFinding(url, serviceRoleKey, signal),
      ]);
      return { supabase: auth, "supabase data api": dataApi, "supabase service key": service };
    },
  };
}

const keys = (key: string) => ({ apikey: key, authorization: `Bearer ${key}` });

async function authFinding(url: string, anonKey: string, signal: AbortSignal): Promise<Finding> {
  const reply = await request(`${url}/auth/v1/settings`, { headers: keys(anonKey), signal });
  if (reply === undefined)
    return down("Supabase Auth does not answer", "Check NEXT_PUBLIC_SUPABASE_URL; is the project paused?");
  if (reply.status === 200) {
    const isOpen = z.object({ disable_signup: z.literal(false) }).safeParse(reply.json).success;
    return isOpen
      ? degraded(
          "Supabase Auth answers, and anybody may sign up there (without being an operator)",
          "Turn new sign-ups off in Authentication → Sign In.",
        )
      : ok("Supabase Auth answers");
  }
  return down(`Supabase Auth refuses NEXT_PUBLIC_SUPABASE_ANON_KEY (${reply.status})`, keysHint);
}

/** Asks for our tables as a visitor would. */
async function dataApiFinding(url: string, anonKey: string, signal: AbortSignal): Promise<Finding> {
  const asked = await Promise.all(
    tables.map(async (table) => {
      const reply = await request(`${url}/rest/v1/${table}?select=*&limit=1`, { headers: keys(anonKey), signal });
      return { table, reply };
    }),
  );
  const open = asked.filter(({ reply }) => reply?.status === 200).map(({ table }) => table);
  if (open.length > 0) {
    return down(
      `the Data API answers visitors about ${open.join(", ")}`,
      "Take the rights of anon and authenticated on the agent_* tables away (the migrations do), or turn the Data API off.",
    );
  }
  if (asked.every(({ reply }) => reply === undefined)) return ok("the Data API is off");
  return ok("the Data API gives visitors nothing of Vigil's");
}

async function serviceFinding(url: string, key: string | null, signal: AbortSignal): Promise<Finding> {
  if (key === null) return ok("no SUPABASE_SERVICE_ROLE_KEY, and none is needed");
  const reply = await request(`${url}/auth/v1/admin/users?per_page=1`, { headers: keys(key), signal });
  if (reply?.status === 200) return ok("SUPABASE_SERVICE_ROLE_KEY counts");
  return down(`Supabase refuses SUPABASE_SERVICE_ROLE_KEY (${reply?.status ?? "no answer"})`, keysHint);
}

/** The old keys are tokens that name their role; the new ones begin with it. */
function isServiceRole(key: string): boolean {
  if (key.startsWith("sb_secret_")) return true;
  try {
    const payload: unknown = JSON.parse(Buffer.from(key.split(".")[1] ?? "", "base64url").toString("utf8"));
    return z.object({ role: z.literal("service_role") }).safeParse(payload).success;
  } catch {
    return false;
  }
}
