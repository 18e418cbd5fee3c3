import { Badge, type Tone } from "./badge.tsx";

export interface Check {
  status: "ok" | "degraded" | "down";
  message: string;
  hint?: string | undefined;
}

const tones: Record<Check["status"], Tone> = { ok: "good", degraded: "warn", down: "bad" };

/** What is configured and reachable, and how to mend what is not. What is wrong stands open. */
export function Configuration({ checks }: { checks: Record<string, Check> }) {
  const entries = Object.entries(checks);
  const wrong = entries.filter(([, { status }]) => status !== "ok");
  return (
    <>
      {wrong.map(([name, { status, message, hint }]) => (
        <p
          key={name}
          role="alert"
          className={`rounded-lg border px-4 py-2 ${status === "down" ? "border-bad bg-bad-soft text-bad" : "border-warn bg-warn-soft text-warn"}`}
        >
          <span className="font-medium">{name}</span>: {message} {hint}
        </p>
      ))}
      <details className="rounded-lg border border-line bg-panel">
        <summary className="px-4 py-2">
          Configuration{" "}
          <span className="text-muted">
            {wrong.length === 0
              ? "everything that is needed is there"
              : `${wrong.length} of ${entries.length} need attention`}
          </span>
        </summary>
        <dl className="grid gap-x-4 gap-y-1 border-line border-t p-4 sm:grid-cols-[auto_auto_1fr]">
          {entries.map(([name, { status, message, hint }]) => (
            <div key={name} className="contents">
              <dt className="font-medium">{name}</dt>
              <dd>
                <Badge tone={tones[status]}>{status}</Badge>
              </dd>
              <dd className="text-muted">
                {message} {status !== "ok" && hint}
              </dd>
            </div>
          ))}
        </dl>
      </details>
    </>
  );
}
