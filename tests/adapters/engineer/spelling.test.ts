import { describe, expect, it } from "vitest";
import { createPlaybooksEngineer } from "#adapters/engineer/playbooks/playbooks.ts";
import type { Problem } from "#ports/engineer.ts";
import { aSession } from "#tests/support/engineer-session.ts";
import { aProblem, aSnapshot } from "./snapshots.ts";

const engineer = createPlaybooksEngineer();
const typo = (change: Partial<Problem>) =>
  aProblem({ issueType: "typo", operation: null, fingerprint: null, ...change });

async function corrected(files: Record<string, string>, problem: Problem) {
  const snapshot = aSnapshot(files);
  const found = await engineer.diagnose(problem, snapshot, aSession());
  if (found.kind !== "diagnosed") return found.because;
  const result = await engineer.repair(problem, { diagnosis: found.diagnosis, feedback: [] }, snapshot, aSession());
  if (result.kind !== "edits") return result.because;
  return {
    diagnosis: found.diagnosis,
    files: Object.fromEntries(result.edits.map(({ path, content }) => [path, content])),
  };
}

const route = `import { json } from "./recieve";
/** Recieve is misspelt in this comment as well. */
export async function GET(request: Request) {
  const recieved = request.headers.get("x-recieved");
  if (recieved === "recieve") return json({ error: "Your message was not recieved" }, 404);
  return json({ state: "recieve", url: "/api/recieve me", title: "Recieved by us" });
}
`;

describe("exactly the misspelt words that people read are replaced", () => {
  it("in what the report quotes, and nowhere else", async () => {
    const result = await corrected(
      { "src/app/api/mail/route.ts": route },
      typo({ message: 'Spelling error in API response: "Your message was not recieved"' }),
    );
    expect(result).toMatchObject({
      diagnosis: {
        causeClass: "code_fault",
        files: ["src/app/api/mail/route.ts"],
        claim: { kind: "nothing_to_stop" },
        engineer: "playbook:spelling",
        requiresPerson: false,
      },
      files: {
        "src/app/api/mail/route.ts": route
          .replace("was not recieved", "was not received")
          .replace("Recieved by us", "Received by us"),
      },
    });
  });

  it("in every file that says it, tests left alone; then a person decides", async () => {
    const files = {
      "src/a.ts": `export const title = "Chekout failed";\n`,
      "src/b.tsx": `export const B = () => <p title="Chekout help">Chekout  now</p>;\n`,
      "locales/en.json": `{ "chekout": "Go to chekout", "x": ["Chekout"] }\n`,
      "tests/a.test.ts": `expect(title).toBe("Chekout failed");\n`,
    };
    expect(await corrected(files, typo({ message: 'Typo: "Chekout failed"' }))).toMatchObject({
      diagnosis: { rootCause: expect.stringContaining("tests/a.test.ts:1"), confidence: 75 },
      files: {
        "src/a.ts": `export const title = "Checkout failed";\n`,
        "src/b.tsx": `export const B = () => <p title="Checkout help">Checkout  now</p>;\n`,
        "locales/en.json": `{ "chekout": "Go to checkout", "x": ["Checkout"] }\n`,
      },
    });
  });

  it("in the answers of the API when the report quotes nothing (spec.md §2)", async () => {
    const files = {
      "src/app/api/appointments/route.ts": `export const GET = () => Response.json({ error: 'Appointment not avaliable' }, { status: 410 })\n`,
      "src/app/page.tsx": `export default () => <h1>Welcom to the clinic of Dr. Brzezicki</h1>;\n`,
    };
    const problem = typo({ title: "Fix typo in error message", message: "Spelling error in API response" });
    expect(await corrected(files, problem)).toMatchObject({
      diagnosis: { confidence: 90 },
      files: {
        "src/app/api/appointments/route.ts": `export const GET = () => Response.json({ error: 'Appointment not available' }, { status: 410 })\n`,
      },
    });
  });

  it.each([
    ["a thrown error", "throw new Error('Could not retreive the file');", "retreive", "retrieve"],
    ["a template", "const t = (n) => ({ message: `There are $" + "{n} seperate files` });", "seperate", "separate"],
    ["CRLF and tabs", "\tres.status(400).send('Invalid adress given')\r\n", "adress", "address"],
    ["capitals", "res.send('Sorry: WIERD input, wierd indeed')", "wierd", "weird"],
  ])("in %s", async (_, code, wrong, right) => {
    const result = await corrected({ "routes/a.js": code }, typo({ message: `Misspelt word: "${wrong}"` }));
    expect(result).toMatchObject({ files: { "routes/a.js": code.replaceAll(wrong, right) } });
  });

  it("as the report itself says it should be", async () => {
    const code = `res.send("Please choose a pateint record first");\n`;
    const problem = typo({ title: `"pateint" should be "patient"`, message: "typo" });
    expect(await corrected({ "routes/a.js": code }, problem)).toMatchObject({
      files: { "routes/a.js": code.replace("pateint", "patient") },
    });
  });

  it("also when only the title says that it is about spelling", async () => {
    const code = `res.send("Succesfully saved your work");\n`;
    const problem = aProblem({ issueType: "other", title: "Spelling mistake: 'Succesfully saved'" });
    expect(await corrected({ "routes/a.js": code }, problem)).toMatchObject({
      files: { "routes/a.js": code.replace("Succesfully", "Successfully") },
    });
  });
});

describe("no word is touched", () => {
  const files = (text: string) => ({
    "src/api/route.ts": `export const GET = () => json({ error: ${JSON.stringify(text)} }, 400);\n`,
  });
  const general = typo({ title: "Typo", message: "Spelling error in API response" });

  it.each([
    [
      "of correct English, American or British",
      "The colour of the organization is canceled, the cancelled one is grey",
    ],
    ["that names a product", "Connect Vercel, Supabase, Postgres and Kubernetes to GitHub first"],
    ["of another language", "Der Termin wurde leider bereits abgesagt"],
    [
      "that is an address, a placeholder or a key",
      "See https://exmaple.test/recieve or recieve_mail or {{recieve}} for %(recieve)s",
    ],
    ["of one letter more or less that could be several words", "The fooo was not there for us"],
  ])("%s", async (_, text) => {
    expect(await corrected(files(text), general)).toEqual(expect.any(String));
  });

  it("that the product is named after", async () => {
    const named = { ...files("Welcome to Recieve today"), "package.json": `{ "name": "recieve" }` };
    expect(await corrected(named, general)).toEqual(expect.any(String));
  });

  it("in queries, styles, imports, comparisons, keys, logs and tests", async () => {
    const code = `import x from "./recieve it.js";
const q = "SELECT recieve FROM mail WHERE seperate = 1";
if (x === "recieve seperate") console.log("recieve seperate");
export const a = <div className="recieve seperate" data-x="recieve it" />;
const y = { "recieve it": x["recieve it"], z: gql\`recieve seperate\` };
`;
    const all = { "src/api/a.tsx": code, "src/api/a.test.ts": `it("x", () => send("recieve it"));\n` };
    expect(await corrected(all, typo({ message: 'Typo "recieve it"' }))).toEqual(expect.any(String));
  });

  it("where the quoted text is right, or stands nowhere", async () => {
    const right = files("Appointment not avaliable");
    expect(await corrected(right, typo({ message: 'Typo in "Save your changes"' }))).toMatch(/quotes/);
    expect(await corrected(files("All fine here"), typo({ message: 'Typo: "recieved"' }))).toMatch(/stands in no text/);
  });

  it("in files that do not parse, are generated, or are too large", async () => {
    const many = {
      "src/api/broken.ts": `export const a = { error: "Not recieved here" ;;; (\n`,
      "dist/api/a.js": `send("Not recieved here")\n`,
      "node_modules/x/api/a.js": `send("Not recieved here")\n`,
      "src/api/huge.ts": `export const a = () => json({ error: "Not recieved here" });\n${"// x\n".repeat(100_000)}`,
    };
    expect(await corrected(many, typo({ message: 'Typo: "Not recieved here"' }))).toEqual(expect.any(String));
  });

  it("for an error that merely speaks of spelling", async () => {
    const problem = aProblem({ errorType: "TypeError", message: "typo is not defined", issueType: "api_error" });
    expect(await engineer.diagnose(problem, aSnapshot({}), aSession())).toMatchObject({ kind: "unknown" });
  });

  it("twice: an attempt that failed is not repeated", async () => {
    const snapshot = aSnapshot(files("Not recieved here"));
    const problem = typo({ message: 'Typo: "Not recieved here"' });
    const found = await engineer.diagnose(problem, snapshot, aSession());
    if (found.kind !== "diagnosed") throw new Error(found.because);
    const feedback = [{ attempt: 1, because: "the tests fail", output: null, diff: null }];
    expect(
      await engineer.repair(problem, { diagnosis: found.diagnosis, feedback }, snapshot, aSession()),
    ).toMatchObject({ kind: "cannot_fix" });
  });
});
