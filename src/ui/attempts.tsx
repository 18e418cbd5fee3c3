import type { Feedback } from "#domain/fix.ts";
import type { FixView, RepositoryUrl } from "#domain/view.ts";
import { Cause } from "./approval-card.tsx";
import { Badge } from "./badge.tsx";
import { Diff } from "./diff.tsx";
import { Output } from "./facts.tsx";
import { Tests } from "./test-report.tsx";
import { Time } from "./time.tsx";

/** Every attempt, newest first: what it was to cure, what it changed, and why it failed. The one that waits is shown in full elsewhere. */
export function Attempts({
  attempts,
  waiting,
  repository,
}: {
  attempts: FixView[];
  waiting: string | null;
  repository: RepositoryUrl;
}) {
  return (
    <div className="divide-y divide-line">
      {attempts.toReversed().map((fix) => (
        <article key={fix.id} aria-labelledby={`attempt-${fix.id}`} className="space-y-3 p-4">
          <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
            <h3 id={`attempt-${fix.id}`} className="font-medium">
              Attempt {fix.attempt}
            </h3>
            <Badge tone={fix.outcome === "resolved" ? "good" : fix.outcome === "open" ? "neutral" : "bad"}>
              {fix.outcome.replaceAll("_", " ")}
            </Badge>
            <span className="text-muted">
              begun <Time iso={fix.createdAt} style="date" />, ${fix.costUsd.toFixed(2)}
            </span>
          </div>
          {fix.id === waiting ? (
            <p className="text-muted">It waits for a person: everything about it stands above.</p>
          ) : (
            <Attempt fix={fix} failure={failureOf(fix, attempts)} repository={repository} />
          )}
        </article>
      ))}
    </div>
  );
}

function Attempt({ fix, failure, repository }: { fix: FixView; failure: Failure | null; repository: RepositoryUrl }) {
  return (
    <>
      {failure !== null && <WhyItFailed failure={failure} />}
      {fix.feedback.length > 0 && <Learned from={fix.feedback} />}
      <Cause fix={fix} operation={null} repository={repository} />
      {fix.diff !== null && <Diff text={fix.diff} risks={fix.risks} files={fix.files} />}
      {fix.tests !== null && <Tests fix={fix} />}
    </>
  );
}

type Failure = Pick<Feedback, "because" | "output">;

/** What went wrong is kept with the attempt; what was printed then, with the next one, which had to know it. */
function failureOf(fix: FixView, attempts: FixView[]): Failure | null {
  const told = attempts
    .find(({ attempt, feedback }) => attempt > fix.attempt && feedback.some((one) => one.attempt === fix.attempt))
    ?.feedback.find(({ attempt }) => attempt === fix.attempt);
  const because = fix.outcomeReason ?? told?.because;
  return because === undefined ? null : { because, output: told?.output ?? null };
}

function WhyItFailed({ failure: { because, output } }: { failure: Failure }) {
  return (
    <div>
      <h4 className="font-medium">How it ended</h4>
      <p className="whitespace-pre-wrap break-words">{because}</p>
      {output !== null && output !== "" && <Output text={output} />}
    </div>
  );
}

function Learned({ from }: { from: Feedback[] }) {
  return (
    <div>
      <h4 className="font-medium">What it was told of earlier attempts</h4>
      <ul className="mt-1 list-disc space-y-1 pl-5">
        {from.map(({ attempt, because }) => (
          <li key={`${attempt} ${because}`} className="break-words">
            Attempt {attempt}: {because}
          </li>
        ))}
      </ul>
    </div>
  );
}
