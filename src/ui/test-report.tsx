import type { TestReport } from "#domain/fix.ts";
import type { FixView } from "#domain/view.ts";
import { Badge } from "./badge.tsx";
import { Output } from "./facts.tsx";

const outcomeWords: Record<TestReport["outcome"], string> = {
  passed: "passed",
  failed: "failed",
  timed_out: "did not end in time",
  output_limit: "stopped: too much output",
  memory_limit: "stopped: out of memory",
  no_tests: "the project has no tests that ran",
};

/** Of hundreds that fail, the first ones tell enough. */
const failuresMax = 20;

/** What the project's own tests said about a fix, compared with what they said before it, and whether its own test proves anything. */
export function Tests({ fix }: { fix: Pick<FixView, "tests" | "redBeforeGreen"> }) {
  const { tests: report, redBeforeGreen } = fix;
  if (report === null) return <p className="text-muted">They did not run.</p>;
  const tone = report.outcome === "passed" ? "good" : report.outcome === "no_tests" ? "warn" : "bad";
  return (
    <div className="space-y-2">
      <p className="flex flex-wrap items-center gap-2">
        <Badge tone={tone}>{outcomeWords[report.outcome]}</Badge>
        <span className="tabular-nums">
          {report.passed} passed, {report.failed} failed, {report.skipped} skipped in{" "}
          {(report.durationMs / 1_000).toFixed(1)} s
        </span>
      </p>
      {report.baseline !== null && <p>Compared with main: {report.baseline.because}</p>}
      {report.failures.length > 0 && <Failures names={report.failures} />}
      <p className="text-muted">{redWords(redBeforeGreen)}</p>
      {report.output !== "" && <Output text={report.output} />}
    </div>
  );
}

function Failures({ names }: { names: string[] }) {
  const more = names.length - failuresMax;
  return (
    <ul className="list-disc space-y-0.5 pl-5">
      {[...new Set(names)].slice(0, failuresMax).map((name) => (
        <li key={name} className="break-words">
          {name}
        </li>
      ))}
      {more > 0 && <li className="text-muted">and {more} more</li>}
    </ul>
  );
}

function redWords(redBeforeGreen: boolean | null): string {
  if (redBeforeGreen === null) return "The fix brings no test of its own.";
  return redBeforeGreen
    ? "The fix brings a test: it fails without the fix and passes with it."
    : "The fix brings a test that does not fail without the fix: it proves nothing.";
}
