import { ts } from "ts-morph";
import type { Snapshot } from "#ports/repository.ts";
import { type Code, eachNode, functionAround, parse, startLine } from "./code/syntax.ts";
import { clip } from "./findings.ts";
import type { Place } from "./places.ts";

const refusals =
  /^(?:\w{0,40}(?:Validation|BadRequest|NotFound|Unauthori[sz]ed|Unauthenticated|Forbidden|Conflict|TooManyRequests|RateLimit|Permission|AccessDenied|Denied|PaymentRequired|Unprocessable\w{0,10}|InvalidInput|InvalidRequest)\w{0,20}?(?:Error|Exception)?)$/;
/** They refuse when they are told a status of the 400s. */
const withStatus =
  /^(?:\w{0,40}(?:Http|HTTP|Api|API|App|Client|Request|Response|Service|Domain|RPC|GraphQL)\w{0,20}(?:Error|Exception)|createError|createHttpError|httpError|httpErrors|error|abort|throw|assert|fail)$/;
/** Of libraries of errors: `boom.notFound()`, `httpErrors.badRequest()`, `notFound()`. */
const named =
  /^(?:badRequest|unauthorized|forbidden|notFound|conflict|gone|tooManyRequests|unprocessableEntity|paymentRequired|methodNotAllowed|notAcceptable|payloadTooLarge)$/;
const statusName =
  /^(?:BAD_REQUEST|UNAUTHORIZED|UNAUTHENTICATED|PAYMENT_REQUIRED|FORBIDDEN|NOT_FOUND|METHOD_NOT_ALLOWED|NOT_ACCEPTABLE|CONFLICT|GONE|PRECONDITION_FAILED|PAYLOAD_TOO_LARGE|UNPROCESSABLE_ENTITY|UNPROCESSABLE_CONTENT|TOO_MANY_REQUESTS|INVALID_REQUEST|INVALID_BODY|INVALID_INPUT|BAD_USER_INPUT|ALREADY_EXISTS|LIMIT_EXCEEDED|RATE_LIMITED|ACCESS_DENIED|PERMISSION_DENIED|VALIDATION_ERROR)$/;

/** Calls that end a request with a status, and never come back. */
const ending =
  /^(?:ctx|context|c|event|this|reply|app|req|request)\.(?:throw|assert|notFound|unauthorized|forbidden|error|abort)$|^(?:notFound|unauthorized|forbidden|error|abort|fail)$/;

/** The statement at `places` that throws a refusal (a 4xx, a failed validation), if the error came from one. */
export async function denialAt(
  places: Place[],
  errorType: string | null,
  snapshot: Snapshot,
): Promise<{ path: string; line: number; text: string } | undefined> {
  for (const place of places) {
    const text = await snapshot.read(place.path);
    const code = text === undefined ? undefined : parse(place.path, text);
    if (code === undefined) return undefined;
    const found = refusalAt(place, errorType, code);
    if (found !== undefined) return { path: place.path, ...found };
    // The innermost line may be the error's own making; who threw it is one further out.
    if (!isInErrorClass(place, code)) return undefined;
  }
  return undefined;
}

function refusalAt(place: Place, errorType: string | null, code: Code): { line: number; text: string } | undefined {
  let found: { line: number; text: string } | undefined;
  eachNode(code.source, (node) => {
    if (found !== undefined) return false;
    if (
      !ts.isThrowStatement(node) &&
      !ts.isReturnStatement(node) &&
      !ts.isExpressionStatement(node) &&
      !ts.isVariableStatement(node)
    )
      return undefined;
    const line = startLine(code, node);
    const last = code.source.getLineAndCharacterOfPosition(node.getEnd()).line + 1;
    if (place.line < line || place.line > last) return undefined;
    const made = madeIn(node, place, code);
    if (made.some((one) => isRefusal(one, errorType) || isMarkedLater(one, node)))
      found = { line, text: clip(node.getText().replace(/\s+/g, " "), 200) };
    return undefined;
  });
  return found;
}

/** What the statement throws, or hands to whoever ends the request; functions in it are other people's. */
function madeIn(statement: ts.Statement, place: Place, code: Code): (ts.NewExpression | ts.CallExpression)[] {
  const found: (ts.NewExpression | ts.CallExpression)[] = [];
  const around = functionAround(statement);
  eachNode(statement, (node) => {
    if (node !== statement && functionAround(node) !== around) return false;
    const isMade = ts.isNewExpression(node) || ts.isCallExpression(node);
    const isHere = isMade && (ts.isThrowStatement(statement) || startLine(code, node) === place.line);
    if (isMade && isHere) found.push(node);
    return undefined;
  });
  return found;
}

function isRefusal(made: ts.NewExpression | ts.CallExpression, errorType: string | null): boolean {
  const callee = made.expression;
  const name = ts.isPropertyAccessExpression(callee) ? callee.name.text : callee.getText();
  const isThrown = ts.isThrowStatement(made.parent) || isHandedToNext(made) || endsRequest(made);
  if (!isThrown) return false;
  // The error that was reported is another one than the one thrown here: the line has changed since.
  if (errorType !== null && ts.isNewExpression(made) && errorType !== name && errorType !== "Error") return false;
  if (refusals.test(name)) return ts.isNewExpression(made) || ts.isThrowStatement(made.parent);
  if (named.test(name))
    return (
      !ts.isPropertyAccessExpression(callee) || /(?:boom|error|errors|exception)s?$/i.test(callee.expression.getText())
    );
  return withStatus.test(name) && (made.arguments ?? []).some(saysStatus);
}

/** `next(new HttpError(404))`, `reject(createError(403))`. */
function isHandedToNext({ parent }: ts.Node): boolean {
  return ts.isCallExpression(parent) && /(?:^|\.)(?:next|reject|done|callback|cb)$/.test(parent.expression.getText());
}

/** `ctx.throw(404)`, `notFound()`: a call that never comes back. */
function endsRequest(made: ts.NewExpression | ts.CallExpression): boolean {
  if (!ts.isCallExpression(made)) return false;
  const isStatement =
    ts.isExpressionStatement(made.parent) || ts.isReturnStatement(made.parent) || ts.isAwaitExpression(made.parent);
  return isStatement && ending.test(made.expression.getText());
}

/** A status of the 400s among what the error is told: as a number, by its name, or under `status` or `code`. */
function saysStatus(argument: ts.Expression): boolean {
  if (ts.isNumericLiteral(argument)) return /^4\d\d$/.test(argument.text);
  if (ts.isStringLiteralLike(argument)) return statusName.test(argument.text);
  if (ts.isPropertyAccessExpression(argument))
    return (
      statusName.test(argument.name.text) ||
      /^(?:BadRequest|Unauthorized|Forbidden|NotFound|Conflict|InvalidRequest)$/.test(argument.name.text)
    );
  if (!ts.isObjectLiteralExpression(argument)) return false;
  return argument.properties.some((property) => {
    const isStatus =
      ts.isPropertyAssignment(property) &&
      /^(?:status|statusCode|code|httpStatus|extensions)$/.test(property.name.getText());
    return isStatus && ts.isPropertyAssignment(property) && saysStatus(property.initializer);
  });
}

/** `const error = new Error("…"); error.status = 404; throw error`. */
function isMarkedLater(made: ts.Node, statement: ts.Statement): boolean {
  const { parent } = made;
  if (!ts.isNewExpression(made) || !ts.isVariableDeclaration(parent) || !ts.isIdentifier(parent.name)) return false;
  const siblings = ts.isBlock(statement.parent) || ts.isSourceFile(statement.parent) ? statement.parent.statements : [];
  const mark = new RegExp(`^${parent.name.text}\\.(?:status|statusCode) ?= ?4\\d\\d;?$`);
  return siblings.some((one) => one.pos >= statement.end && mark.test(one.getText()));
}

/** The line belongs to the making of an error: the constructor of a class of errors. */
function isInErrorClass(place: Place, { source }: Code): boolean {
  let found = false;
  eachNode(source, (node) => {
    if (!ts.isClassLike(node)) return;
    const first = source.getLineAndCharacterOfPosition(node.getStart()).line + 1;
    const last = source.getLineAndCharacterOfPosition(node.getEnd()).line + 1;
    const isError = node.heritageClauses?.some((clause) => /(?:Error|Exception)\b/.test(clause.getText())) === true;
    found ||= isError && first <= place.line && place.line <= last;
  });
  return found;
}
