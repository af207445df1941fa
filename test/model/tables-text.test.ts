// Apart from tables.test.ts: it reads the source, and a mutation run marks sources.

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";

it("host/model/tables.ts is what tools/build/tables.mjs prints", () => {
  const printed = execFileSync(process.execPath, ["tools/build/tables.mjs"], { encoding: "utf8" });
  expect(readFileSync("host/model/tables.ts", "utf8")).toBe(printed);
});
