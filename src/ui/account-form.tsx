"use client";

import { useEffect, useState, useTransition } from "react";
import { Button } from "./button.tsx";

/** Names as their owners write them; any other provider is shown by the name that Supabase gives it. */
const titles: Record<string, string> = {
  apple: "Apple",
  azure: "Microsoft",
  bitbucket: "Bitbucket",
  github: "GitHub",
  gitlab: "GitLab",
  google: "Google",
  linkedin_oidc: "LinkedIn",
  slack_oidc: "Slack",
};

type Answer = { session?: unknown; sent?: true; goTo?: string };
type Said = { kind: "refused" | "sent"; text: string } | null;

/**
 * Signs in with an account. A strict cookie does not come along when another site leads here, after a link in a mail for
 * instance, so the form first asks whether somebody is signed in already: then the reader is where he wanted to be.
 */
export function AccountForm({ next, ways, trouble }: { next: string; ways: string[]; trouble: string | null }) {
  const [said, say] = useState<Said>(trouble === null ? null : { kind: "refused", text: trouble });
  const [isBusy, start] = useTransition();
  useEffect(() => {
    fetch("/api/session")
      .then((response) => response.json() as Promise<{ session: unknown }>)
      .then(({ session }) => session !== null && session !== undefined && location.replace(next))
      .catch(() => undefined);
  }, [next]);
  const ask = (body: Record<string, unknown>) =>
    start(async () => {
      const answer = await post({ ...body });
      if (typeof answer === "string") say({ kind: "refused", text: answer });
      else if (answer.goTo !== undefined) location.assign(answer.goTo);
      else if (answer.sent) say({ kind: "sent", text: "If this address has an account, a link is on its way to it." });
      else location.replace(next);
    });
  const byMail = ways.includes("password") || ways.includes("link");
  const others = ways.filter((way) => way !== "password" && way !== "link");
  return (
    <div className="space-y-4">
      {byMail && <MailForm ways={ways} isBusy={isBusy} next={next} ask={ask} />}
      {said !== null && (
        <p
          role={said.kind === "refused" ? "alert" : "status"}
          className={`rounded-md p-2 ${said.kind === "refused" ? "bg-bad-soft text-bad" : "bg-good-soft text-good"}`}
        >
          {said.text}
        </p>
      )}
      {others.map((provider) => (
        <Button
          key={provider}
          type="button"
          disabled={isBusy}
          className="w-full"
          onClick={() => ask({ provider, next })}
        >
          {`Continue with ${titles[provider] ?? provider}`}
        </Button>
      ))}
    </div>
  );
}

function MailForm(props: {
  ways: string[];
  isBusy: boolean;
  next: string;
  ask: (body: Record<string, unknown>) => void;
}) {
  const { ways, isBusy, next, ask } = props;
  const [email, setEmail] = useState("");
  const hasPassword = ways.includes("password");
  const submit = (form: FormData) =>
    ask(hasPassword ? { email, password: form.get("password") } : { email, link: true, next });
  return (
    <form action={submit} className="space-y-4">
      <label className="block">
        <span className="font-medium">E-mail address</span>
        <input
          name="email"
          type="email"
          autoComplete="username"
          maxLength={254}
          required
          value={email}
          onChange={(event) => setEmail(event.target.value)}
          className={field}
        />
      </label>
      {hasPassword && (
        <label className="block">
          <span className="font-medium">Password</span>
          <input name="password" type="password" autoComplete="current-password" required className={field} />
        </label>
      )}
      <Button type="submit" look="primary" disabled={isBusy} className="w-full">
        {isBusy ? "One moment…" : hasPassword ? "Sign in" : "Send me a link"}
      </Button>
      {hasPassword && ways.includes("link") && (
        <Button
          type="button"
          look="quiet"
          disabled={isBusy || !email.includes("@")}
          className="w-full"
          onClick={() => ask({ email, link: true, next })}
        >
          Send me a link instead
        </Button>
      )}
    </form>
  );
}

const field = "mt-1 w-full rounded-md border border-line bg-page px-2 py-2 text-base sm:text-sm";

async function post(body: Record<string, unknown>): Promise<Answer | string> {
  const init = { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
  try {
    const response = await fetch("/api/session", init);
    if (response.ok) return (await response.json()) as Answer;
    const { error }: { error?: { message?: string; hint?: string } } = await response.json().catch(() => ({}));
    return [error?.message ?? `Vigil answered ${response.status}.`, error?.hint].filter(Boolean).join(" ");
  } catch {
    return "Vigil cannot be reached.";
  }
}
