import Link from "next/link";
import type { ApprovalView, FixView, ReleaseView, RepositoryUrl } from "#domain/view.ts";
import { Badge, SeverityBadge } from "./badge.tsx";
import { Decision } from "./decision.tsx";
import { Diff } from "./diff.tsx";
import { EachCheck } from "./each-check.tsx";
import { counted, Fact, Facts, usersInWords } from "./facts.tsx";
import { Branch, Commit, Place, PullRequest } from "./source-links.tsx";
import { Tests } from "./test-report.tsx";
import { Time } from "./time.tsx";

/**
 * One fix that waits for a person: why it waits, what was found, what would change, what was proved. `isOpen` shows the
 * change from the start, where the card is all that somebody came for.
 */
export function ApprovalCard({ approval, isOpen = false }: { approval: ApprovalView; isOpen?: boolean }) {
  const { issueId, title, severity, fix, staging, reasons, effect } = approval;
  return (
    <article aria-labelledby={`approval-${issueId}`} className="space-y-4 px-4 py-4">
      <div className="flex flex-wrap items-start gap-x-3 gap-y-2">
        <SeverityBadge severity={severity} />
        <h3 id={`approval-${issueId}`} className="min-w-0 flex-1 basis-64 break-words font-semibold text-base">
          <Link href={`/dashboard/agent/issues/${issueId}`} className="hover:underline">
            {title}
          </Link>
        </h3>
        {fix.diffHash !== null && <Decision issueId={issueId} diffHash={fix.diffHash} files={fix.files} />}
      </div>
      <p className="flex flex-wrap gap-x-4 gap-y-1 text-muted">
        <span>{usersInWords(approval.affectedUsers)} affected</span>
        <span>{counted(approval.eventCount, "event")}</span>
        <span>
          first seen <Time iso={approval.firstSeen} />
        </span>
        <span>
          asked <Time iso={approval.requestedAt} />
        </span>
        <span>
          expires <Time iso={approval.expiresAt} style="date" />
        </span>
      </p>
      <div>
        <h4 className="font-medium">Why you are asked</h4>
        <ul className="mt-1 list-disc space-y-1 pl-5">
          {reasons.map((reason) => (
            <li key={reason}>{reason}</li>
          ))}
        </ul>
      </div>
      <Cause fix={fix} operation={approval.operation} repository={approval.repositoryUrl} />
      {fix.diff !== null && <Diff text={fix.diff} risks={fix.risks} files={fix.files} open={isOpen} />}
      <div className="grid gap-4 md:grid-cols-2">
        <div>
          <h4 className="mb-1 font-medium">Tests</h4>
          <Tests fix={fix} />
        </div>
        <div>
          <h4 className="mb-1 font-medium">Staging</h4>
          <StagingEvidence release={staging} />
          {effect !== "" && <p className="mt-2 text-muted">{effect}</p>}
        </div>
      </div>
    </article>
  );
}

/** What the engineer found. It is the engineer's own text: apart from the facts, as it is, and marked as such (reliability D16). */
export function Cause({
  fix,
  operation,
  repository,
}: {
  fix: FixView;
  operation: string | null;
  repository: RepositoryUrl;
}) {
  const { diagnosis, commit, base, branch, pullRequestUrl } = fix;
  return (
    <div className="space-y-3">
      <div className="space-y-1 border-line border-l-4 pl-3">
        <p className="text-muted text-xs">Written by {authorOf(diagnosis.engineer)}, not by a person:</p>
        <Facts>
          <Fact name="Root cause">
            <p className="whitespace-pre-wrap">{diagnosis.rootCause}</p>
            <ul className="mt-1 space-y-0.5">
              {diagnosis.evidence.map(({ file, line, note }) => (
                <li key={`${file}:${line}:${note}`}>
                  <Place file={file} line={line} commit={base} repository={repository} />{" "}
                  <span className="text-muted">{note}</span>
                </li>
              ))}
            </ul>
          </Fact>
          <Fact name="Strategy">
            <p className="whitespace-pre-wrap">{diagnosis.fixStrategy}</p>
          </Fact>
          <Fact name="Promises">{diagnosis.claim.statement}</Fact>
          <Fact name="Confidence">
            {Math.round(diagnosis.confidence)} %, about {Math.round(diagnosis.estimatedMinutes)} minutes
          </Fact>
        </Facts>
      </div>
      <Facts>
        {operation !== null && <Fact name="Where">{operation}</Fact>}
        <Fact name="Change">
          <Commit id={commit} repository={repository} /> on <Commit id={base} repository={repository} />
          {branch !== null && (
            <>
              {" "}
              · <Branch name={branch} repository={repository} />
            </>
          )}
          {pullRequestUrl !== null && (
            <>
              {" "}
              · <PullRequest url={pullRequestUrl} />
            </>
          )}
        </Fact>
      </Facts>
    </div>
  );
}

/** `playbook:null-guard`, `claude:claude-sonnet-5-5`. */
function authorOf(engineer: string): string {
  const [kind, name = kind] = engineer.split(":");
  return kind === "playbook" ? `the playbook ${name}` : `the model ${name}`;
}

function StagingEvidence({ release }: { release: ReleaseView | null }) {
  if (release === null) return <p className="text-muted">There was no watch on staging.</p>;
  const healthy = release.checks.filter(({ outcome }) => outcome === "healthy").length;
  const slowest = Math.max(0, ...release.checks.map(({ latencyMs }) => latencyMs ?? 0));
  return (
    <div className="space-y-1">
      <p className="flex flex-wrap items-center gap-2">
        <Badge tone={release.verdict === "passed" ? "good" : "warn"}>{release.verdict ?? "open"}</Badge>
        {healthy} of {release.checks.length} checks healthy, slowest {Math.round(slowest)} ms
      </p>
      <p className="text-muted">{release.verdictReason}</p>
      <EachCheck checks={release.checks} />
    </div>
  );
}
