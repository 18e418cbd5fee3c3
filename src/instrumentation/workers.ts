import { type Agent, agent } from "#agent.ts";

/** Starts the agent with its workers; where that fails the process ends, because a server without its agent would answer 500 for ever. */
export async function startWorkers(): Promise<void> {
  try {
    const running = await agent();
    stopOnSignal(running.stop);
    await running.startWorkers();
    console.log(doorOf(running));
  } catch (error) {
    console.error(`Vigil cannot start. ${inWords(error)}`);
    process.exit(1);
  }
}

/** Where people sign in; a password that nobody chose is told, or nobody could. */
function doorOf({ appUrl, operators }: Agent): string {
  const { password, isOwnPassword, accounts } = operators;
  const door = `[vigil] Dashboard: ${appUrl}/dashboard/agent`;
  if (accounts !== null) return door;
  if (password === null) return `${door} (set AGENT_OPERATOR_PASSWORD to sign in)`;
  return isOwnPassword ? `${door}  password: ${password}` : door;
}

/** Longer than any step needs to notice; then the leases of what is left expire by themselves. */
const stopWithinMs = 30_000;

/** The first signal lets running steps end, a second one ends at once. Nothing is lost either way: state is in the database. */
function stopOnSignal(stop: () => Promise<void>): void {
  let isStopping = false;
  const end = () => {
    if (isStopping) process.exit(1);
    isStopping = true;
    setTimeout(() => process.exit(1), stopWithinMs).unref();
    stop().then(
      () => process.exit(0),
      (error: unknown) => {
        console.error(`Vigil could not stop cleanly. ${inWords(error)}`);
        process.exit(1);
      },
    );
  };
  process.on("SIGTERM", end);
  process.on("SIGINT", end);
}

/** A `Failure` is written for readers; of a bug the operator needs the stack. */
function inWords(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const hint = "hint" in error && typeof error.hint === "string" ? `\n${error.hint}` : "";
  return error.name === "Failure" ? `${error.message}${hint}` : (error.stack ?? error.message);
}
