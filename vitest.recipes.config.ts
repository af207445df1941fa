// `npm run test:recipes`: docs/recipes/ with the programs that they are about, installed below build/recipes/.

import { defineConfig } from "vitest/config";
import { SkipReporter } from "./test/support/skip-reporter.ts";

export default defineConfig({
  test: {
    include: ["test/recipes/**/*.test.ts"],
    reporters: ["default", new SkipReporter()],
    testTimeout: 30_000,
    // Installing takes place in a hook.
    hookTimeout: 10 * 60_000,
    fileParallelism: false,
  },
});
