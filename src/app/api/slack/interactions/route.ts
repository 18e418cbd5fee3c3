import { after } from "next/server";
import { thisProcess } from "#http/context.ts";
import { slackInteractions } from "#http/slack.ts";

export const runtime = "nodejs";
export const dynamic = "force-dynamic";
export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = slackInteractions({ ...thisProcess, later: after });
