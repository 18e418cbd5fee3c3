import { ts } from "ts-morph";
import { isTestFile, type ReviewedFile } from "./added-lines.ts";

/** Names of standards and kinds, which hold digits as well. */
const wellKnown = /^(sha|md|utf|iso|es|ecma|rfc|p|http|https|base|aes|rsa|ed|oauth|hs|rs|tls|ipv|x|v|latin)[-_. ]?\d/i;
const lettersMin = 6;
/** Below it are codes of HTTP, and counts. */
const numberMin = 1_001;

/**
 * A comparison with one concrete value repairs that value, not the program (reliability D8): with a value that the change's
 * tests know, or with one that looks like somebody's or something's identity.
 */
export function specialCase(node: ts.Node, file: ReviewedFile, tests: ReviewedFile[]): string | undefined {
  if (isTestFile(file.path)) return undefined;
  for (const value of comparedWith(node)) {
    if (ts.isNumericLiteral(value)) {
      const number = Number(value.text);
      const isRound = number % 100 === 0 || (number & (number - 1)) === 0;
      if (number >= numberMin && !isRound && !known(file, value.getText()))
        return "treats one number as a special case";
      continue;
    }
    if (!ts.isStringLiteralLike(value)) continue;
    const { text } = value;
    if (text.length < lettersMin || known(file, text)) continue;
    if (/\d/.test(text) && tests.some(({ after }) => after?.includes(text)))
      return "treats a value of the tests as a special case";
    const isIdentity =
      (/\d{3}|[0-9a-f]{8}-[0-9a-f]{4}/i.test(text) && !wellKnown.test(text)) || /^\S+@\S+\.\w+$/.test(text);
    if (isIdentity) return "treats one value as a special case";
  }
  return undefined;
}

function known({ before }: ReviewedFile, text: string): boolean {
  return before?.includes(text) ?? false;
}

/** What a node compares something with: by an operator, as a case, or as a list that is searched. */
function comparedWith(node: ts.Node): ts.Expression[] {
  if (ts.isCaseClause(node)) return [node.expression];
  if (ts.isBinaryExpression(node)) {
    const equals = [
      ts.SyntaxKind.EqualsEqualsEqualsToken,
      ts.SyntaxKind.EqualsEqualsToken,
      ts.SyntaxKind.ExclamationEqualsEqualsToken,
      ts.SyntaxKind.ExclamationEqualsToken,
    ];
    return equals.includes(node.operatorToken.kind) ? [node.left, node.right] : [];
  }
  if (!ts.isCallExpression(node) || !ts.isPropertyAccessExpression(node.expression)) return [];
  const { name, expression: owner } = node.expression;
  if (/^(startsWith|endsWith|equals|localeCompare)$/.test(name.text)) return [...node.arguments];
  const searches = /^(includes|indexOf|has|some)$/.test(name.text);
  return searches && ts.isArrayLiteralExpression(owner) ? [...owner.elements] : [];
}
