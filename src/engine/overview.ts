import { sightOf } from "#policy/sight.ts";
import { type Look, lastLooks, type Rate, ratesPerMinute } from "#store/read/detection/overview.ts";
import { detectionWorldOf } from "./detect.ts";
import type { Engine } from "./engine.ts";

/** What detection sees at the moment; everything in it may be sent as JSON. */
export interface DetectionView {
  environments: Record<"production" | "staging", { looks: Look[]; blind: string | null }>;
  /** Each rule with how often it was right, since it was counted anew. */
  rules: { name: string; enabled: boolean; steps: number; issues: number; falseAlarms: number }[];
  rates: Rate[];
}

export async function detectionView(engine: Engine): Promise<DetectionView> {
  const { connection, projectId } = engine;
  const { read, settings, steps, clock } = await detectionWorldOf(engine);
  const now = clock.now();
  const slotMs = settings.production.checkEveryMs;
  const environment = async (name: "production" | "staging") => {
    const sight = sightOf(await read.trafficHistory(name), now, slotMs);
    return {
      looks: await lastLooks(connection, projectId, name, now),
      blind: sight.kind === "blind" ? sight.because : null,
    };
  };
  const counts = await read.ruleCounts();
  return {
    environments: { production: await environment("production"), staging: await environment("staging") },
    rules: settings.detection.rules.map(({ name, enabled }) => {
      const { issues, falseAlarms } = counts.find((one) => one.name === name) ?? { issues: 0, falseAlarms: 0 };
      return { name, enabled, steps: steps.get(name) ?? 0, issues, falseAlarms };
    }),
    rates: await ratesPerMinute(connection, projectId, now),
  };
}
