import type { Metadata } from "next";
import { notFound } from "next/navigation";
import type { IssueView } from "#domain/view.ts";
import { ApprovalCard } from "#ui/approval-card.tsx";
import { Attempts } from "#ui/attempts.tsx";
import { Badge, SeverityBadge, StatusBadge } from "#ui/badge.tsx";
import { Doing } from "#ui/doing.tsx";
import { counted, Fact, Facts, Panel, usersInWords } from "#ui/facts.tsx";
import { FreshPage } from "#ui/fresh-page.tsx";
import { IssueOrders } from "#ui/issue-orders.tsx";
import { Occurrences } from "#ui/occurrences.tsx";
import { Release } from "#ui/source-links.tsx";
import { Stack } from "#ui/stack.tsx";
import { Time } from "#ui/time.tsx";
import { Story } from "#ui/timeline.tsx";
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
      <FreshPage issueId={id} />
      <div className="flex flex-wrap items-start gap-3">
        <SeverityBadge severity={severity} />
        <h1 className="min-w-0 flex-1 basis-64 break-words font-semibold text-lg">{title}</h1>
        <StatusBadge status={status} />
        <IssueOrders issueId={id} status={status} isLive={issue.isLive} />
      </div>
      <Doing issueId={id} first={progress ?? statusReason} />
      {approval !== null && (
        <Panel title="Waits for you" id="approval">
          <ApprovalCard approval={approval} isOpen />
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
            <Stack
              frames={issue.frames}
              text={issue.stack}
              commit={issue.release ?? issue.seenIn[0]?.release ?? null}
              repository={issue.repositoryUrl}
            />
          </div>
        </Panel>
      </div>
      <Panel title="Occurrences" id="occurrences">
        <div className="p-4">
          <Occurrences hours={issue.hours} releases={issue.releases} seenIn={issue.seenIn} />
        </div>
      </Panel>
      {issue.attempts.length > 0 && (
        <Panel title="Attempts" id="attempts">
          <Attempts attempts={issue.attempts} waiting={approval?.fix.id ?? null} repository={issue.repositoryUrl} />
        </Panel>
      )}
      {issue.releases.length > 0 && (
        <Panel title="Releases and watches" id="releases">
          <div className="grid gap-6 p-4 lg:grid-cols-2">
            {issue.releases.map((release) => (
              <WatchPanel
                key={release.id}
                release={release}
                limits={issue.rateLimits}
                repository={issue.repositoryUrl}
              />
            ))}
          </div>
        </Panel>
      )}
      <Panel title="Timeline" id="timeline">
        <div className="p-4">
          <Story entries={issue.timeline} />
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
        {usersInWords(affectedUsers)}, {counted(eventCount, "event")}
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
      {release !== null && (
        <Fact name="Release">
          <Release name={release} repository={issue.repositoryUrl} />
        </Fact>
      )}
      {issue.seenIn.length > 1 && (
        <Fact name="Seen in">
          <ul>
            {issue.seenIn.map((seen) => (
              <li key={seen.release}>
                <Release name={seen.release} repository={issue.repositoryUrl} /> {counted(seen.events, "event")}
              </li>
            ))}
          </ul>
        </Fact>
      )}
      {issue.regressions > 0 && (
        <Fact name="Came back">{counted(issue.regressions, "time")} after it was resolved</Fact>
      )}
      <Fact name="Cost">
        ${cost.usd.toFixed(2)} in {counted(cost.calls, "call")} of a model, {cost.inputTokens + cost.outputTokens}{" "}
        tokens
      </Fact>
    </Facts>
  );
}
