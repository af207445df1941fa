import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { serializeModel } from "../../../host/runtime/index.ts";
import { cli } from "../../support/cli.ts";
import { randomF32Model, tensorOf } from "../../support/models.ts";

const folder = mkdtempSync(path.join(tmpdir(), "rivulet-inspect-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const { model, spec, tensors, bytes } = randomF32Model({ layers: [8], inputs: 2, outputs: 1, skip: 3 });
const MODEL = save("model.safetensors", bytes);

function save(name: string, content: Uint8Array): string {
  const file = path.join(folder, name);
  writeFileSync(file, content);
  return file;
}

describe("rivulet inspect", () => {
  it("tells shapes and costs in JSON", async () => {
    const { code, stdout } = await cli(["inspect", MODEL, "--json"]);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      id: model.id,
      hash: model.hash,
      bytes: bytes.length,
      numeric: "f32",
      layers: [
        { kind: "gru", inputs: 2, size: 8, reset: "after", multiplications: 3 * 8 * (2 + 8) },
        { kind: "dense", inputs: 8, size: 1, activation: "linear", multiplications: 8 },
      ],
      skip: { length: 3, multiplications: 6 },
      multiplications: 240 + 8 + 6,
      // A window of 3 x 2 values, padded to 16 bytes, and 8 values of h.
      stateBytes: 32 + 32,
    });
  });

  it("tells the same in aligned text", async () => {
    const { stdout } = await cli(["inspect", MODEL]);
    expect(stdout).toContain(`${model.id}  f32  ${bytes.length.toLocaleString("en-US")} bytes\n`);
    expect(stdout).toMatch(/^ {2}gru {4}2 → 8 +reset-after {2}240 multiplications$/m);
    expect(stdout).toMatch(/^ {2}layers\.0\.U +F32\[24\]\[8\] +768 bytes$/m);
    expect(stdout).toMatch(/^ {2}state +64 bytes for each session$/m);
    expect(stdout).toMatch(/^self-test\n {2}none$/m);
  });

  it("tells that the test vectors fail, where loading the model would refuse it", async () => {
    const vectors = new Map(tensors)
      .set("selftest.input", tensorOf("F32", [1, 2], [0, 0]))
      .set("selftest.output", tensorOf("F32", [1, 1], [1e6]));
    const file = save("wrong.safetensors", serializeModel({ ...spec, selftest: { steps: 1 } }, vectors));
    const { code, stdout } = await cli(["inspect", file]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^ {2}FAILED {2}1 steps {2}largest error \S+ {2}allowed 0\.00001$/m);
  });

  it("is coloured on a terminal only, and not when NO_COLOR is set", async () => {
    expect((await cli(["inspect", MODEL], { isTty: true })).stdout).toContain("\x1b[1minputs\x1b[22m");
    expect((await cli(["inspect", MODEL], { isTty: true, env: { NO_COLOR: "1" } })).stdout).not.toContain("\x1b");
    expect((await cli(["inspect", MODEL])).stdout).not.toContain("\x1b");
  });
});
