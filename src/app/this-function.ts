import { after } from "next/server";
import { type Http, thisProcess } from "#http/context.ts";

/** For routes whose work goes on once they have answered: a function is kept alive for it, up to its `maxDuration`. */
export const thisFunction: Http = { ...thisProcess, later: after };
