// Converting a model of a million parameters, for each framework, in a process of its own: at most 300 MB, and work that is counted
// by the collections of the young generation, of 1 MB each, since times depend on what else the machine does. An object for each
// parameter would be 60 collections more. The processor time is printed.
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import * as h5wasm from "h5wasm";
import { afterAll, describe, expect, it } from "vitest";
import { writeContainer } from "../../host/model/safetensors.ts";
import { loadModel } from "../../host/runtime/index.ts";
import { onnxFile } from "../read/onnx-models.ts";
import { mulberry32 } from "../support/random.ts";

const [I, H, O] = [128, 512, 32];

const folder = mkdtempSync(path.join(tmpdir(), "rivulet-large-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const random = mulberry32(1);
const values = (count: number) => Float32Array.from({ length: count }, () => (random() - 0.5) / 12);

function pytorch(): Uint8Array {
  const shapes: Record<string, number[]> = {
    "gru.weight_ih_l0": [3 * H, I],
    "gru.weight_hh_l0": [3 * H, H],
    "gru.bias_ih_l0": [3 * H],
    "gru.bias_hh_l0": [3 * H],
    "fc.weight": [O, H],
    "fc.bias": [O],
  };
  const tensors = Object.entries(shapes).map(([name, shape]) => {
    const data = values(shape.reduce((a, b) => a * b));
    return [name, { dtype: "F32", shape, data }] as const;
  });
  return writeContainer({ metadata: new Map(), tensors: new Map(tensors) });
}

function onnx(): Uint8Array {
  const weight = (...dims: number[]) => ({ dims, values: [...values(dims.reduce((a, b) => a * b))] });
  return onnxFile({
    inputs: { x: [0, 1, I] },
    weights: { W: weight(1, 3 * H, I), R: weight(1, 3 * H, H), B: weight(1, 6 * H), K: weight(H, O) },
    nodes: [
      ["GRU", ["x", "W", "R", "B"], ["Y"], { hidden_size: H, linear_before_reset: 1 }],
      ["MatMul", ["Y", "K"], ["y"]],
    ],
  });
}

/** A legacy file, as Keras 2 writes it. */
async function keras(): Promise<Uint8Array> {
  const { FS } = await h5wasm.ready;
  const file = new h5wasm.File("/large.h5", "w");
  const layers: Record<string, Record<string, number[]>> = {
    gru: {
      "gru/gru_cell/kernel:0": [I, 3 * H],
      "gru/gru_cell/recurrent_kernel:0": [H, 3 * H],
      "gru/gru_cell/bias:0": [2, 3 * H],
    },
    dense: { "dense/kernel:0": [H, O], "dense/bias:0": [O] },
  };
  for (const [layer, weights] of Object.entries(layers)) {
    for (const [name, shape] of Object.entries(weights)) {
      const parts = `model_weights/${layer}/${name}`.split("/");
      parts.slice(0, -1).forEach((_, depth) => {
        const group = parts.slice(0, depth + 1).join("/");
        if (!file.get(group)) file.create_group(group);
      });
      file.create_dataset({ name: parts.join("/"), data: values(shape.reduce((a, b) => a * b)), shape });
    }
    (file.get(`model_weights/${layer}`) as h5wasm.Group).create_attribute("weight_names", Object.keys(weights));
  }
  const config = [
    { class_name: "InputLayer", config: { name: "x", batch_input_shape: [null, null, I] } },
    {
      class_name: "GRU",
      config: {
        name: "gru",
        units: H,
        return_sequences: true,
        reset_after: true,
        recurrent_activation: "sigmoid",
        activation: "tanh",
      },
    },
    { class_name: "Dense", config: { name: "dense", units: O, activation: "linear" } },
  ];
  file.create_attribute(
    "model_config",
    JSON.stringify({ class_name: "Sequential", config: { name: "large", layers: config } }),
  );
  file.close();
  return FS.readFile("/large.h5");
}

describe("rivulet convert of a million parameters", () => {
  it.each([
    ["PyTorch", "large.safetensors", async () => pytorch(), ["--activation", "gru=linear", "fc=linear"], 240],
    ["Keras", "large.h5", keras, [], 260],
    ["ONNX", "large.onnx", async () => onnx(), [], 1000],
  ])("makes few objects and takes at most 300 MB: %s", async (_, name, make, flags, most) => {
    if (!existsSync("dist/cli.js")) throw new Error("dist/cli.js is missing: run `npm run build` first");
    const [source, output] = [path.join(folder, name), path.join(folder, `${name}.out`)];
    writeFileSync(source, await make());
    const tell = 'process.on("exit", () => console.log(JSON.stringify(process.resourceUsage())))';
    const hook = ["--import", `data:text/javascript,${encodeURIComponent(tell)}`];
    const args = [
      "--trace-gc",
      "--max-semi-space-size=1",
      ...hook,
      "dist/cli.js",
      "convert",
      source,
      "-o",
      output,
      ...flags,
    ];
    const stdout = execFileSync(process.execPath, args, { encoding: "utf8" });
    const usage = JSON.parse(stdout.trim().split("\n").at(-1) as string);
    const { tensors } = await loadModel(readFileSync(output));
    expect([...tensors.values()].reduce((sum, { data }) => sum + data.length, 0)).toBeGreaterThan(1_000_000);
    const [seconds, megabytes] = [(usage.userCPUTime + usage.systemCPUTime) / 1e6, usage.maxRSS / 1024];
    const collections = stdout.split("\n").filter((line) => line.includes(" Scavenge ")).length;
    console.log(`${name}: ${collections} collections, ${seconds.toFixed(2)} s, ${megabytes.toFixed(0)} MB`);
    expect(collections).toBeGreaterThan(0);
    expect(collections).toBeLessThan(most);
    expect(megabytes).toBeLessThan(300);
  });
});
