import Link from "next/link";

export default function NotFound() {
  return (
    <div className="py-16 text-center">
      <h1 className="font-semibold text-lg">There is nothing here</h1>
      <p className="mt-2 text-muted">The link may be cut short, or it leads to another Vigil.</p>
      <Link href="/dashboard/agent" className="mt-4 inline-block underline underline-offset-4">
        What Vigil is doing now
      </Link>
    </div>
  );
}
