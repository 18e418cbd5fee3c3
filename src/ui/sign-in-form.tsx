"use client";

import { useEffect, useState, useTransition } from "react";
import { Button } from "./button.tsx";

/**
 * Signs in and goes where the reader wanted to. A strict cookie does not come along when a link in a message is followed,
 * so the form first asks whether somebody is signed in already: then the link simply works.
 */
export function SignInForm({ next }: { next: string }) {
  const [refusal, setRefusal] = useState<string | null>(null);
  const [isBusy, start] = useTransition();
  useEffect(() => {
    fetch("/api/session")
      .then((response) => response.json() as Promise<{ session: unknown }>)
      .then(({ session }) => session !== null && location.replace(next))
      .catch(() => undefined);
  }, [next]);
  const submit = (form: FormData) =>
    start(async () => {
      const said = await signIn(form);
      setRefusal(said);
      if (said === null) location.replace(next);
    });
  return (
    <form action={submit} className="space-y-4">
      <label className="block">
        <span className="font-medium">Your name</span>
        <input name="name" autoComplete="username" maxLength={60} className={field} aria-describedby="name-for" />
        <span id="name-for" className="mt-1 block text-muted text-xs">
          Stands in the audit log beside what you do.
        </span>
      </label>
      <label className="block">
        <span className="font-medium">Password</span>
        <input name="password" type="password" autoComplete="current-password" required className={field} />
      </label>
      {refusal !== null && (
        <p role="alert" className="rounded-md bg-bad-soft p-2 text-bad">
          {refusal}
        </p>
      )}
      <Button type="submit" look="primary" disabled={isBusy} className="w-full">
        {isBusy ? "One moment…" : "Sign in"}
      </Button>
    </form>
  );
}

const field = "mt-1 w-full rounded-md border border-line bg-page px-2 py-2 text-base sm:text-sm";

async function signIn(form: FormData): Promise<string | null> {
  const body = { name: form.get("name"), password: form.get("password") };
  const init = { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
  try {
    const response = await fetch("/api/session", init);
    if (response.ok) return null;
    const { error }: { error?: { message?: string; hint?: string } } = await response.json().catch(() => ({}));
    return [error?.message ?? `Vigil answered ${response.status}.`, error?.hint].filter(Boolean).join(" ");
  } catch {
    return "Vigil cannot be reached.";
  }
}
