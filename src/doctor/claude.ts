import { z } from "zod";
import type { Config } from "#config.ts";
import { type Checkup, degraded, down, ok } from "./checkup.ts";
import { request } from "./http.ts";

const Models = z.object({ data: z.array(z.object({ id: z.string() })) });
const keyHint = "Make a key at console.anthropic.com → API keys, and set ANTHROPIC_API_KEY.";
const variables = {
  triage: "AGENT_MODEL_TRIAGE",
  diagnose: "AGENT_MODEL_DIAGNOSE",
  fix: "AGENT_MODEL_FIX",
  escalate: "AGENT_MODEL_ESCALATE",
} as const;

/** Lists the models, which costs nothing: shows that the key counts and that the chosen models exist. */
export function claudeCheckup({ claude, baseUrl, models, playbooks }: Config["engineer"]): Checkup {
  return {
    name: "claude",
    async look(signal) {
      if (claude.kind === "malformed") return { claude: down(`ANTHROPIC_API_KEY ${claude.why}`, keyHint) };
      if (claude.kind === "missing") {
        return playbooks === "first"
          ? { claude: degraded("no ANTHROPIC_API_KEY: only the built-in repairs diagnose and fix", keyHint) }
          : { claude: down("no ANTHROPIC_API_KEY, and AGENT_PLAYBOOKS is off: nothing is diagnosed", keyHint) };
      }
      const headers = { "x-api-key": claude.apiKey, "anthropic-version": "2023-06-01" };
      const url = `${baseUrl ?? "https://api.anthropic.com"}/v1/models?limit=1000`;
      const reply = await request(url, { headers, signal });
      if (reply === undefined)
        return { claude: down("the Messages API does not answer", "Check ANTHROPIC_BASE_URL and the network.") };
      if (reply.status === 401 || reply.status === 403)
        return { claude: down("ANTHROPIC_API_KEY is refused", keyHint) };
      const listed = Models.safeParse(reply.json).data?.data.map(({ id }) => id);
      if (listed === undefined) {
        const message = `the service answers ${reply.status} and lists no models: whether the key counts is unknown`;
        return { claude: degraded(message, "Only the first diagnosis will tell.") };
      }
      const unknown = Object.entries(models).flatMap(([use, model]) =>
        model === null || listed.some((id) => id.startsWith(model)) ? [] : [variables[use as keyof typeof variables]],
      );
      if (unknown.length === 0) return { claude: ok("the key counts, and the models are there") };
      return {
        claude: down(`the service does not know the model of ${unknown.join(", ")}`, "Set it to a model's id."),
      };
    },
  };
}
