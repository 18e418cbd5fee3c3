import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { z } from "zod";
import { Failure } from "#domain/failure.ts";

/** One error of a repository whose true fix is known. Fields that are not listed are let through and not looked at. */
const Case = z
  .object({
    id: z.string().regex(/^[\w.-]{1,100}$/, "must be a name of letters, digits, dots and dashes"),
    /** A path (from the cases' own folder), or `owner/name` below `--mirrors`. */
    repo: z.string().min(1).optional(),
    /** An archive (archive.ts) whose files become the repository's only commit. */
    files: z.string().min(1).optional(),
    base_commit: z
      .string()
      .regex(/^[0-9a-f]{7,40}$/)
      .optional(),
    /** The error, in one of these; `error_message` goes before a stack. */
    error_message: z.string().optional(),
    stack: z.string().optional(),
    prod_stack: z.string().optional(),
    /** Run in the sandbox, with the archive's own files for it: what it prints is the error. */
    crash: z.string().optional(),
    test_command: z.string().optional(),
    /** Files that the true fix was tested with (besides those of the archive), and how they run. */
    hidden_tests: z
      .object({
        files: z.record(z.string(), z.string()).default({}),
        command: z.string().optional(),
      })
      .optional(),
    /** Installed packages: a folder that holds `node_modules`. */
    dependencies: z.string().optional(),
    /** What the true fix changed. Empty: the error is right as it is and must be left alone. */
    changed_source_files: z.array(z.string()),
  })
  .refine((given) => (given.repo === undefined) !== (given.files === undefined), "needs either repo or files")
  .refine(
    ({ error_message, stack, prod_stack, crash }) => [error_message, stack, prod_stack, crash].some((each) => each),
    "needs an error: error_message, stack, prod_stack or crash",
  );
export type Case = z.infer<typeof Case>;

/** The cases of a file: a JSON list, or one a line. Paths in them start at `folder`. Failure `invalid` names the bad case. */
export async function readCases(file: string): Promise<{ cases: Case[]; folder: string }> {
  const text = await readFile(file, "utf8").catch((cause: unknown) => {
    throw new Failure("not_found", `The file ${file} cannot be read.`, { cause });
  });
  const values = valuesOf(text, file);
  if (values.length === 0) throw new Failure("invalid", `${file} holds no cases.`);
  const cases = values.map((value, index) => {
    const read = Case.safeParse(value);
    if (read.success) return read.data;
    const faults = read.error.issues.map(({ path, message }) => `${path.join(".")} ${message}`.trim()).join("; ");
    throw new Failure("invalid", `Case ${index + 1} of ${file} is not right: ${faults}.`);
  });
  const twice = cases.find(({ id }, index) => cases.findIndex((other) => other.id === id) !== index);
  if (twice !== undefined) throw new Failure("invalid", `${file} holds the case ${twice.id} twice.`);
  return { cases, folder: dirname(resolve(file)) };
}

function valuesOf(text: string, file: string): unknown[] {
  try {
    const whole: unknown = JSON.parse(text);
    if (Array.isArray(whole)) return whole;
    if (typeof whole === "object" && whole !== null && "cases" in whole && Array.isArray(whole.cases))
      return whole.cases;
    return [whole];
  } catch {
    // Not one document: then one a line.
  }
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  return lines.map((line, index) => {
    try {
      return JSON.parse(line);
    } catch (cause) {
      throw new Failure("invalid", `${file} is neither JSON nor JSON lines (line ${index + 1}).`, { cause });
    }
  });
}

/** The error as a person would hand it over. */
export function errorTextOf({ error_message, stack, prod_stack }: Case): string {
  const trace = [stack, prod_stack].find((each) => each !== undefined && each.trim() !== "") ?? "";
  const [first] = (error_message ?? "").split(/\s*\(HTTP \d+\)$/);
  const isSaid = first !== undefined && trace.includes(first);
  return [isSaid ? "" : (error_message ?? ""), trace].filter((part) => part !== "").join("\n");
}
