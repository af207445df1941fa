// The frame of `rivulet convert`: telling the kinds of files apart, and what does not depend on the framework.
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { loadModel } from "../../host/runtime/index.ts";
import { reference as caseReference } from "../read/keras-cases.ts";
import { cli } from "../support/cli.ts";
import { randomF32Model } from "../support/models.ts";

const folder = mkdtempSync(path.join(tmpdir(), "rivulet-convert-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const vector = (name: string) => fileURLToPath(new URL(`../vectors/${name}`, import.meta.url));

function save(name: string, content: string | Uint8Array): string {
  const file = path.join(folder, name);
  writeFileSync(file, content);
  return file;
}

describe("rivulet convert", () => {
  it.each([
    ["pytorch/gru-3x5.pt", "PyTorch"],
    ["keras/activations.keras", "Keras"],
    ["onnx/node-14-reset-after.onnx", "ONNX"],
  ])("tells the framework of %s by its content", async (source, label) => {
    const output = path.join(folder, `${label}.safetensors`);
    const { code, stdout, stderr } = await cli(["convert", vector(source), "-o", output]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toContain(`from ${label}\n`);
    const { spec } = await loadModel(readFileSync(output));
    expect(spec.provenance?.source).toBe(path.basename(source));
  });

  it.each([
    ["notes.txt", "hello", /Unknown kind of file, expected \.safetensors, \.pt/],
    ["empty.bin", "", /Unknown kind of file/],
    ["empty.pt", "", /empty\.pt: Not a safetensors file, or cut off/],
    ["lite.bin", "\x1c\0\0\0TFL3 and more", /TensorFlow Lite model, .*\(WHILE\).*\.keras/],
    [
      "pointer.pt",
      "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n",
      /pointer of Git LFS.*git lfs pull/,
    ],
    ["page.onnx", "<!DOCTYPE html><html>", /pointer|web page \(HTML\), no model/],
    ["net.param", "7767517\n3 3\n", /text of an ncnn or pnnx network/],
    ["net.pnnx.bin", "PK\x03\x04", /part of a pnnx network/],
    ["flax.msgpack", new Uint8Array([0x81, 0xa6, 0x70]), /Is msgpack, as Flax writes it; .*--map flax/],
    ["paddle.bin", "\x80\x02}StructuredToParameterName@@", /state dict of Paddle/],
    ["graph.pb", "\n\x05", /protobuf of TensorFlow.*model\.save/],
    ["config.json", '{"class_name": "Sequential"}', /Is JSON; give the file with the weights/],
    ["own.safetensors", randomF32Model({ layers: [4] }).bytes, /Is a model file of rivulet already/],
  ])("refuses %s, in one line", async (name, content, text) => {
    const output = path.join(folder, "refused.safetensors");
    const { code, stderr } = await cli(["convert", save(name, content), "-o", output]);
    expect(code).toBe(1);
    expect(stderr).toMatch(text);
    expect(stderr.split("\n")).toHaveLength(2);
    expect(existsSync(output)).toBe(false);
  });

  it("compares the sequences of a stateful source as one, and says so", async () => {
    const { x, y, steps, outputs } = caseReference("stateful");
    const rows = (values: number[], from: number) =>
      Array.from({ length: steps / 2 }, (_, t) => {
        const width = values.length / steps;
        return values.slice((from + t) * width, (from + t + 1) * width);
      });
    const halves = (values: number[]) => [rows(values, 0), rows(values, steps / 2)];
    expect(outputs).toBe(1);
    const runOn = save("run-on.json", JSON.stringify({ inputs: halves(x), outputs: halves(y) }));
    const args = ["convert", vector("keras/stateful.keras"), "-o", path.join(folder, "stateful.safetensors")];
    const { code, stdout } = await cli([...args, "--reference", runOn]);
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /The source is stateful \(gru\w*\): its state ran on .*of the 2 sequences.*compared as one\n/,
    );
    const wrong = save(
      "wrong.json",
      JSON.stringify({ inputs: halves(x), outputs: halves(y.map((value) => value + 1)) }),
    );
    const { stderr } = await cli([...args, "--reference", wrong]);
    expect(stderr).toMatch(
      /does not compute what the source does; .*reset_state\(\) of these layers before each sequence/,
    );
  });

  it("reads a SavedModel folder, whose hash is that of what sha256sum writes", async () => {
    const source = vector("saved-model/2.15/text");
    const output = path.join(folder, "saved.safetensors");
    expect(await cli(["convert", source, "-o", output])).toMatchObject({ code: 0, stderr: "" });
    const { provenance } = (await loadModel(readFileSync(output))).spec;
    const files = ["keras_metadata.pb", "variables/variables.data-00000-of-00001", "variables/variables.index"];
    const hash = (content: string | Uint8Array) => createHash("sha256").update(content).digest("hex");
    const lines = files.map((file) => `${hash(readFileSync(path.join(source, file)))}  ${file}\n`);
    expect(provenance).toMatchObject({ source: "text", source_sha256: hash(lines.join("")) });
    for (const file of files) {
      const { stderr } = await cli(["convert", path.join(source, file), "-o", output]);
      expect(stderr).toMatch(/give its folder|give the folder of its SavedModel|Holds weights only/);
    }
  });

  it("reads Keras weights that stand in several files", async () => {
    const whole = readFileSync(vector("keras/weights.weights.h5"));
    save("part_00000.weights.h5", whole);
    const index = save(
      "part.weights.json",
      JSON.stringify({ weight_map: { "/layers/gru": ["part_00000.weights.h5"] } }),
    );
    const output = path.join(folder, "parts.safetensors");
    const config = ["--config", vector("keras/weights.json")];
    expect(await cli(["convert", index, "-o", output, ...config])).toMatchObject({ code: 0, stderr: "" });
    expect((await cli(["convert", index, "-o", output])).stderr).toMatch(/Holds weights only; .*--config/);
    const away = save("away.weights.json", JSON.stringify({ weight_map: { "/layers": ["../x.h5"] } }));
    expect((await cli(["convert", away, "-o", output, ...config])).stderr).toMatch(/names no files, or other than/);
  });

  it("refuses to write over its source", async () => {
    const source = save("same.pt", readFileSync(vector("pytorch/gru-3x5.pt")));
    const { code, stderr } = await cli(["convert", source, "-o", source]);
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: expect.stringMatching(/is the source, expected another file/),
    });
  });

  it("tells of a source or a map that is not there", async () => {
    const { code, stderr } = await cli(["convert", path.join(folder, "nothing.pt"), "-o", path.join(folder, "x")]);
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringMatching(/nothing\.pt: No such file or directory/),
    });
    const map = ["--map", path.join(folder, "nothing.yaml")];
    const second = await cli(["convert", vector("pytorch/gru-3x5.pt"), "-o", path.join(folder, "x"), ...map]);
    expect(second).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/nothing\.yaml: No such file or directory/),
    });
  });

  it("refuses options of another framework", async () => {
    const args = ["convert", vector("keras/activations.keras"), "-o", path.join(folder, "x"), "--layers", "a,b"];
    expect(await cli(args)).toMatchObject({ code: 2, stderr: expect.stringMatching(/--layers: Not for Keras models/) });
  });
});
