import { defineConfig } from "vitest/config";

/** Everything that is too long for `npm test`: each kill point by itself, random deaths, long outages. */
export default defineConfig({
  test: {
    include: ["tests/chaos/**/*.test.ts"],
    globalSetup: ["tests/support/global.ts"],
    reporters: ["default", "./tests/support/counts.ts"],
    testTimeout: 600_000,
    hookTimeout: 120_000,
    fileParallelism: false,
    maxConcurrency: 2,
  },
});
