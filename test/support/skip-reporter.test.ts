import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { startVitest, type TestCase } from "vitest/node";
import { skippedLine } from "./skip-reporter.ts";

// Inside the repository, so that the file finds its imports.
const folder = mkdtempSync("build/skipped-");
afterAll(() => rmSync(folder, { recursive: true }));

/** The tests of a file, as a reporter sees them after a run. */
async function testsOf(body: string): Promise<TestCase[]> {
  const imports = `import { describe, it } from "vitest";
    import { lacking, needs } from "${path.resolve("test/support/needs.ts")}";`;
  writeFileSync(path.join(folder, "some.test.ts"), `${imports}\n${body}`);
  const vitest = await startVitest("test", [], { config: false, root: folder, watch: false, reporters: [{}] });
  const tests = vitest.state.getTestModules().flatMap((module) => [...module.children.allTests()]);
  await vitest.close();
  return tests;
}

describe("skippedLine", () => {
  it("counts by reason, and says what brings what is missing", async () => {
    const tests = await testsOf(`
      describe("a", needs({ Mosquitto: false, OpenSSL: true }), () => {
        it("1", () => {});
        it("2", () => {});
        it("3", needs({ Mosquitto: true }), () => {});
      });
      it("4", lacking(["torch", "gcc"]), () => {});
      it("5", (context) => context.skip("because it rains"));
      it.skip("6", () => {});
      it("7", needs({}), () => {});`);
    expect(skippedLine(tests)).toBe(
      "6 tests skipped: 3 need Mosquitto (apt install mosquitto); 1 need torch and gcc (apt install gcc); " +
        "1 because it rains; 1 without a reason",
    );
  });

  it("says nothing when no test is skipped", async () => {
    expect(skippedLine(await testsOf('it("1", () => {});'))).toBeUndefined();
  });
});
