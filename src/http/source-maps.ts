import { z } from "zod";
import { Failure } from "#domain/failure.ts";
import { normalisePath } from "#ingest/frames.ts";
import { debugIdOf, isSourceMap } from "#ingest/source-map.ts";
import { readBody } from "./body.ts";
import { type Http, thisProcess } from "./context.ts";
import { asSeenBy, keyFor, reading } from "./reporting.ts";
import { endpoint, type Handler, json } from "./respond.ts";
import { bearerOf } from "./secret.ts";

const bodyBytesMax = 20 * 1024 * 1024;
/** What must not be in a name that is compared with what events say: white space at the ends and control characters. */
const name = (max: number) =>
  z
    .string()
    .trim()
    .max(max)
    .regex(/^[^\p{Cc}]*$/u, "holds control characters");

const Query = z
  .object({
    release: name(200).default(""),
    dist: name(64).default(""),
    /** The built file: its path in the build, its path on the site, or its whole address. */
    file: name(1_000).pipe(z.string().min(1)),
    debug_id: z
      .string()
      .regex(/^[0-9a-fA-F-]{32,36}$/, "is no debug id")
      .optional(),
  })
  .refine(({ release, debug_id }) => release !== "" || debug_id !== undefined, {
    path: ["release"],
    message: "is required where there is no debug_id",
  });

/** A build leaves its source maps here, one a request (detection.md §2.1). The same one twice changes nothing. */
export function ingestSourceMaps(http: Http = thisProcess) {
  const take: Handler = async (request) => {
    const agent = await http.agentOf();
    const key = keyFor(bearerOf(request), agent);
    // A browser's key is public: whoever has it could give every frame another name.
    if (key === undefined || asSeenBy(request, key).trust === "browser") {
      throw new Failure("unauthorized", "The key is missing, wrong, or a browser's.", {
        hint: "Send Authorization: Bearer <AGENT_INGEST_KEY>.",
      });
    }
    const { release, dist, file, debug_id } = Query.parse(Object.fromEntries(new URL(request.url).searchParams));
    const text = (await readBody(request, bodyBytesMax)).toString("utf8");
    if (!isSourceMap(text)) {
      throw new Failure("invalid", "The body is no source map.", { hint: "Send one JSON source map of version 3." });
    }
    const debugId = (debug_id ?? debugIdOf(text))?.toLowerCase() ?? null;
    const { stored } = await agent.keepSourceMap({ release, dist, file: builtFile(file), debugId, text });
    return json({ stored }, { status: stored ? 201 : 200 });
  };
  return endpoint(http.log, { POST: reading(http, take) });
}

/** Uploaders name a file by `~/` or by its map; frames name it without either. */
function builtFile(given: string): string {
  return normalisePath(given.replace(/^~\//, "").replace(/\.map$/, ""))
    .replace(/^\//, "")
    .slice(0, 500);
}
