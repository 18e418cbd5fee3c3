import type { Metadata } from "next";
import Link from "next/link";
import type { Agent } from "#agent.ts";
import { Badge } from "#ui/badge.tsx";
import { Chart } from "#ui/chart.tsx";
import { looksPlot, ratesPlot } from "#ui/detection-plots.ts";
import { counted, Panel } from "#ui/facts.tsx";
import { signedIn } from "../signed-in.ts";

export const metadata: Metadata = { title: "Detection" };

type Detection = Awaited<ReturnType<Agent["detection"]>>;

/** What detection sees: whether the environments answer, what they are reported to do, and how often each rule was right. */
export default async function DetectionPage() {
  const { agent } = await signedIn();
  const detection = await agent.detection();
  const now = new Date();
  return (
    <>
      <h1 className="font-semibold text-lg">Detection</h1>
      <p className="text-muted">The last hour of both environments, and how often each rule was right.</p>
      {(["production", "staging"] as const).map((name) => (
        <EnvironmentPanel key={name} name={name} detection={detection} now={now} />
      ))}
      <RulesPanel rules={detection.rules} />
    </>
  );
}

const outcomes = {
  healthy: { word: "answers", tone: "good" },
  unhealthy: { word: "unhealthy", tone: "bad" },
  no_data: { word: "no data", tone: "warn" },
} as const;

function EnvironmentPanel(props: { name: "production" | "staging"; detection: Detection; now: Date }) {
  const { name, detection, now } = props;
  const { looks, blind } = detection.environments[name];
  const rates = detection.rates.filter(({ environment }) => environment === name);
  const [last] = looks;
  const healthy = looks.filter(({ outcome }) => outcome === "healthy").length;
  return (
    <Panel
      title={name === "production" ? "Production" : "Staging"}
      id={name}
      aside={
        last === undefined ? (
          <Badge>not looked at yet</Badge>
        ) : (
          <Badge tone={outcomes[last.outcome].tone} title={last.because}>
            {outcomes[last.outcome].word}
          </Badge>
        )
      }
    >
      {blind !== null && (
        <p className="border-line border-b bg-warn-soft px-4 py-2 text-warn">Vigil is blind: {blind}</p>
      )}
      {last !== undefined && last.outcome !== "healthy" && <p className="px-4 pt-3 text-muted">{last.because}</p>}
      <div className="grid gap-6 p-4 lg:grid-cols-2">
        <Chart
          title={`Looks at ${name}`}
          summary={
            looks.length === 0
              ? "Nobody looked in the last hour."
              : `${healthy} of ${counted(looks.length, "look")} found it healthy.`
          }
          data={looksPlot(looks, now)}
        />
        <Chart
          title={`Requests and errors in ${name}`}
          summary={
            rates.length === 0
              ? "Nothing was reported in the last hour. Where no source reports requests they are unknown, not none."
              : `${counted(
                  rates.reduce((sum, { errors }) => sum + errors, 0),
                  "error",
                )} in the last hour. Where no source reports requests they are unknown, not none.`
          }
          data={ratesPlot(rates, now)}
        />
      </div>
    </Panel>
  );
}

function RulesPanel({ rules }: { rules: Detection["rules"] }) {
  return (
    <Panel
      title="Rules"
      id="rules"
      aside={
        <Link href="/dashboard/agent/settings#settings-rules" prefetch={false} className="underline underline-offset-4">
          Change rules
        </Link>
      }
    >
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <section tabIndex={0} aria-label="Rules and how often they were right" className="overflow-x-auto p-4">
        <table className="w-full min-w-md text-left tabular-nums">
          <thead className="text-muted">
            <tr>
              {["Rule", "Issues", "False alarms", "Right", "Threshold"].map((title) => (
                <th key={title} scope="col" className="py-1 pr-4 font-normal">
                  {title}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rules.map(({ name, enabled, steps, issues, falseAlarms }) => (
              <tr key={name} className="border-line border-t">
                <th scope="row" className="py-1 pr-4 font-medium">
                  {name} {!enabled && <Badge>off</Badge>}
                </th>
                <td className="pr-4">{issues}</td>
                <td className="pr-4">{falseAlarms}</td>
                <td className="pr-4">
                  {issues === 0 ? "—" : `${Math.round((100 * (issues - falseAlarms)) / issues)} %`}
                </td>
                <td>{steps === 0 ? "as set" : `raised ${counted(steps, "time")} after false alarms`}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </Panel>
  );
}
