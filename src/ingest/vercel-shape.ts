import { z } from "zod";

/** The fields of a log drain's line that are used; one that is not what it should be counts as missing. */

const text = z.string().nullish().catch(null);
const status = z.number().int().min(-1).max(999).nullish().catch(null);
const moment = z.union([z.string(), z.number()]).nullish().catch(null);

export const VercelLine = z.object({
  id: text,
  deploymentId: text,
  projectId: text,
  source: text,
  level: text,
  message: text,
  timestamp: moment,
  requestId: text,
  statusCode: status,
  path: text,
  environment: text,
  type: text,
  traceId: text,
  "trace.id": text,
  proxy: z
    .object({ method: text, path: text, statusCode: status, timestamp: moment, userAgent: z.unknown(), clientIp: text })
    .nullish()
    .catch(null),
});
export type VercelLine = z.infer<typeof VercelLine>;
