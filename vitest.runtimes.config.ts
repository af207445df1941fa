// `npm run test:runtimes`: the modules for microcontrollers in other WebAssembly runtimes, which it installs below build/runtimes/.

import { defineConfig } from "vitest/config";
import { SkipReporter } from "./test/support/skip-reporter.ts";

export default defineConfig({
  test: {
    include: ["test/runtimes/**/*.test.ts"],
    reporters: ["default", new SkipReporter()],
    testTimeout: 30_000,
    // Installing takes place in a hook.
    hookTimeout: 15 * 60_000,
  },
});
