// What the command line does where onnxruntime-node is not installed, or answers otherwise than the converted model.
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, describe, expect, it, vi } from "vitest";
import { CliError } from "../../tools/errors.ts";
import type { OnnxRuntime, OnnxTensor } from "../../tools/verify/onnxruntime.ts";
import { casePath } from "../read/onnx-cases.ts";
import { cli } from "../support/cli.ts";

let installed: OnnxRuntime | undefined;
vi.mock("../../tools/verify/onnxruntime.ts", { spy: true });
const module = await import("../../tools/verify/onnxruntime.ts");
const { loadOnnxRuntime } = await vi.importActual<typeof module>("../../tools/verify/onnxruntime.ts");
vi.mocked(module.loadOnnxRuntime).mockImplementation(async () => installed);

/** An onnxruntime that answers with these numbers of elements. */
function answering(count: (feed: OnnxTensor) => number): OnnxRuntime {
  const run = async ({ x }: Readonly<Record<string, OnnxTensor>>) => {
    const data = new Float32Array(count(x as OnnxTensor));
    return { y: { type: "float32", data, dims: [data.length] } as const };
  };
  return { version: "0", open: async () => ({ run, release: async () => {} }) };
}

const folder = mkdtempSync(path.join(tmpdir(), "rivulet-onnxruntime-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const output = path.join(folder, "model.safetensors");

describe("loadOnnxRuntime", () => {
  const failing = (text: string, code: string) => () => {
    throw Object.assign(new Error(text), { code });
  };

  it("finds nothing where the package is not installed", async () => {
    const load = failing("Cannot find module 'onnxruntime-node'", "MODULE_NOT_FOUND");
    expect(await loadOnnxRuntime(load)).toBeUndefined();
  });

  it("tells of a package that does not load", async () => {
    const load = loadOnnxRuntime(failing("libonnxruntime.so.1:\n no such file", "ERR_DLOPEN_FAILED"));
    await expect(load).rejects.toThrow(/^onnxruntime-node does not load: libonnxruntime\.so\.1: no such file; install/);
    await expect(load).rejects.toThrow(CliError);
    const part = loadOnnxRuntime(failing("Cannot find module 'onnxruntime-common'", "MODULE_NOT_FOUND"));
    await expect(part).rejects.toThrow(/does not load: Cannot find module 'onnxruntime-common'/);
  });
});

describe("without onnxruntime-node", () => {
  it("converts, and says in one line how to check the model", async () => {
    installed = undefined;
    const { code, stdout, stderr } = await cli(["convert", casePath("node-softmax"), "-o", output]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toContain(
      "\nsource: not run, onnxruntime-node is not installed; `npm install --no-save --save-dev --ignore-scripts onnxruntime-node` lets it be checked\n",
    );
  });

  it("refuses to verify against a source", async () => {
    const { code, stderr } = await cli(["verify", output, "--source", casePath("node-softmax")]);
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringMatching(
        /node-softmax\.onnx: onnxruntime-node, which runs it, is not installed: npm install --no-save/,
      ),
    });
  });
});

describe("with an onnxruntime that answers otherwise", () => {
  it("writes nothing", async () => {
    rmSync(output, { force: true });
    installed = answering(({ dims: [steps = 0, streams = 0] }) => steps * streams * 3);
    const { code, stdout, stderr } = await cli(["convert", casePath("node-softmax"), "-o", output]);
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringMatching(/node-softmax\.onnx: The converted model does not compute .* nothing is written/),
    });
    expect(stdout).toMatch(/FAILED: 3 of 3 outputs/);
    expect(existsSync(output)).toBe(false);
  });

  it("says what the shape of an answer is and should be", async () => {
    installed = answering(() => 5);
    const { code, stdout } = await cli(["convert", casePath("node-softmax"), "-o", output]);
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: expect.stringMatching(/source: not run, .*answers with \[5\], expected 2 × 1 × 3 values/),
    });
  });
});

describe("usage", () => {
  it("refuses verify with both or none of reference and source, and --no-run of other sources", async () => {
    const none = await cli(["verify", output]);
    expect(none).toMatchObject({ code: 2, stderr: expect.stringMatching(/either --reference FILE, or --source FILE/) });
    const both = await cli(["verify", output, "--source", "a", "--reference", "b"]);
    expect(both).toMatchObject({ code: 2, stderr: none.stderr });
    const keras = new URL("../vectors/keras/activations.keras", import.meta.url).pathname;
    const other = await cli(["convert", keras, "-o", output, "--no-run"]);
    expect(other).toMatchObject({ code: 2, stderr: expect.stringMatching(/--no-run: Not for Keras models/) });
    const source = await cli(["verify", output, "--source", keras]);
    expect(source).toMatchObject({ code: 1, stderr: expect.stringMatching(/Only ONNX sources can be run; /) });
  });
});
