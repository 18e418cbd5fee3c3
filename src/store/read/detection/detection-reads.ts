import type { Connection } from "../../connect.ts";
import { unseenFingerprints } from "./kinds.ts";
import { lookReads } from "./looks.ts";
import { rateReads } from "./rates.ts";
import type { DetectionReads } from "./reads.ts";
import { sinceReads } from "./since.ts";

/** Everything that detection may ask, for one project, as of `at`. `restMs`: see `unseenFingerprints`. */
export function detectionReadsOf(connection: Connection, projectId: string, at: Date, restMs: number): DetectionReads {
  return {
    unseenFingerprints: (limit, windowsMs) =>
      unseenFingerprints(connection, projectId, { at, restMs }, limit, windowsMs),
    ...sinceReads(connection, projectId, at),
    ...rateReads(connection, projectId, at),
    ...lookReads(connection, projectId, at),
  };
}
