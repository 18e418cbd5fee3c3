import { boardLines } from "../../../../lib/call-board.ts";
import { json } from "../../../../lib/json.ts";
import { listCallsOf } from "../../../../lib/queries.ts";

/** The wall display of the call room: the calls of one day and how they ended. */
export async function GET(request: Request): Promise<Response> {
  const day = new URL(request.url).searchParams.get("day");
  if (day === null || day === "") {
    return json({ error: "A day must be chosen" }, 400);
  }
  const calls = await listCallsOf(day);
  const lines = await boardLines(
    calls.map((call) => call.id),
    `http://127.0.0.1:${process.env.PORT ?? 3000}`,
  );
  return json({ day, lines });
}
