// `npm run test:pi`: Rivulet on the processors of Raspberry Pis, emulated. Node for them is fetched below build/pi/.

import { defineConfig } from "vitest/config";
import { SkipReporter } from "./test/support/skip-reporter.ts";

export default defineConfig({
  test: {
    include: ["test/pi/**/*.test.ts"],
    reporters: ["default", new SkipReporter()],
    testTimeout: 120_000,
    // Fetching takes place in a hook.
    hookTimeout: 5 * 60_000,
  },
});
