import { ts } from "ts-morph";
import type { Snapshot } from "#ports/repository.ts";
import { onlySlip, type Slip } from "../code/likeness.ts";
import type { OpenFile } from "../code/project.ts";
import { declarationOf, keyOf } from "../code/syntax.ts";
import type { Reading } from "./reading.ts";

/** The member that was meant, and how sure that is. */
export interface Kinship {
  slip: Slip;
  /** Why, as a clause. */
  shown: string;
  /** Where the right one is declared, when that is in the repository. */
  at: { file: string; line: number } | undefined;
  certainty: number;
  /** Whether another value is of the same kind, so that the same name is misspelt there too. */
  isKin(owner: ts.Expression): boolean;
}

const placesMax = 200;
const usesMin = 2;
/** `e`, `x`, `db`: names that stand for many things. */
const vagueLettersMax = 2;
const membersMax = 3_000;

/** The one member of the owner that can be meant; `undefined` when the name is no slip, a sentence when that is unclear. */
export async function meantMember(
  reading: Reading,
  open: OpenFile,
  snapshot: Snapshot,
): Promise<Kinship | string | undefined> {
  const { checker } = open;
  const type = checker.getApparentType(checker.getNonNullableType(checker.getTypeAtLocation(reading.owner)));
  if (!(type.flags & (ts.TypeFlags.Any | ts.TypeFlags.Unknown))) return byType(reading, type, open);
  return byBuiltinModule(reading) ?? (await byUse(reading, snapshot)) ?? byLanguage(reading);
}

function byType(
  { name, owner, isCalled }: Reading,
  type: ts.Type,
  { checker }: OpenFile,
): Kinship | string | undefined {
  const parts = type.isUnion() ? type.types : [type];
  const isOpen = parts.some(
    (part) =>
      part.flags & (ts.TypeFlags.Any | ts.TypeFlags.Unknown) ||
      checker.getPropertyOfType(part, name.text) !== undefined ||
      checker.getIndexTypeOfType(part, ts.IndexKind.String) !== undefined,
  );
  if (isOpen) return undefined;
  const members = checker.getPropertiesOfType(type).slice(0, membersMax);
  const fitting = members.filter((member) => !isCalled || isCallable(checker.getTypeOfSymbolAtLocation(member, owner)));
  const slip = onlySlip(
    name.text,
    fitting.map((member) => member.name),
  );
  if (slip === undefined) return undefined;
  if (slip.isOtherForm)
    return `\`${name.text}\` may be meant as \`${slip.name}\`, or as something that is not there yet`;
  const declared = fitting.find((member) => member.name === slip.name)?.declarations?.[0];
  const source = declared?.getSourceFile();
  const isOwn = source !== undefined && !source.fileName.startsWith("/node_modules/");
  const line =
    declared === undefined || source === undefined
      ? 1
      : source.getLineAndCharacterOfPosition(declared.getStart()).line + 1;
  const file = source?.fileName.slice(1) ?? "";
  return {
    slip,
    shown: isOwn
      ? `of all its members only \`${slip.name}\` (${file}:${line}) can be meant`
      : `\`${slip.name}\` is the only one of its members that can be meant`,
    at: isOwn ? { file, line } : undefined,
    certainty: 94,
    isKin: (other) => checker.getApparentType(checker.getNonNullableType(checker.getTypeAtLocation(other))) === type,
  };
}

function isCallable(type: ts.Type): boolean {
  if (type.flags & ts.TypeFlags.Any) return true;
  return type.getCallSignatures().length > 0 || type.getConstructSignatures().length > 0;
}

const builtinModules = new Set(
  "assert buffer child_process crypto dns events fs fs/promises http https net os path querystring readline stream timers timers/promises url util zlib".split(
    " ",
  ),
);

/** `fs.raedFile()`: Node's own modules say themselves what they hold. */
function byBuiltinModule({ name, owner }: Reading): Kinship | undefined {
  if (!ts.isIdentifier(owner)) return undefined;
  const binding = declarationOf(owner.text, owner);
  const text = binding?.node.getText() ?? "";
  const called = /(?:from\s*|require\(\s*)["'](?:node:)?([\w/]{2,20})["']/.exec(text.slice(0, 300))?.[1];
  if (
    called === undefined ||
    !builtinModules.has(called) ||
    (binding?.kind === "variable" && binding.element !== undefined)
  )
    return undefined;
  const module: unknown = process.getBuiltinModule(called);
  if (typeof module !== "object" && typeof module !== "function") return undefined;
  const names = Object.keys(module ?? {});
  const slip = names.includes(name.text) ? undefined : onlySlip(name.text, names);
  if (slip === undefined || slip.isOtherForm) return undefined;
  return {
    slip,
    shown: `\`${slip.name}\` is the only name in Node's module \`${called}\` that can be meant`,
    at: undefined,
    certainty: 94,
    isKin: (other) => other.getText() === owner.text,
  };
}

/** Nothing says what the owner is; but everywhere else it is asked for another, very similar name. */
async function byUse({ name, owner, isCalled }: Reading, snapshot: Snapshot): Promise<Kinship | undefined> {
  const key = keyOf(owner);
  if (key === undefined || key.length > 100) return undefined;
  const counts = new Map<string, { count: number; at: { file: string; line: number } }>();
  for (const { path, line, text } of await snapshot.search(`${key}.`, placesMax)) {
    const uses = new RegExp(
      `(?<![\\w$.])${key.replace(/[$\\^*+?.()|[\]{}]/g, "\\$&")}\\??\\.([A-Za-z_$][\\w$]*)${isCalled ? "(?=\\()" : ""}`,
      "g",
    );
    for (const [, used = ""] of text.matchAll(uses)) {
      const known = counts.get(used);
      counts.set(used, { count: (known?.count ?? 0) + 1, at: known?.at ?? { file: path, line } });
    }
  }
  counts.delete(name.text);
  const usual = [...counts].filter(([, { count }]) => count >= (key.length <= vagueLettersMax ? usesMin + 1 : usesMin));
  const slip = onlySlip(
    name.text,
    usual.map(([one]) => one),
  );
  const found = slip === undefined ? undefined : counts.get(slip.name);
  if (slip === undefined || found === undefined || slip.isOtherForm || slip.steps > 1) return undefined;
  return {
    slip,
    shown: `in ${found.count} other places it is asked for \`${slip.name}\` (${found.at.file}:${found.at.line}), and for \`${name.text}\` only here`,
    at: found.at,
    certainty: 86,
    isKin: (other) => keyOf(other) === key,
  };
}

/** `text.toLowercase()`: nobody declares such a name, and the language has one that differs by a slip. */
function byLanguage({ name, owner, isCalled }: Reading): Kinship | undefined {
  const names = isCalled ? languageMethods() : ["length"];
  const slip = onlySlip(name.text, names);
  if (slip === undefined || slip.isOtherForm || slip.steps > 1.5 || name.text.length < 5) return undefined;
  return {
    slip,
    shown: `nothing in the repository has that name, and \`${slip.name}\` is the only one of the language that can be meant`,
    at: undefined,
    certainty: 84,
    isKin: (other) => keyOf(other) !== undefined && keyOf(other) === keyOf(owner),
  };
}

function languageMethods(): string[] {
  const owners = [Array, String, Map, Set, Promise, Number, Date, RegExp, Function, Object].map(
    ({ prototype }) => prototype,
  );
  return owners
    .flatMap((owner) => Object.getOwnPropertyNames(owner))
    .filter((one) => !/^(?:__|constructor$)/.test(one));
}
