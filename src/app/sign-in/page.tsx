import type { Metadata } from "next";
import { SignInForm } from "#ui/sign-in-form.tsx";

export const metadata: Metadata = { title: "Sign in" };
export const dynamic = "force-dynamic";

export default async function SignInPage({ searchParams }: { searchParams: Promise<{ next?: string | string[] }> }) {
  const { next } = await searchParams;
  return (
    <main className="mx-auto max-w-sm px-4 py-24">
      <h1 className="font-semibold text-xl">Vigil</h1>
      <p className="mt-2 mb-6 text-muted">
        Sign in with the operators' password: <code>AGENT_OPERATOR_PASSWORD</code>, or the one that Vigil printed when
        it started.
      </p>
      <SignInForm next={ownPath(next)} />
    </main>
  );
}

/** Only pages of the dashboard: an address from outside must not send anybody elsewhere after signing in. */
function ownPath(next: string | string[] | undefined): string {
  const wanted = typeof next === "string" ? next : "";
  return /^\/dashboard\/agent(?:\/[\w/-]*)?(?:\?[\w=&.%+:-]*)?$/.test(wanted) ? wanted : "/dashboard/agent";
}
