import { describe, expect, it } from "vitest";
import { createPlaybooksEngineer } from "#adapters/engineer/playbooks/playbooks.ts";
import { aDiagnosis } from "#tests/support/builders.ts";
import { aSession } from "#tests/support/engineer-session.ts";
import { aProblem, aSnapshot } from "./snapshots.ts";

const engineer = createPlaybooksEngineer();
const causeOf = async (change: Parameters<typeof aProblem>[0], files: Record<string, string> = {}) => {
  const result = await engineer.diagnose(aProblem(change), aSnapshot(files), aSession());
  return result.kind === "diagnosed" ? `${result.diagnosis.causeClass} by ${result.diagnosis.engineer}` : "unknown";
};

describe("an outage is no fault of the code", () => {
  it.each([
    ["connect ECONNREFUSED 127.0.0.1:5432", "infrastructure"],
    ["connect ECONNREFUSED ::1:6379", "infrastructure"],
    ["getaddrinfo ENOTFOUND db.internal", "infrastructure"],
    ["connect ETIMEDOUT 10.0.3.4:443", "infrastructure"],
    ["connect ETIMEDOUT 203.0.113.9:443", "third_party"],
    ["getaddrinfo ENOTFOUND api.stripe.com", "third_party"],
    ["Request failed with status code 503", "third_party"],
    ["Request failed with status code 429", "third_party"],
    ["502 Bad Gateway", "third_party"],
    ["write failed: ENOSPC: no space left on device", "infrastructure"],
  ])("%s is %s", async (message, causeClass) => {
    expect(await causeOf({ message, errorType: "Error" })).toBe(`${causeClass} by playbook:outage`);
  });

  it.each(["Request failed with status code 404", "Order 503 is late", "something failed"])(
    "%s says nothing",
    async (message) => {
      expect(await causeOf({ message })).toBe("unknown");
    },
  );
});

describe("a check that says no on purpose is no fault of the code", () => {
  const stack = "Error: x\n    at run (/app/src/a.ts:2:9)\n    at GET (/app/src/b.ts:1:1)";
  const line = (text: string) => ({ "src/a.ts": `export function run() {\n  ${text}\n}\n` });

  it.each([
    ["ValidationError", `throw new ValidationError("Name is required");`],
    ["NotFoundException", `throw new NotFoundException();`],
    ["HttpError", `throw new HttpError(403, "No");`],
    ["Error", `throw createError({ statusCode: 404 });`],
    ["HTTPException", `throw new HTTPException(StatusCodes.CONFLICT);`],
    [null, `if (!allowed) throw new ForbiddenError();`],
    ["TRPCError", `throw new TRPCError({ code: "NOT_FOUND", message: "No such order" });`],
    ["AppError", `throw new AppError(AppErrorCode.INVALID_REQUEST, { message: "Too long" });`],
    ["NotFoundError", `return next(createError(404));`],
    ["Error", `return next(boom.badRequest("No such size"));`],
    ["NotFoundError", `ctx.throw(404, "No such page");`],
    ["Error", `const error = new Error("Not Found");\n  error.status = 404;\n  throw error;`],
  ])("%s from %s", async (errorType, text) => {
    expect(await causeOf({ errorType, message: "x", stack }, line(text))).toBe("expected_denial by playbook:denial");
  });

  it.each([
    ["Error", `throw new Error("Name is required");`],
    ["HttpError", `throw new HttpError(500, "Broken");`],
    ["RangeError", `throw new ValidationError("another one");`],
    ["ValidationError", `schema.parse(input);`],
    ["Error", `throw new Error("Request failed with status code 404");`],
    ["AppError", `throw new AppError(AppErrorCode.UNKNOWN_ERROR);`],
    ["Error", `return list.find((one) => one.code === 404).name;`],
    ["TypeError", `throw new TypeError("callback is not a function");`],
    ["Error", `const error = new Error("Broken");\n  error.status = 500;\n  throw error;`],
    ["Error", `console.error("no such order", 404);`],
  ])("but not %s from %s", async (errorType, text) => {
    expect(await causeOf({ errorType, message: "x", stack }, line(text))).toBe("unknown");
  });

  it("even where the innermost line is the making of the error itself, or a library's", async () => {
    const files = {
      "src/errors.ts":
        "export class ApiError extends Error {\n  constructor(readonly status: number) {\n    super();\n  }\n}\n",
      "src/a.ts": 'import { ApiError } from "./errors.ts";\nexport function run() {\n  throw new ApiError(404);\n}\n',
    };
    const own = "Error\n    at new ApiError (/app/src/errors.ts:3:5)\n    at run (/app/src/a.ts:3:9)";
    expect(await causeOf({ errorType: "ApiError", message: "", stack: own }, files)).toBe(
      "expected_denial by playbook:denial",
    );
    const library =
      "NotFoundError: x\n    at createError (/app/node_modules/http-errors/index.js:9:1)\n    at run (/app/src/a.ts:2:9)";
    expect(
      await causeOf({ errorType: "NotFoundError", message: "x", stack: library }, line("throw createError(404);")),
    ).toBe("expected_denial by playbook:denial");
  });

  it("and is never repaired", async () => {
    for (const engineerName of ["playbook:denial", "playbook:outage"]) {
      const diagnosis = aDiagnosis({ engineer: engineerName });
      expect(await engineer.repair(aProblem(), { diagnosis, feedback: [] }, aSnapshot({}), aSession())).toMatchObject({
        kind: "cannot_fix",
      });
    }
  });
});

describe("everything else is unknown", () => {
  it.each([
    ["nothing at all", {}],
    ["a huge message", { message: "x".repeat(8_192), stack: "y\n".repeat(16_000), title: "z".repeat(5_000) }],
    ["control characters", { message: "\u0000\u001b[2J\u202e", stack: "\u0000:1:1", title: "\ud800" }],
    [
      "names of prototypes",
      { message: "Cannot read properties of undefined (reading '__proto__')", stack: "at x (/constructor.js:1:1)" },
    ],
    [
      "a path that is no path",
      { message: "Cannot read properties of null (reading 'a')", stack: "at x (https://\0/%E0%A4%A.js:1:1)" },
    ],
  ])("%s", async (_, change) => {
    expect(await causeOf(change)).toBe("unknown");
  });
});
