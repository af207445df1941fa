// `npm run test:faults`: kills, restarts and damaged connections by the thousand; RIVULET_FAULTS=short has a few of them.

import { defineConfig } from "vitest/config";
import { SkipReporter } from "./test/support/skip-reporter.ts";

export default defineConfig({
  test: {
    include: ["test/faults/**/*.test.ts"],
    reporters: ["default", new SkipReporter()],
  },
});
