import { defineConfig } from "vitest/config";
import { SkipReporter } from "./test/support/skip-reporter.ts";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    // `npm run test:runtimes`, `npm run test:pi`, `npm run test:faults`, `npm run test:brokers`, `npm run test:homeassistant`, `npm run test:recipes`
    exclude: [
      "test/runtimes/**",
      "test/pi/**",
      "test/faults/**",
      "test/brokers/**",
      "test/homeassistant-core/**",
      "test/recipes/**",
      "node_modules/**",
    ],
    reporters: ["default", new SkipReporter()],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    coverage: {
      include: ["host/**/*.ts", "tools/**/*.ts"],
      exclude: ["tools/bench/**", "tools/cli.ts"],
      reporter: ["text"],
    },
  },
});
