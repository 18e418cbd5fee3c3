import { ts } from "ts-morph";
import { type Code, eachNode, type FunctionNode, isFunction, nameOf } from "../code/syntax.ts";

/** A function that answers requests, and the way in which it does. */
export interface Handler {
  style: "web" | "express" | "fastify" | "hono" | "other";
  /** The parameter that the answer goes through, or the class that makes it; `undefined` where errors are thrown. */
  through: string | undefined;
}

const methods = /^(GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS|ALL|loader|action)$/;
const routers = /^(get|post|put|patch|delete|del|head|options|all|use|route|on|handle|middleware|openapi)$/i;
const wrappers =
  /^(?:define(?:Cached)?EventHandler|eventHandler|asyncHandler|catchAsync|wrap\w*|with[A-Z]\w*|create\w*Handler|handler)$/;

/** How `fn` answers requests; `undefined` when it does not look like a function that does. */
export function handlerOf(fn: FunctionNode, code: Code): Handler | undefined {
  const [first, second] = fn.parameters.map(({ name }) => (ts.isIdentifier(name) ? name.text : undefined));
  const calls = callsOn(fn);
  const has = (owner: string | undefined, names: RegExp) =>
    owner !== undefined && [...(calls.get(owner) ?? [])].some((name) => names.test(name));
  if (has(second, /^code$/) || (second === "reply" && calls.has("reply"))) return { style: "fastify", through: second };
  if (has(second, /^(status|json|send|sendStatus|end|render|redirect|set|setHeader|writeHead|type)$/)) {
    return { style: "express", through: second };
  }
  if (second !== undefined && /^(res|response)$/.test(second) && /^_?(req|request)$/.test(first ?? ""))
    return { style: "express", through: second };
  if (has(first, /^(json|text|html|body|notFound)$/) && /^(c|ctx|context)$/.test(first ?? ""))
    return { style: "hono", through: first };
  if (answersWeb(fn, code))
    return { style: "web", through: /\bNextResponse\b/.test(code.text) ? "NextResponse" : "Response" };
  return isRegistered(fn) ? { style: "other", through: undefined } : undefined;
}

function answersWeb(fn: FunctionNode, code: Code): boolean {
  if (/\bResponse\b/.test(fn.type?.getText() ?? "")) return true;
  if (methods.test(nameOf(fn)) && /(^|\/)(route|\+server|.*\.server)\.[cm]?[jt]sx?$|\/(routes|api)\//.test(code.path))
    return true;
  let found = false;
  if (fn.body === undefined) return false;
  eachNode(fn.body, (node) => {
    if (isFunction(node)) return false;
    if (ts.isReturnStatement(node))
      found ||= /^(new Response\(|(Next)?Response\.)/.test(node.expression?.getText() ?? "");
    return undefined;
  });
  return found;
}

/** Handed to a router or to a wrapper that makes a handler of it, or a controller's method. */
function isRegistered(fn: FunctionNode): boolean {
  const { parent } = fn;
  if (ts.isCallExpression(parent) && parent.expression !== fn) {
    const callee = parent.expression;
    if (ts.isIdentifier(callee)) return wrappers.test(callee.text);
    const [path] = parent.arguments;
    const hasPath = path !== undefined && (ts.isStringLiteralLike(path) || ts.isRegularExpressionLiteral(path));
    return ts.isPropertyAccessExpression(callee) && routers.test(callee.name.text) && hasPath;
  }
  if (ts.isPropertyAssignment(parent)) return parent.name.getText() === "handler";
  if (!ts.isMethodDeclaration(fn) || !ts.isClassLike(fn.parent)) return false;
  const decorators = [...(ts.getDecorators(fn.parent) ?? []), ...(ts.getDecorators(fn) ?? [])].map((one) =>
    one.getText(),
  );
  return decorators.some((text) =>
    /^@(Controller|RestController|JsonController|Resolver|Get|Post|Put|Patch|Delete)\b/.test(text),
  );
}

/** Which methods the function calls on each of its names. */
function callsOn(fn: FunctionNode): Map<string, Set<string>> {
  const calls = new Map<string, Set<string>>();
  if (fn.body === undefined) return calls;
  eachNode(fn.body, (node) => {
    if (!ts.isCallExpression(node) || !ts.isPropertyAccessExpression(node.expression)) return;
    const { expression: owner, name } = node.expression;
    if (ts.isIdentifier(owner)) calls.set(owner.text, (calls.get(owner.text) ?? new Set()).add(name.text));
  });
  return calls;
}
