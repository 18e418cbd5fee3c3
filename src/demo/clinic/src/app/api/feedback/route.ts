import { bodyOf, json } from "../../../lib/json.ts";
import { keepFeedback } from "../../../lib/queries.ts";
import { reportFeedback } from "../../../lib/report.ts";

const textMax = 500;

/** What the front desk noticed. A spelling error that patients can see goes to whoever looks after the application. */
export async function POST(request: Request): Promise<Response> {
  const { kind, seenAt, text } = await bodyOf(request);
  if (typeof text !== "string" || text.trim() === "" || text.length > textMax) {
    return json({ error: "Please write up to 500 characters" }, 400);
  }
  if ((kind !== "spelling" && kind !== "other") || typeof seenAt !== "string" || seenAt.length > textMax) {
    return json({ error: "Please say what it is about and where it was seen" }, 400);
  }
  const entry = await keepFeedback({ kind, seenAt, text: text.trim() });
  if (kind === "spelling") {
    const userId = request.headers.get("x-user-id");
    reportFeedback(`Spelling error in API response: "${entry.text}"`, { issueType: "typo", operation: seenAt, userId });
  }
  return json({ feedback: { id: entry.id } }, 201);
}
