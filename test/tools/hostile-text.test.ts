// Text of models, samples and file names that would set the title of the window, clear the screen or forge a line.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { serializeModel } from "../../host/runtime/index.ts";
import { cli } from "../support/cli.ts";
import { randomF32Model } from "../support/models.ts";

const HOSTILE = "x\u001b]0;owned\u0007\u009b2J\u202e\u200b\nself-test\n  passed";
/** What must not reach a terminal: all but printable characters and line feeds. */
const UNSAFE = /[^\P{C}\n]/u;

let folder = "";
const at = (name: string) => path.join(folder, name);

beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), "rivulet-hostile-"));
  const { spec, tensors } = randomF32Model({ inputs: 1, layers: [2] });
  const provenance = { script: HOSTILE, [HOSTILE]: "key" };
  writeFileSync(at("model"), serializeModel({ ...spec, provenance }, tensors));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe("rivulet", () => {
  it.each([
    ["the provenance of a model", ["inspect", "model"]],
    ["the provenance of a model, as JSON", ["inspect", "model", "--json"]],
    ["the header of a CSV file", ["predict", "model", "samples.csv"]],
    ["a line of JSON", ["predict", "model", "samples.ndjson"]],
    ["the name of a file", ["inspect", `no${HOSTILE}`]],
    ["a command that is none", [HOSTILE]],
    ["an option that is none", ["inspect", "model", `--${HOSTILE}`]],
  ])("shows %s without obeying it", async (_, [command = "", ...args]) => {
    writeFileSync(at("samples.csv"), `"${HOSTILE.replaceAll("\n", " ")}"\n1\n`);
    writeFileSync(at("samples.ndjson"), `${JSON.stringify(HOSTILE)}\n`);
    const files = args.map((arg) => (arg.startsWith("-") ? arg : at(arg)));
    const { stdout, stderr } = await cli([command, ...files]);
    expect(stdout + stderr).toMatch(/owned/);
    expect(stdout + stderr).not.toMatch(UNSAFE);
    // The forged section: no line of its own says that the self-test passed.
    expect(`${stdout}${stderr}`.split("\n")).not.toContain("  passed");
  });
});
