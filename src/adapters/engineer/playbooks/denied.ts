import { ts } from "ts-morph";
import type { Snapshot } from "#ports/repository.ts";
import { eachNode, parse, startLine } from "./code/syntax.ts";
import { clip } from "./findings.ts";
import type { Place } from "./places.ts";

const refusals =
  /^(?:\w{0,40}(?:Validation|BadRequest|NotFound|Unauthori[sz]ed|Unauthenticated|Forbidden|Conflict|TooManyRequests|RateLimit|Permission|AccessDenied|Denied|PaymentRequired|Unprocessable\w{0,10}|InvalidInput|InvalidRequest)\w{0,20}?(?:Error|Exception)?)$/;
const withStatus =
  /^(?:\w{0,40}(?:Http|HTTP|Api|API|App|Client|Request|Response)\w{0,20}(?:Error|Exception)|createError|createHttpError|httpError|error|abort)$/;

/** The statement at `place` that throws a refusal (a 4xx, a failed validation), if the error came from one. */
export async function denialAt(
  place: Place,
  errorType: string | null,
  snapshot: Snapshot,
): Promise<{ line: number; text: string } | undefined> {
  const text = await snapshot.read(place.path);
  const code = text === undefined ? undefined : parse(place.path, text);
  if (code === undefined) return undefined;
  let found: { line: number; text: string } | undefined;
  eachNode(code.source, (node) => {
    if (found !== undefined) return false;
    const thrown = ts.isThrowStatement(node) ? node.expression : undefined;
    if (thrown === undefined) return undefined;
    const line = startLine(code, node);
    const last = code.source.getLineAndCharacterOfPosition(node.getEnd()).line + 1;
    if (place.line < line || place.line > last) return undefined;
    if (isRefusal(thrown, errorType)) found = { line, text: clip(node.getText().replace(/\s+/g, " "), 200) };
    return undefined;
  });
  return found;
}

function isRefusal(thrown: ts.Expression, errorType: string | null): boolean {
  if (!ts.isNewExpression(thrown) && !ts.isCallExpression(thrown)) return false;
  const callee = thrown.expression;
  const name = ts.isPropertyAccessExpression(callee) ? callee.name.text : callee.getText();
  // The error that was reported is another one than the one thrown here: the line has changed since.
  if (errorType !== null && ts.isNewExpression(thrown) && errorType !== name && errorType !== "Error") return false;
  if (refusals.test(name)) return true;
  if (!withStatus.test(name)) return false;
  return /\b4\d\d\b|\b(?:BAD_REQUEST|UNAUTHORIZED|FORBIDDEN|NOT_FOUND|CONFLICT|GONE|UNPROCESSABLE_ENTITY|TOO_MANY_REQUESTS)\b/.test(
    thrown.getText(),
  );
}
