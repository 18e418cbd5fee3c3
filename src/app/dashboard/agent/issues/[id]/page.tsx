import type { Metadata } from "next";
import { notFound } from "next/navigation";
import type { IssueView } from "#domain/view.ts";
import { ApprovalCard, Cause, Tests } from "#ui/approval-card.tsx";
import { Badge, SeverityBadge, StatusBadge } from "#ui/badge.tsx";
import { Diff } from "#ui/diff.tsx";
import { Fact, Facts, Panel, usersInWords } from "#ui/facts.tsx";
import { FreshPage } from "#ui/fresh-page.tsx";
import { IssueOrders } from "#ui/issue-orders.tsx";
import { Stack } from "#ui/stack.tsx";
import { Time } from "#ui/time.tsx";
import { Timeline } from "#ui/timeline.tsx";
import { WatchPanel } from "#ui/watch-panel.tsx";
import { signedIn } from "../../signed-in.ts";

export const metadata: Metadata = { title: "Issue" };

export default async function IssuePage({ params }: { params: Promise<{ id: string }> }) {
  const { agent } = await signedIn();
  const issue = await agent.views.issue((await params).id);
  if (issue === undefined) notFound();
  const { id, title, severity, status, statusReason, message, progress, approval } = issue;
  return (
    <>
      <FreshPage />
      <div className="flex flex-wrap items-start gap-3">
        <SeverityBadge severity={severity} />
        <h1 className="min-w-0 flex-1 basis-64 break-words font-semibold text-lg">{title}</h1>
        <StatusBadge status={status} />
        <IssueOrders issueId={id} status={status} isLive={issue.isLive} />
      </div>
      {(progress ?? statusReason) !== null && <p className="text-muted">{progress ?? statusReason}</p>}
      {approval !== null && (
        <Panel title="Waits for you" id="approval">
          <ApprovalCard approval={approval} />
        </Panel>
      )}
      <div className="grid gap-6 lg:grid-cols-2">
        <Panel title="What happened" id="what">
          <div className="space-y-3 p-4">
            <p className="whitespace-pre-wrap break-words">{message}</p>
            <IssueFacts issue={issue} />
          </div>
        </Panel>
        <Panel title="Stack" id="stack">
          <div className="p-4">
            <Stack frames={issue.frames} text={issue.stack} />
          </div>
        </Panel>
      </div>
      <Attempts issue={issue} />
      {issue.releases.length > 0 && (
        <Panel title="Releases and watches" id="releases">
          <div className="grid gap-6 p-4 lg:grid-cols-2">
            {issue.releases.map((release) => (
              <WatchPanel key={release.id} release={release} />
            ))}
          </div>
        </Panel>
      )}
      <Panel title="Timeline" id="timeline">
        <div className="p-4">
          <Timeline entries={issue.timeline} />
        </div>
      </Panel>
    </>
  );
}

function IssueFacts({ issue }: { issue: IssueView }) {
  const { issueType, environment, release, operation, errorType, affectedUsers, eventCount, cost } = issue;
  return (
    <Facts>
      <Fact name="Affected">
        {usersInWords(affectedUsers)}, {eventCount} events
        {issue.unverified && (
          <>
            {" "}
            <Badge tone="warn">only unverified sources</Badge>
          </>
        )}
      </Fact>
      <Fact name="First seen">
        <Time iso={issue.firstSeen} style="date" />
      </Fact>
      <Fact name="Last seen">
        <Time iso={issue.lastSeen} />
      </Fact>
      <Fact name="Kind">
        {errorType ?? issueType} in {environment}
      </Fact>
      {operation !== null && <Fact name="Where">{operation}</Fact>}
      {release !== null && <Fact name="Release">{release}</Fact>}
      {issue.seenIn.length > 1 && (
        <Fact name="Seen in">
          {issue.seenIn.map((seen) => `${seen.release.slice(0, 10)} (${seen.events})`).join(", ")}
        </Fact>
      )}
      {issue.regressions > 0 && <Fact name="Came back">{issue.regressions} times after it was resolved</Fact>}
      <Fact name="Cost">
        ${cost.usd.toFixed(2)} in {cost.calls} calls of a model, {cost.inputTokens + cost.outputTokens} tokens
      </Fact>
    </Facts>
  );
}

function Attempts({ issue }: { issue: IssueView }) {
  if (issue.attempts.length === 0) return null;
  return (
    <Panel title="Attempts" id="attempts">
      <div className="divide-y divide-line">
        {issue.attempts.toReversed().map((fix) => (
          <article key={fix.id} className="space-y-3 p-4">
            <h3 className="flex flex-wrap items-center gap-2 font-medium">
              Attempt {fix.attempt}
              <Badge tone={fix.outcome === "resolved" ? "good" : fix.outcome === "open" ? "neutral" : "bad"}>
                {fix.outcome.replaceAll("_", " ")}
              </Badge>
              <span className="font-normal text-muted">{fix.outcomeReason}</span>
            </h3>
            <Cause fix={fix} operation={null} />
            {fix.diff !== null && <Diff text={fix.diff} risks={fix.risks} files={fix.files} />}
            {fix.tests !== null && <Tests report={fix.tests} redBeforeGreen={fix.redBeforeGreen} />}
          </article>
        ))}
      </div>
    </Panel>
  );
}
