import { defineConfig } from "vitest/config";

/** Pure and fast tests first; then everything that starts databases, git or child processes; then whole runs of the product. */
export default defineConfig({
  test: {
    maxWorkers: 2,
    // How long a test waits before it fails says nothing about the product: a busy machine may take its time.
    expect: { poll: { timeout: 20_000 } },
    reporters: ["default", "./tests/support/counts.ts"],
    projects: [
      {
        extends: true,
        test: {
          name: "unit",
          include: ["tests/{domain,policy,ingest,pipeline,ui}/**/*.test.ts"],
          isolate: false,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: "integration",
          include: ["tests/{adapters,engine,store,http,cli,fix}/**/*.test.ts", "tests/*.test.ts"],
          globalSetup: ["tests/support/global.ts"],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: "crash",
          include: ["tests/crash/**/*.test.ts"],
          globalSetup: ["tests/support/global.ts"],
          testTimeout: 240_000,
          hookTimeout: 120_000,
          sequence: { groupOrder: 2 },
        },
      },
      {
        extends: true,
        test: {
          // Whole runs of the product with short windows: alone on the machine.
          name: "product",
          include: ["tests/{demo,watched,browser,hosted}/**/*.test.ts"],
          testTimeout: 240_000,
          hookTimeout: 120_000,
          fileParallelism: false,
          sequence: { groupOrder: 3 },
        },
      },
    ],
  },
});
