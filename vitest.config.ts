import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    // `npm run test:runtimes`
    exclude: ["test/runtimes/**", "node_modules/**"],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    coverage: {
      include: ["host/**/*.ts", "tools/**/*.ts"],
      exclude: ["tools/bench/**", "tools/cli.ts"],
      reporter: ["text"],
    },
  },
});
