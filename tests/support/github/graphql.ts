import { z } from "zod";
import { gitIn, isAncestor, refAt, resolve, typeOf } from "./git.ts";
import { protectionMessage } from "./git-data.ts";
import { type Answer, bodyOf, type Call, type Route } from "./router.ts";

/** https://docs.github.com/graphql: the repository's id, blame, and the move of several refs at once (`updateRefs`). */
export const graphqlRoutes: Route[] = [{ method: "POST", path: "/graphql", needs: null, handle: graphql }];

const request = z.object({ query: z.string(), variables: z.record(z.string(), z.unknown()).default({}) });
const zero = "0".repeat(40);

async function graphql(call: Call): Promise<Answer> {
  const { query, variables } = bodyOf(call, request);
  if (/\bupdateRefs\s*\(/.test(query)) return updateRefs(call, variables);
  if (/\bblame\s*\(/.test(query)) return blame(call, variables);
  if (/\brepository\s*\(/.test(query)) return repositoryId(call, variables);
  return errors("undefinedField", "Field doesn't exist on type 'Query'");
}

function errors(type: string, message: string, path: string[] = []): Answer {
  return { status: 200, body: { data: null, errors: [{ type, path, message }] } };
}

function isHere(call: Call, variables: Record<string, unknown>): boolean {
  const { owner, name, existence } = call.state;
  return existence.kind !== "deleted" && variables.owner === owner && variables.name === name;
}

function unresolved(variables: Record<string, unknown>): Answer {
  const message = `Could not resolve to a Repository with the name '${variables.owner}/${variables.name}'.`;
  return errors("NOT_FOUND", message, ["repository"]);
}

function repositoryId(call: Call, variables: Record<string, unknown>): Answer {
  if (!isHere(call, variables)) return unresolved(variables);
  return { status: 200, body: { data: { repository: { id: `R_${call.state.id}` } } } };
}

const input = z.object({
  input: z.object({
    repositoryId: z.string(),
    refUpdates: z.array(
      z.object({
        name: z.string(),
        beforeOid: z.string().nullish(),
        afterOid: z.string(),
        force: z.boolean().nullish(),
      }),
    ),
  }),
});

/** All or nothing; `beforeOid` must be what the ref holds, and without `force` only a step forward is taken. */
async function updateRefs(call: Call, variables: Record<string, unknown>): Promise<Answer> {
  if (call.token.permissions.contents !== "write") return errors("FORBIDDEN", forbidden(call), ["updateRefs"]);
  const { folder, id } = call.state;
  const { repositoryId, refUpdates } = input.parse(variables).input;
  if (repositoryId !== `R_${id}`)
    return errors("NOT_FOUND", `Could not resolve to a node with the global id of '${repositoryId}'`, ["updateRefs"]);
  const lines: string[] = [];
  for (const { name, beforeOid, afterOid, force } of refUpdates) {
    const refused = protectionMessage(call, name);
    if (refused !== undefined) return errors("UNPROCESSABLE", refused, ["updateRefs"]);
    const now = (await refAt(folder, name)) ?? zero;
    if (beforeOid != null && beforeOid !== now) {
      return errors("UNPROCESSABLE", `Reference update failed: ${name} is at ${now} but expected ${beforeOid}`, [
        "updateRefs",
      ]);
    }
    if (afterOid !== zero && (await typeOf(folder, afterOid)) !== "commit")
      return errors("UNPROCESSABLE", "Object does not exist", ["updateRefs"]);
    const isForward = now === zero || afterOid === zero || (await isAncestor(folder, now, afterOid));
    if (force !== true && !isForward) return errors("UNPROCESSABLE", "Update is not a fast forward", ["updateRefs"]);
    lines.push(`update ${name}\0${afterOid}\0${now}\0`);
  }
  const { code } = await gitIn(folder, ["update-ref", "-z", "--stdin"], { input: lines.join("") });
  if (code !== 0) return errors("UNPROCESSABLE", "Reference update failed", ["updateRefs"]);
  return { status: 200, body: { data: { updateRefs: { clientMutationId: null } } } };
}

function forbidden({ token }: Call): string {
  return token.kind === "installation"
    ? "Resource not accessible by integration"
    : "Resource not accessible by personal access token";
}

async function blame(call: Call, variables: Record<string, unknown>): Promise<Answer> {
  if (!isHere(call, variables)) return unresolved(variables);
  const commit = await resolve(call.state.folder, String(variables.oid ?? variables.expression ?? ""));
  if (commit === undefined) return { status: 200, body: { data: { repository: { object: null } } } };
  const path = String(variables.path ?? "");
  const { code, stdout } = await gitIn(call.state.folder, ["blame", "--line-porcelain", commit, "--", path]);
  const ranges = code === 0 ? rangesOf(stdout.toString("utf8")) : [];
  return { status: 200, body: { data: { repository: { object: { blame: { ranges } } } } } };
}

interface Range {
  startingLine: number;
  endingLine: number;
  commit: {
    oid: string;
    authoredDate: string;
    committedDate: string;
    messageHeadline: string;
    author: { name: string };
  };
}

function rangesOf(output: string): Range[] {
  const ranges: Range[] = [];
  let oid = "";
  let line = 0;
  let facts: Record<string, string> = {};
  for (const row of output.split("\n")) {
    const header = /^([0-9a-f]{40}) \d+ (\d+)/.exec(row);
    if (header !== null) {
      [oid, line, facts] = [header[1] ?? "", Number(header[2]), {}];
    } else if (row.startsWith("\t")) {
      const last = ranges.at(-1);
      if (last?.commit.oid === oid && last.endingLine === line - 1) last.endingLine = line;
      else ranges.push({ startingLine: line, endingLine: line, commit: commitOfFacts(oid, facts) });
    } else {
      const space = row.indexOf(" ");
      if (space > 0) facts[row.slice(0, space)] = row.slice(space + 1);
    }
  }
  return ranges;
}

function commitOfFacts(oid: string, facts: Record<string, string>): Range["commit"] {
  const date = (seconds: string | undefined) => new Date(Number(seconds) * 1_000).toISOString().replace(".000Z", "Z");
  return {
    oid,
    authoredDate: date(facts["author-time"]),
    committedDate: date(facts["committer-time"]),
    messageHeadline: facts.summary ?? "",
    author: { name: facts.author ?? "" },
  };
}
