import { Failure } from "#domain/failure.ts";

/**
 * Takes the variables of a file like `.env.vigil`, read as Node and hosts read such files and not as a shell would: `&`, `$` and `\n`
 * in a value are what they are. What is set already stays.
 */
export function takeVariables(file: string | undefined): void {
  if (file === undefined) return;
  try {
    process.loadEnvFile(file);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? ` (${error.code})` : "";
    throw new Failure("invalid", `The file ${file} cannot be read${code}.`, {
      hint: "--env names a file of NAME=value lines.",
    });
  }
}
