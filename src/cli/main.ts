import { Command } from "commander";
import { Failure } from "#domain/failure.ts";
import { verifyAudit } from "./audit.ts";
import { doctor } from "./doctor.ts";

/** `npx vigil <command>`: what an operator does from a terminal. Exit 0: fine, 1: something is wrong, 2: not understood. */
const program = new Command("vigil")
  .description("Vigil, the on-call engineer for your web application")
  .showHelpAfterError("(add --help for what there is)")
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2));

program
  .command("doctor")
  .description("checks configuration and connections, and says what is missing and how to fix it")
  .option("--json", "one JSON object instead of text")
  .action((options: { json?: boolean }) => run(() => doctor({ json: options.json ?? false, write: console.log })));

program
  .command("audit")
  .description("the audit trail")
  .command("verify")
  .description("walks the chain of agent_actions and names the first row that was tampered with")
  .option("--heads <file>", "earlier heads, one JSON object {seq, hash} a line, kept somewhere else")
  .action((options: { heads?: string }) =>
    run(() => verifyAudit({ heads: options.heads ?? null, write: console.log })),
  );

async function run(command: () => Promise<boolean>): Promise<void> {
  try {
    process.exitCode = (await command()) ? 0 : 1;
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    console.error(error.hint === undefined ? error.message : `${error.message}\n${error.hint}`);
    process.exitCode = 1;
  }
}

await program.parseAsync();
