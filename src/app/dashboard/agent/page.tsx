import { ApprovalCard } from "#ui/approval-card.tsx";
import { Autonomy } from "#ui/autonomy.tsx";
import { Configuration } from "#ui/configuration.tsx";
import { Panel } from "#ui/facts.tsx";
import { Flights } from "#ui/flights.tsx";
import { FreshApprovals } from "#ui/fresh-approvals.tsx";
import { Usage } from "#ui/header.tsx";
import { recentHealth } from "./recent-health.ts";
import { signedIn } from "./signed-in.ts";

export default async function AgentPage() {
  const { agent } = await signedIn();
  const [approvals, health] = await Promise.all([agent.views.approvals(), recentHealth(agent)]);
  const shown = approvals.map(({ issueId, fix }) => `${issueId} ${fix.diffHash}`).sort();
  return (
    <>
      <h1 className="sr-only">What Vigil is doing now</h1>
      <Usage />
      <Configuration checks={health.checks} />
      <Autonomy />
      <Panel title="Pending approvals" id="approvals">
        <FreshApprovals shown={shown.join("\n")} />
        {approvals.length === 0 && <p className="px-4 py-6 text-muted">No fix waits for you.</p>}
        <div className="divide-y divide-line">
          {approvals.map((approval) => (
            <ApprovalCard key={approval.issueId} approval={approval} />
          ))}
        </div>
      </Panel>
      <Panel title="At work" id="at-work">
        <Flights />
      </Panel>
    </>
  );
}
