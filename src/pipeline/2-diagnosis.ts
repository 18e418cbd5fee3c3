import type { Evidence, ModelCall } from "#domain/evidence.ts";
import { Failure } from "#domain/failure.ts";
import type { IssueFacts } from "#domain/issue.ts";
import { move } from "#domain/outcome.ts";
import type { Problem } from "#ports/engineer.ts";
import type { Stage, World } from "./stage.ts";

/** Stage 2: find the cause on the code that production runs. Only a code fault goes on; everything else ends here with its reason. */
export const diagnosis: Stage<"diagnosing"> = async (issue, world) => {
  const main = await headOfMain(world);
  const snapshot = await world.repository.snapshot(main);
  const result = await world.engineer.diagnose(await problemOf(issue, world), snapshot);
  const calls = result.calls.map(modelCall);
  if (result.kind === "unknown") return move("failed", `No automatic fix: ${result.because}`, calls);
  const found = result.diagnosis;
  if (found.causeClass !== "code_fault") {
    return move("dismissed", `${classInWords[found.causeClass]}: ${found.rootCause}`, calls);
  }
  return move("fixing", found.rootCause, [...calls, { kind: "diagnosis", diagnosis: found, feedback: [] }]);
};

const classInWords = {
  user_error: "A mistake of a user, not of the code",
  expected_denial: "A check doing its work, not a fault",
  infrastructure: "A fault of the infrastructure, not of the code",
  third_party: "A fault of another service, not of the code",
  developer_noise: "Noise from development, not a production fault",
  already_fixed: "Already fixed on main and waiting to be deployed",
} as const;

/** Production's code. A repository without `main` cannot be worked on. */
export async function headOfMain(world: World) {
  const main = await world.repository.head("main");
  if (main === undefined) {
    throw new Failure("misconfigured", "The repository has no branch main.", {
      hint: "main is production: create it, or point AGENT_REPOSITORY at the right repository.",
    });
  }
  return main;
}

/** What the engineer may know of the issue. */
export async function problemOf(issue: IssueFacts, world: World): Promise<Problem> {
  const { fingerprint, issueType, title, message, errorType, stack, operation } = issue;
  const frames = await world.read.frames(issue.id);
  return { fingerprint, issueType, title, message, errorType, stack, frames, operation };
}

export function modelCall(call: ModelCall): Evidence {
  return { kind: "model_call", call };
}
