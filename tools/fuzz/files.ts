// What commands read of files.

import { readFileSync } from "node:fs";
import { Readable } from "node:stream";
import { columnsOfHead } from "../detect/columns.ts";
import { CliError } from "../errors.ts";
import { macOf } from "../mcu/sign.ts";
import { detectFramework } from "../read/detect.ts";
import { readKeras } from "../read/keras/index.ts";
import { readNpz } from "../read/npz.ts";
import { readOnnx } from "../read/onnx/index.ts";
import { readPytorch } from "../read/pytorch/index.ts";
import { readRows } from "../replay/rows.ts";
import { SampleReader } from "../samples/reader.ts";
import { type ReferenceShape, readReference } from "../verify/reference.ts";
import { checkModule } from "../wasm/check.ts";
import { filesOf, JSON_TOKENS, type Target, texts, YAML_TOKENS } from "./target.ts";

const CSV_TOKENS = ['""', '"', "\r\n", "\n", ",", ";", "\t", "\ufeff"];

/** Samples: CSV and NDJSON. */
export function samples(): Target {
  const read = (bytes: Uint8Array) => {
    for (const onBadRow of [undefined, () => {}]) {
      const reader = new SampleReader({ source: "fuzz", inputs: ["a", "b"], onBadRow });
      const onSample = (sample: Float64Array) => {
        if (!sample.every(Number.isFinite)) throw new Error(`A sample is ${sample}`);
      };
      reader.push(bytes, onSample);
      reader.end(onSample);
    }
  };
  const seeds = texts("a,b\n1,2\n3,4\n", 'a;"b"\r\n"1";2\r\n', "[1,2]\n[3,4]\n", '{"a":1,"b":2}\n');
  return { seeds, tokens: [...JSON_TOKENS, ...CSV_TOKENS], read, refusals: [CliError] };
}

/** Recordings for `rivulet replay`, and the columns that `rivulet calibrate` finds. */
export function recording(): Target {
  const read = async (bytes: Uint8Array) => {
    columnsOfHead(bytes, bytes.length % 2 === 0);
    let width: number | undefined;
    for await (const { cells } of readRows("fuzz.csv", Readable.from([bytes]))) {
      width ??= cells.length;
      if (cells.length !== width) throw new Error(`A row has ${cells.length} cells, the header ${width}`);
    }
  };
  const seeds = texts('device,speed,note\np1,1500,ok\np2,1480,"a, b"\n', "a;b\r\n1,5;2\r\n", '{"a":1,"b":"x"}\n');
  return { seeds, tokens: CSV_TOKENS, read, refusals: [CliError] };
}

/** References of `--reference`, cut for several models. */
export function reference(): Target {
  const named = (...names: readonly string[]) => names.map((name) => ({ name }));
  const shapes: readonly ReferenceShape[] = [
    { inputs: named("a"), outputs: named("y") },
    { inputs: named("a", "b", "c"), outputs: named("y", "z") },
    { inputs: named("token"), outputs: named("y"), embedding: { vocabulary: 8, size: 2 } },
  ];
  const read = (bytes: Uint8Array) => {
    for (const shape of shapes) {
      try {
        const [inputs, outputs] = [shape.inputs.length, shape.outputs.length];
        for (const sequence of readReference(bytes, "fuzz.npz", shape)) {
          const answers = sequence.lastOnly ? 1 : sequence.steps;
          const isSound = sequence.inputs.length === sequence.steps * inputs && sequence.steps > 0;
          if (!isSound || sequence.outputs.length !== answers * outputs) throw new Error("A sequence is cut wrongly");
          if (!sequence.inputs.every(Number.isFinite)) throw new Error("An input is not finite");
        }
      } catch (error) {
        if (!(error instanceof CliError)) throw error;
      }
    }
  };
  const seeds = [
    ...filesOf("pytorch", ".npz").slice(0, 8),
    ...texts(
      '{"inputs":[[1,2,3],[4,5,6]],"outputs":[[1,2],[3,4]]}',
      '{"inputs":[1,2,3],"outputs":[1,2,3]}\n{"inputs":[4,5],"outputs":[6,7]}\n',
      '{"inputs":1,"outputs":[2]}\n{"inputs":3,"outputs":[4]}\n',
      '{"inputs":[[[1],[2]],[[3],[4]]],"outputs":[[1],[2]]}',
    ),
  ];
  return { seeds, tokens: [...JSON_TOKENS, "\n", "'shape': (", "outputs64", "<f8"], read, refusals: [] };
}

/** Descriptions of models, `--map`, each with weights that its sound form names. */
export function map(): Target {
  const index = JSON.parse(readFileSync("test/vectors/pytorch/index.json", "utf8")) as {
    readonly cases: readonly { readonly source: string; readonly map?: string }[];
  };
  const mapped = index.cases.flatMap(({ source, map: text }) => (text === undefined ? [] : [{ source, text }]));
  const weights = mapped.map(({ source }) => readFileSync(`test/vectors/pytorch/${source}`));
  const read = async (bytes: Uint8Array) => {
    const text = new TextDecoder().decode(bytes);
    const file = weights[bytes.length % weights.length] as Uint8Array;
    await readPytorch(file, { source: "fuzz.pt", map: { text, source: "fuzz.yaml" } });
  };
  const layers = `layers:
  - embedding: emb.weight
  - gru: { reset: after, update: state, concat: hx, r: { weight: wr }, z: { weight: wz }, n: { W: w, U: u, c: c } }
  - norm: { mean: m, variance: v, weight: g, bias: b, epsilon: 1e-5 }
  - activation: relu
  - dense: { W: fc.weight, activation: prelu, slope: a, transpose: true }
ignore: [steps]
`;
  const tokens = [...YAML_TOKENS, "gru:", "norm:", "prelu", "none", "transpose: true"];
  const seeds = texts(...mapped.map(({ text }) => text), layers);
  return { seeds, tokens, read, refusals: [CliError], isOneLine: true };
}

/** What tells which framework wrote a file. */
export function framework(): Target {
  const read = (bytes: Uint8Array) => detectFramework(bytes, "fuzz");
  const seeds = [
    ...filesOf("pytorch", ".pt", ".safetensors").slice(0, 4),
    ...filesOf("keras", ".keras", ".h5").slice(0, 4),
    ...texts("version https://git-lfs.github.com/spec/v1\n", "<!DOCTYPE html>"),
  ];
  return { seeds, tokens: ["PK\x03\x04", "\x89HDF", "TFL3"], read, refusals: [CliError] };
}

/** Keys of `build --sign`. */
export function key(): Target {
  const image = new Uint8Array(64);
  const read = (bytes: Uint8Array) => {
    try {
      if (macOf(image, bytes).length !== 32 || bytes.length < 16 || bytes.length > 64) throw new Error("It is no code");
    } catch (error) {
      if (!(error instanceof RangeError && /^Key has \d+ bytes/.test(error.message))) throw error;
    }
  };
  return { seeds: [new Uint8Array(32), new Uint8Array(60)], tokens: [], read, refusals: [] };
}

/** Weights and models of other frameworks, arrays of NumPy, and WebAssembly modules. */
export const FORMATS: Readonly<Record<string, () => Target>> = {
  pytorch: () => ({
    seeds: filesOf("pytorch", ".pt", ".pth", ".pt2", ".safetensors", "-weights.npz"),
    tokens: ["cbuiltins\n", "R.", "(lp0\n", "data.pkl", "PK\x03\x04"],
    read: (bytes) => readPytorch(bytes, { source: "fuzz.pt" }),
    refusals: [CliError],
    isOneLine: true,
  }),
  keras: () => ({
    seeds: [...filesOf("keras", ".keras", ".h5"), ...filesOf("keras2", ".h5")],
    tokens: [...JSON_TOKENS, "GRU", "config.json", "PK\x03\x04", "SNOD", "TREE"],
    read: (bytes) => readKeras(bytes, { path: "fuzz.keras", timeLimitMs: 1000 }),
    refusals: [CliError],
    isOneLine: true,
  }),
  onnx: () => ({
    seeds: filesOf("onnx", ".onnx"),
    tokens: ["GRU", "Loop", "\x0a\x00", "\x3a\xff\xff\xff\x7f"],
    read: (bytes) => readOnnx(bytes, { path: "fuzz.onnx", readExternal: () => new Uint8Array(64) }),
    refusals: [CliError],
    isOneLine: true,
  }),
  npz: () => ({
    seeds: [...filesOf("numpy", ".npz"), ...filesOf("pytorch", ".npz").slice(0, 5)],
    tokens: ["\x93NUMPY", "'shape': (", "True", "<f8", "PK\x05\x06"],
    read: (bytes) => readNpz(bytes, "fuzz.npz"),
    refusals: [CliError],
    isOneLine: true,
  }),
  wasm: () => ({
    seeds: ["build/q15.wasm", "build/f32.wasm"].map((file) => readFileSync(file)),
    tokens: ["\x00asm", "\xff\xff\xff\xff\x0f"],
    read: (bytes) => checkModule(bytes, { integerOnly: false }),
    refusals: [],
  }),
};
