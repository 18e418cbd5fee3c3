/** Who may import whom (src/README.md shows the same table). `npm run boundaries` fails on anything else. */
const mayImport = {
  domain: [],
  policy: ["domain"],
  ports: ["domain"],
  ingest: ["domain", "policy"],
  store: ["domain"],
  pipeline: ["domain", "policy", "ports", "store/read"],
  engine: ["domain", "policy", "ports", "store", "pipeline/stage.ts"],
  adapters: ["domain", "ports"],
  config: ["domain"],
  agent: [
    "config",
    "domain",
    "policy",
    "ports",
    "store",
    "pipeline",
    "engine",
    "adapters",
    "ingest",
    "demo/clinic-remote.ts",
  ],
  http: ["agent", "domain", "ingest"],
  ui: ["domain", "policy"],
  app: ["agent", "http", "ui", "domain", "policy"],
  cli: ["agent", "config", "doctor", "domain", "ingest", "policy", "fix"],
  doctor: ["config", "domain", "ports", "adapters", "store"],
  fix: ["config", "domain", "policy", "ports", "pipeline", "adapters", "ingest"],
  demo: ["agent", "config", "domain"],
  instrumentation: ["agent"],
  renewal: ["adapters", "config", "http/session-cookie.ts", "ports"],
  proxy: ["renewal"],
};

const paths = (names) => names.map((name) => (name.includes(".") ? `src/${name}` : `src/${name}(/|\\.ts)`));

const rules = Object.entries(mayImport).map(([from, to]) => ({
  name: `${from}-imports`,
  comment: `src/${from} may import only: ${["itself", ...to].join(", ")}`,
  severity: "error",
  from: { path: `^src/${from}(/|\\.ts)` },
  to: { path: "^src/", pathNot: `^(${paths([from, ...to]).join("|")})` },
}));

export default {
  forbidden: [
    ...rules,
    {
      name: "one-adapter-never-another",
      comment: "An adapter knows its own port's folder only.",
      severity: "error",
      from: { path: "^src/adapters/([^/]+)/" },
      // One client speaks to GitHub for the repository and for its checks.
      to: { path: "^src/adapters/", pathNot: "^src/adapters/($1|github)/" },
    },
    {
      name: "no-cycles",
      severity: "error",
      from: { path: "^src" },
      to: { circular: true, viaOnly: { dependencyTypesNot: ["type-only"] } },
    },
  ],
  options: {
    parser: "swc",
    doNotFollow: { path: "node_modules" },
    exclude: { path: "^src/demo/clinic" },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      extensions: [".ts", ".tsx", ".mjs", ".js"],
      conditionNames: ["import", "node", "default"],
    },
  },
};
