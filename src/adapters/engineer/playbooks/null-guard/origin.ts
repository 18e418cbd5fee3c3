import { ts } from "ts-morph";
import {
  type Binding,
  type Code,
  declarationOf,
  eachNode,
  type FunctionNode,
  functionAround,
  rootOf,
  statementAround,
  unwrap,
} from "../code/syntax.ts";

import { nothingOf } from "./presence.ts";

/** Where a value came from, as far as the code says. */
export type Source =
  /** A search that may find nothing. */
  | "lookup"
  /** What a client sent. */
  | "input"
  /** Who is signed in. */
  | "session"
  /** Another service's answer. */
  | "external"
  | "call"
  | "parameter"
  | "unknown";

export interface Origin {
  source: Source;
  /** The expression that gave the value, for the reader. */
  text: string;
  at: ts.Node;
  /** The declaration's own statement, when it stands in a function's body. */
  statement: ts.Statement | undefined;
  fn: FunctionNode | undefined;
  /** What is missing, in words: `campaign`, `user profile`. */
  noun: string;
}

const stepsMax = 5;

/** Follows a value back through constants and properties to the call or parameter that it came from. */
export function originOf(receiver: ts.Expression, code: Code): Origin {
  const root = rootOf(receiver);
  const binding = root === undefined ? undefined : declarationOf(root.text, receiver);
  const source = sourceOf(receiver, stepsMax);
  const declared = binding?.kind === "variable" ? binding.node : undefined;
  const at = binding === undefined || binding.kind === "other" ? receiver : binding.node;
  const statement = isInline(receiver) ? undefined : declared && statementAround(declared);
  return {
    source,
    text: clean((declared === undefined ? receiver : (givenTo(declared)[0] ?? receiver)).getText()),
    at,
    statement,
    fn: statement === undefined ? undefined : functionAround(statement),
    noun: nounOf(receiver, binding, code),
  };
}

/** The value is the result of a call in the middle of the expression: no name holds it. */
export function isInline(receiver: ts.Expression): boolean {
  let at = unwrap(receiver);
  while (ts.isPropertyAccessExpression(at) || ts.isElementAccessExpression(at)) at = unwrap(at.expression);
  return ts.isCallExpression(at) || ts.isAwaitExpression(at);
}

function sourceOf(expression: ts.Expression, steps: number): Source {
  const at = unwrap(expression);
  if (steps === 0) return "unknown";
  if (ts.isAwaitExpression(at)) return sourceOf(at.expression, steps);
  if (ts.isCallExpression(at)) return ofCall(at, steps);
  if (ts.isBinaryExpression(at)) return sourceOf(at.left, steps - 1);
  if (ts.isPropertyAccessExpression(at) || ts.isElementAccessExpression(at)) return ofChain(at, steps);
  if (!ts.isIdentifier(at)) return "unknown";
  return ofBinding(declarationOf(at.text, at), steps);
}

function ofBinding(binding: Binding | undefined, steps: number): Source {
  if (binding?.kind === "parameter")
    return isRequestPart(binding.element?.name.getText() ?? "") ? "input" : "parameter";
  if (binding?.kind !== "variable") return "unknown";
  const sources = new Set(givenTo(binding.node).map((value) => sourceOf(value, steps - 1)));
  const [only] = sources;
  return only !== undefined && sources.size === 1 ? only : "unknown";
}

/** What a variable is given: where it is declared, or by its assignments when it is declared empty. */
function givenTo({ initializer, name, parent }: ts.VariableDeclaration): ts.Expression[] {
  if (initializer !== undefined && nothingOf(initializer) === undefined) return [initializer];
  const scope = functionAround(parent)?.body;
  if (scope === undefined || !ts.isIdentifier(name)) return [];
  const given: ts.Expression[] = [];
  eachNode(scope, (node) => {
    const isAssignment = ts.isBinaryExpression(node) && node.operatorToken.kind === ts.SyntaxKind.EqualsToken;
    if (isAssignment && ts.isIdentifier(node.left) && node.left.text === name.text) given.push(node.right);
  });
  return given;
}

function ofChain(at: ts.PropertyAccessExpression | ts.ElementAccessExpression, steps: number): Source {
  const root = rootOf(at);
  const binding = root === undefined ? undefined : declarationOf(root.text, at);
  if (binding?.kind === "parameter" && !/(?<!\.json)\(/.test(at.getText())) {
    return isRequestPart(at.getText()) && requests.test(root?.text ?? "")
      ? "input"
      : isSession(at.getText())
        ? "session"
        : "parameter";
  }
  const inner = sourceOf(at.expression, steps - 1);
  // An entry of a list that was looked up is looked up as well; a property of something found is another matter.
  const isEntry =
    ts.isElementAccessExpression(at) ||
    /^(data|rows|row|result|results|records|item|items|Item|Items)$/.test(at.name.text);
  const isOfFound = root !== undefined && ts.isElementAccessExpression(at) && sourceOf(root, steps - 1) === "lookup";
  if (isOfFound) return "lookup";
  if (inner === "lookup" && !isEntry) return "unknown";
  return inner === "call" && ts.isElementAccessExpression(at) ? "lookup" : inner;
}

const lookups =
  /^(?:find|get|fetch|load|lookup|lookUp|read|query|select|first|one|single|maybeSingle|retrieve|search|resolve|pick|at|pop|shift|match|exec|closest|querySelector|execute)(?:[A-Z_]\w*)?$|(?:ById|ByName|ByEmail|BySlug|ByKey|First|Unique|One|OrNull|OrUndefined)$/;
const sessions =
  /^(?:auth|getSession|getServerSession|getUser|currentUser|getCurrentUser|getToken|useSession|getAuth|verifyToken|verifySession|jwtVerify)$/;

function ofCall(call: ts.CallExpression, steps: number): Source {
  const callee = unwrap(call.expression);
  const name = ts.isPropertyAccessExpression(callee) ? callee.name.text : callee.getText();
  const owner = ts.isPropertyAccessExpression(callee) ? callee.expression.getText() : "";
  if (sessions.test(name)) return "session";
  if (/^(json|formData|body|parseBody|valid)$/.test(name)) {
    const root = rootOf(callee);
    const binding = root === undefined ? undefined : declarationOf(root.text, call);
    return binding?.kind === "parameter" ? "input" : "external";
  }
  if (name === "get" && isRequestPart(owner)) return "input";
  if (/^(fetch|axios|got|ky)$/.test(name) || /^(axios|got|ky|http|api|client)$/i.test(owner)) return "external";
  if (name === "parse" && owner === "JSON") {
    const [first] = call.arguments;
    return first !== undefined && sourceOf(first, steps - 1) === "input" ? "input" : "external";
  }
  if (lookups.test(name)) return "lookup";
  return ts.isPropertyAccessExpression(callee) &&
    /^(then|catch|limit|offset|where|from|eq|orderBy|lean|populate|select|returning)$/.test(name) &&
    rootOf(callee) !== undefined
    ? "lookup"
    : "call";
}

const requests = /^_?(?:req|request|ctx|context|c|event|evt|params|query|body|headers|searchParams|formData|url)$/i;

function isRequestPart(text: string): boolean {
  return /(^|\.)(body|query|params|headers|cookies|searchParams|formData|rawBody|payload|nextUrl)(\b|$)/.test(text);
}

function isSession(text: string): boolean {
  return /(^|\.)(session|user|auth|currentUser)$/.test(text);
}

const vague =
  /^(?:result|results|res|data|row|rows|response|record|records|item|items|doc|entity|object|obj|found|existing|value|entry|match|hit|one|it|x|r|d|ret|output|body|json|payload)$/i;

/** What a person would call the thing that is missing. */
function nounOf(receiver: ts.Expression, binding: Binding | undefined, code: Code): string {
  const at = unwrap(receiver);
  const own = ts.isPropertyAccessExpression(at) ? at.name.text : ts.isIdentifier(at) ? at.text : "";
  if (own !== "" && !vague.test(own)) return words(own);
  const initializer = isInline(receiver)
    ? receiver
    : binding?.kind === "variable"
      ? binding.node.initializer
      : undefined;
  const called = initializer === undefined ? "" : subjectOfCall(initializer.getText());
  if (called !== "") return called;
  const folder = /\/api\/(?:[^/]+\/)*?([a-z][\w-]+?)(?:\/\[[^/]+\])?(?:\/[a-z-]+)?\/route\.[jt]s$/.exec(code.path)?.[1];
  return folder === undefined ? "" : singular(words(folder));
}

/** `findCampaign(id)`, `db.campaign.findFirst()`, `from('campaigns')`, `FROM campaigns`, `Campaign.findById(id)`, `users.find()`. */
function subjectOfCall(text: string): string {
  const patterns = [
    /\bfrom\(\s*['"`]?(\w{2,60})/,
    /\bFROM\s+["`]?(?:\w{1,60}\.)?(\w{2,60})/i,
    /\.(\w{2,60})\.(?:find|get|query)(?:Unique|First|One|ById|Many)?(?:OrThrow)?\(/,
    /\b(?:find|get|fetch|load|lookup|read|retrieve)(?:One|First)?([A-Z]\w{1,60}?)(?:By[A-Z]\w*)?\(/,
    /\b([A-Za-z]\w{2,60})\.(?:find|get|at|first|pop|shift)\w{0,20}\(/,
  ];
  for (const pattern of patterns) {
    const noun = pattern.exec(text.slice(0, 2_000))?.[1];
    if (
      noun !== undefined &&
      !vague.test(noun) &&
      !/^(db|prisma|client|this|query|collection|map|cache|await)$/i.test(noun)
    )
      return singular(words(noun));
  }
  return "";
}

/** `userProfileRow` → `user profile`. */
function words(name: string): string {
  return name
    .replace(/^(?:existing|found|current|maybe|db|the|my|get|raw|fetched)(?=[A-Z_])_?/, "")
    .replace(/_?(?:Row|Doc|Record|Result|Data|Entity|Model|Or(?:Null|Undefined))$/i, (suffix, offset: number) =>
      offset === 0 ? suffix : "",
    )
    .replace(/([a-z\d])([A-Z])/g, "$1 $2")
    .replace(/[_$-]+/g, " ")
    .trim()
    .toLowerCase();
}

function singular(noun: string): string {
  if (/(ss|us|is)$/.test(noun)) return noun;
  return noun
    .replace(/ies$/, "y")
    .replace(/(x|ch|sh|ss)es$/, "$1")
    .replace(/(?<!s)s$/, "");
}

function clean(text: string): string {
  const plain = text.replace(/\s+/g, " ");
  return plain.length > 120 ? `${plain.slice(0, 119)}…` : plain;
}
