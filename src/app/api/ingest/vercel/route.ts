import { vercelDrain } from "#http/vercel-drain.ts";
import { thisFunction } from "../../../this-function.ts";

export const runtime = "nodejs";
export const dynamic = "force-dynamic";
export const maxDuration = 300;
export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = vercelDrain(thisFunction);
