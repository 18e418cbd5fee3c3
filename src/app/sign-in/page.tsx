import type { Metadata } from "next";
import { agent } from "#agent.ts";
import { troubles } from "#http/accounts.ts";
import { ownPath } from "#http/own-page.ts";
import { AccountForm } from "#ui/account-form.tsx";
import { SignInForm } from "#ui/sign-in-form.tsx";

export const metadata: Metadata = { title: "Sign in" };
export const dynamic = "force-dynamic";

interface Query {
  next?: string | string[];
  trouble?: string | string[];
}

export default async function SignInPage({ searchParams }: { searchParams: Promise<Query> }) {
  const [{ next, trouble }, running] = await Promise.all([searchParams, agent()]);
  const { accounts } = running.operators;
  return (
    <main className="mx-auto max-w-sm px-4 py-24">
      <h1 className="font-semibold text-xl">Vigil</h1>
      {accounts === null ? (
        <>
          <p className="mt-2 mb-6 text-muted">
            Sign in with the operators' password: <code>AGENT_OPERATOR_PASSWORD</code>, or the one that Vigil printed
            when it started.
          </p>
          <SignInForm next={ownPath(next)} />
        </>
      ) : (
        <>
          <p className="mt-2 mb-6 text-muted">Sign in with your operator's account.</p>
          <AccountForm next={ownPath(next)} ways={[...accounts.ways]} trouble={sentenceOf(trouble)} />
        </>
      )}
    </main>
  );
}

/** Only sentences of our own: an address must not put words into Vigil's mouth. */
function sentenceOf(trouble: string | string[] | undefined): string | null {
  const known = Object.entries(troubles).find(([name]) => name === trouble);
  return known?.[1] ?? null;
}
