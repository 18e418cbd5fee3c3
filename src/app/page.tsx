const links = [
  { href: "/api/health", label: "Health", about: "whether everything it needs is there" },
  { href: "/api/agent/issues", label: "Issues", about: "what was detected and how far it is (with your API token)" },
];

/** Says that Vigil runs and where to go on. Asks nothing of the database: it also shows while that is away. */
export default function IndexPage() {
  return (
    <main className="mx-auto max-w-xl px-6 py-24">
      <h1 className="text-2xl font-semibold">Vigil is on call</h1>
      <p className="mt-3 text-slate-600 dark:text-slate-400">
        It detects production problems, repairs them, proves the repair and ships it. README.md tells how to point it at
        your application.
      </p>
      <ul className="mt-8 space-y-3">
        {links.map(({ href, label, about }) => (
          <li key={href}>
            <a className="font-medium underline underline-offset-4" href={href}>
              {label}
            </a>
            <span className="text-slate-600 dark:text-slate-400"> — {about}</span>
          </li>
        ))}
      </ul>
    </main>
  );
}
