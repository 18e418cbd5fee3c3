import { Command } from "commander";
import { Failure } from "#domain/failure.ts";
import { takeVariables } from "./env-file.ts";
import type { FixOptions } from "./fix.ts";
import { fixHelp } from "./fix-help.ts";
import { terminal } from "./terminal.ts";

// A command loads what it needs when it is given: explaining a group must not wait for a database client.
/** `npx vigil <command>`: what an operator does from a terminal. Exit 0: fine, 1: something is wrong, 2: not understood. */
const program = new Command("vigil")
  .description("Vigil, the on-call engineer for your web application")
  .showHelpAfterError("(add --help for what there is)")
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2));

const envHelp = "take the variables that are not set from this file";

program
  .command("doctor")
  .description("checks every credential, permission and connection, and says what to change; changes nothing itself")
  .option("--json", "one JSON object instead of text")
  .option("--send", "send a message to Slack as well")
  .option("--env <file>", envHelp)
  .addHelpText("after", "\nExit 0: Vigil can work with this, 1: it cannot (what is in the way is marked with ✗).")
  .action((options: { json?: boolean; send?: boolean; env?: string }) =>
    run(async () => {
      takeVariables(options.env);
      const { doctor } = await import("./doctor.ts");
      return doctor({ json: options.json ?? false, send: options.send ?? false, write: terminal().write });
    }),
  );

program
  .command("audit")
  .description("the audit trail")
  .command("verify")
  .description("walks the chain of agent_actions and names the first row that was tampered with")
  .option("--heads <file>", "earlier heads, one JSON object {seq, hash} a line, kept somewhere else")
  .action((options: { heads?: string }) =>
    run(async () => (await import("./audit.ts")).verifyAudit({ heads: options.heads ?? null, write: console.log })),
  );

program
  .command("keys")
  .description(
    "the keys and DSNs with which your application reports to this Vigil; they are secrets, but for the browser's",
  )
  .option("--json", "one JSON object a line instead of text")
  .option("--env <file>", envHelp)
  .action((options: { json?: boolean; env?: string }) =>
    run(async () => {
      takeVariables(options.env);
      return (await import("./keys.ts")).keys({ json: options.json ?? false, write: console.log });
    }),
  );

program
  .command("group")
  .description("explains how error events would be grouped; stores nothing, needs no database")
  .argument("<file>", "one event a line, in Sentry's JSON or the plain shape; - reads what is piped in")
  .option("--json", "one JSON object a line instead of text")
  .addHelpText(
    "after",
    `
Out comes one line for each line in that is not blank, in the same order: with --json
  {"fingerprint","cause_key","type","title","severity","parts":[…]}, or {"error","line"} where the line is no event.
Exit 0: every line was an event, 1: some were not (each is named on stderr), 2: the command was not understood.`,
  )
  .action((file: string, options: { json?: boolean }) =>
    run(async () => {
      const { group } = await import("./group.ts");
      return group({ file, json: options.json ?? false, input: process.stdin, now: () => new Date(), ...terminal() });
    }),
  );

program
  .command("fix")
  .description("diagnoses and repairs one error in a local repository; deploys nothing, changes nothing unless --apply")
  .requiredOption("--error <file>", "the error: stack trace, log or JSON event; - reads what is piped in")
  .option("--repo <dir>", "any folder of a Git repository, in any state", ".")
  .option("--test <command>", "how the tests run, in that folder (default: the test script of its package.json)")
  .option("--json", "one JSON object instead of text")
  .option("--apply", "write the fix into the folder's files; never commits")
  .option("--no-playbooks", "leave everything to Claude")
  .option("--budget <usd>", "what the models may cost at the most", "2")
  .option("--node <file>", "the Node that runs the tests (default: the one on your PATH)")
  .addHelpText("after", `\n${fixHelp.trim()}`)
  .action((options: FixOptions) => runFix(options));

/** Its exit codes are its own: 1 is an answer, 2 means that it could not be tried. */
async function runFix(options: FixOptions): Promise<void> {
  // An exit ends and removes whatever this process started, wherever it stands.
  for (const [signal, code] of [
    ["SIGINT", 130],
    ["SIGTERM", 143],
    ["SIGHUP", 129],
  ] as const) {
    process.once(signal, () => process.exit(code));
  }
  const { fix } = await import("./fix.ts");
  const { write } = terminal();
  const progress = process.stderr.isTTY ? (line: string) => console.error(line) : undefined;
  const isColoured = Boolean(options.json ? process.stderr.isTTY : process.stdout.isTTY);
  try {
    process.exitCode = await fix(options, { input: process.stdin, write, progress, isColoured });
  } catch (error) {
    process.exitCode = 2;
    console.error(error instanceof Failure ? [error.message, error.hint].filter(Boolean).join("\n") : error);
    if (!(options.json && error instanceof Failure)) return;
    const { errorAnswer } = await import("#fix/answer.ts");
    await write(JSON.stringify({ status: "not_fixed", error: errorAnswer(error) }));
  }
}

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
