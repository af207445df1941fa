// `npm run test:brokers`: real brokers, which it installs below build/brokers/.

import { defineConfig } from "vitest/config";
import { SkipReporter } from "./test/support/skip-reporter.ts";

export default defineConfig({
  test: {
    include: ["test/brokers/**/*.test.ts"],
    reporters: ["default", new SkipReporter()],
    // Installing takes place in a hook.
    hookTimeout: 15 * 60_000,
  },
});
