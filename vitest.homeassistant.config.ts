// `npm run test:homeassistant`: devices in a real Home Assistant, which it installs below build/homeassistant/.

import { defineConfig } from "vitest/config";
import { SkipReporter } from "./test/support/skip-reporter.ts";

export default defineConfig({
  test: {
    include: ["test/homeassistant-core/**/*.test.ts"],
    reporters: ["default", new SkipReporter()],
    testTimeout: 30_000,
    hookTimeout: 30_000,
  },
});
