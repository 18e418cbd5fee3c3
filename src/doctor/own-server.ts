import { z } from "zod";
import { type Checkup, degraded, down, type Finding, type Findings, ok } from "./checkup.ts";
import { request } from "./http.ts";

const Report = z.object({
  version: z.string(),
  checks: z.record(
    z.string(),
    z.object({ status: z.enum(["ok", "degraded", "down"]), message: z.string(), hint: z.string().optional() }),
  ),
});

/** Whether Vigil itself answers where people are sent, its schedule runs, and its cron routes open to nobody without the secret. */
export function ownServerCheckup(appUrl: string, { hasCronSecret }: { hasCronSecret: boolean }): Checkup {
  return {
    name: "vigil",
    async look(signal): Promise<Findings> {
      const reply = await request(`${appUrl}/api/health`, { signal });
      const report = Report.safeParse(reply?.json).data;
      // Vercel's answer under a name that no deployment has.
      const isFree = reply?.status === 404 && reply.text.includes("DEPLOYMENT_NOT_FOUND");
      if (reply === undefined || isFree)
        return { vigil: degraded(`nobody answers at ${appUrl}`, "Deploy or start Vigil, or correct APP_URL.") };
      if (report === undefined)
        return {
          vigil: down(
            `what answers at ${appUrl} (${reply.status}) is not Vigil`,
            "Correct APP_URL, or look at the deployment's log.",
          ),
        };
      const { schedule } = report.checks;
      return {
        vigil: ok(`version ${report.version} answers at ${appUrl}`),
        ...(schedule === undefined ? {} : { schedule }),
        "cron routes": await cronFinding(appUrl, hasCronSecret, signal),
      };
    },
  };
}

async function cronFinding(appUrl: string, hasCronSecret: boolean, signal: AbortSignal): Promise<Finding> {
  if (!hasCronSecret)
    return down("no CRON_SECRET: nobody may call the cron routes, so nothing runs", "openssl rand -base64 32");
  const reply = await request(`${appUrl}/api/cron/detect`, { signal });
  if (reply?.status === 401) return ok("they open with CRON_SECRET only");
  return down(
    `a call without the secret is answered ${reply?.status ?? "by nobody"}, not 401`,
    "Set CRON_SECRET on the server and deploy again.",
  );
}
