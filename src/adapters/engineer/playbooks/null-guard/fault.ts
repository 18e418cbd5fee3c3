import { ts } from "ts-morph";
import type { Snapshot } from "#ports/repository.ts";
import { type OpenFile, openFile } from "../code/project.ts";
import { type Code, declarationOf, functionAround, keyOf, lineOf, rootOf, unwrap } from "../code/syntax.ts";
import { accessReason } from "../findings.ts";
import type { Place } from "../places.ts";
import { type Access, accessAt } from "./access.ts";
import type { NullishError } from "./error-text.ts";
import { type Origin, originOf } from "./origin.ts";
import { isGuarded } from "./presence.ts";

/** A read from nothing, located in the code. */
export interface Fault {
  open: OpenFile;
  code: Code;
  place: Place;
  error: NullishError;
  access: Access;
  /** The receiver's name for comparisons; `undefined` when each look at it may give another value. */
  key: string | undefined;
  /** The receiver as the code writes it. */
  shown: string;
  line: number;
  origin: Origin;
}

export type Located =
  | { kind: "fault"; fault: Fault }
  | { kind: "already_guarded"; fault: Fault }
  | { kind: "unknown"; because: string };

/** Finds what was nothing at `place`, or says why it cannot be told. */
export async function locate(place: Place, error: NullishError, snapshot: Snapshot): Promise<Located> {
  if (place.through !== null) {
    const because = `the error arose inside ${place.through}, called from ${place.path}:${place.line}; what was wrong with the call is not known`;
    return { kind: "unknown", because };
  }
  const open = await openFile(place.path, snapshot);
  if (typeof open === "string") return { kind: "unknown", because: open };
  const { code } = open;
  if (place.line > code.source.getLineStarts().length) {
    return { kind: "unknown", because: `${place.path} has no line ${place.line} in this version` };
  }
  const access = accessAt(code, place, error);
  if (typeof access === "string") return { kind: "unknown", because: access };
  const fault = faultOf(open, place, error, access);
  const contradiction = deniedByTypes(fault);
  if (error.form !== "call" && isPresent(fault)) return { kind: "already_guarded", fault };
  return contradiction === undefined ? { kind: "fault", fault } : { kind: "unknown", because: contradiction };
}

function faultOf(open: OpenFile, place: Place, error: NullishError, access: Access): Fault {
  const { code } = open;
  return {
    open,
    code,
    place,
    error,
    access,
    key: keyOf(access.receiver),
    shown: access.receiver.getText().replace(/\s+/g, " ").slice(0, 120),
    line: lineOf(
      code,
      ts.isPropertyAccessExpression(access.node) ? access.node.name.getStart() : access.receiver.getStart(),
    ),
    origin: originOf(access.receiver, code),
  };
}

/** The value is tested already, or nothing is read from it when it is missing. */
function isPresent({ access, key, error }: Fault): boolean {
  const { node } = access;
  const isOptional =
    (ts.isPropertyAccessExpression(node) || ts.isElementAccessExpression(node) || ts.isCallExpression(node)) &&
    node.questionDotToken !== undefined;
  if (isOptional) return true;
  return key !== undefined && isGuarded(node, key, error.value === "nullish" ? "undefined" : error.value);
}

/**
 * Where strict types say that a parameter (or a property of one) is always there, whoever passes it broke that promise,
 * and a guard here would only hide it.
 */
function deniedByTypes({ open, access, error, shown, place }: Fault): string | undefined {
  if (error.property === "prototype") return `\`${shown}\` is a class that is not there; no guard would bring it`;
  if (isOfModule(access.receiver))
    return `\`${shown}\` is no part of the module it is read from: a module has a name or it has not, and no guard would bring it`;
  if (error.form === "call") {
    return isOptionalFunction(open, access.receiver)
      ? undefined
      : `\`${shown}\` is not a function; what it is instead is not known`;
  }
  if (!open.isStrict || doubtful(access.receiver)) return undefined;
  const root = rootOf(access.receiver);
  const binding = root === undefined ? undefined : declarationOf(root.text, access.receiver);
  if (binding?.kind !== "parameter" || binding.node.type === undefined) return undefined;
  const type = open.checker.getTypeAtLocation(access.receiver);
  const isKnown = (type.flags & (ts.TypeFlags.Any | ts.TypeFlags.Unknown)) === 0;
  if (!isKnown || mayBeNothing(type)) return undefined;
  return `\`${shown}\` at ${place.path}:${place.line} is ${error.value} although its type says that it is always there: the fault lies with whoever passes it`;
}

/** A member of a whole module of the repository: `settings.limits` after `const settings = require("./settings")`. */
function isOfModule(receiver: ts.Expression): boolean {
  const at = unwrap(receiver);
  if (!ts.isPropertyAccessExpression(at) || !ts.isIdentifier(at.expression)) return false;
  const binding = declarationOf(at.expression.text, at);
  if (binding?.kind === "variable" && binding.element === undefined)
    return /^require\(\s*["']\.{1,2}\//.test(binding.node.initializer?.getText() ?? "");
  return binding?.kind === "other" && /^import\s+\*\s+as\b[^"']*["']\.{1,2}\//.test(binding.node.getText());
}

/** An entry of a list, an assertion: there the type says more than anyone checked. */
function doubtful(receiver: ts.Expression): boolean {
  let at: ts.Expression = receiver;
  for (;;) {
    if (ts.isElementAccessExpression(at) || ts.isNonNullExpression(at) || ts.isAsExpression(at)) return true;
    if (!ts.isPropertyAccessExpression(at) && !ts.isParenthesizedExpression(at)) return false;
    at = at.expression;
  }
}

export function mayBeNothing(type: ts.Type): boolean {
  const nothing = ts.TypeFlags.Undefined | ts.TypeFlags.Null | ts.TypeFlags.Void;
  return type.isUnion() ? type.types.some(({ flags }) => flags & nothing) : (type.flags & nothing) !== 0;
}

function isOptionalFunction({ checker }: OpenFile, callee: ts.Expression): boolean {
  const type = checker.getTypeAtLocation(unwrap(callee));
  return mayBeNothing(type) && checker.getNonNullableType(type).getCallSignatures().length > 0;
}

/** Whether the surroundings decide about access: a person should see such a change. */
export function touchesAccess({ code, access }: Fault): boolean {
  const fn = functionAround(access.node);
  return accessReason(code.path, fn?.name?.getText() ?? "") !== null;
}
