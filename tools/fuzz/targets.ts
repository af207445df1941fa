// The readers of everything that comes from outside, each with sound inputs to start from and the errors that it may end in.

import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { ConfigError, parseConfigDocument } from "../../host/config/document.ts";
import { configSchema } from "../../host/config/schema.ts";
import { calibrate } from "../../host/detect/calibrate.ts";
import { Detector } from "../../host/detect/detector.ts";
import { parseDetector, serializeDetector } from "../../host/detect/file.ts";
import { ModelFormatError, SnapshotError } from "../../host/model/errors.ts";
import { parseModel } from "../../host/model/model.ts";
import { crc32 } from "../../host/runtime/crc32.ts";
import { createRuntime } from "../../host/runtime/index.ts";
import { createDevice, DeviceStateError } from "../../host/stream/device.ts";
import { createDecoder, PayloadError } from "../../host/stream/payload.ts";
import { CliError } from "../errors.ts";
import { readKeras } from "../read/keras/index.ts";
import { readNpz } from "../read/npz.ts";
import { readOnnx } from "../read/onnx/index.ts";
import { readPytorch } from "../read/pytorch/index.ts";
import { SampleReader } from "../samples/reader.ts";
import { checkModule } from "../wasm/check.ts";
import type { Material } from "./mutate.ts";

/** A reader to be fuzzed. */
export interface Target extends Material {
  /** Reads an input. Throws nothing but `refusals`, and answers in bounded time and memory. */
  read(bytes: Uint8Array): unknown;
  /** Makes the checksums of an input right again, so that the checks behind them are reached; done to half of the inputs. */
  readonly seal?: (bytes: Uint8Array) => Uint8Array;
  /** What a damaged input may end in; anything else is a finding. */
  readonly refusals: readonly (abstract new (
    ...args: never[]
  ) => Error)[];
  /** Refusals hold no control characters: they quote a file whose names may be anything. */
  readonly isOneLine?: boolean;
}

const VECTORS = "test/vectors";
const PUMP = "models/pump.safetensors";
const MAX_SEED_BYTES = 1 << 17;

/** The committed files with one of the endings. */
function filesOf(folder: string, ...endings: readonly string[]): Uint8Array[] {
  return readdirSync(path.join(VECTORS, folder))
    .filter((name) => endings.some((ending) => name.endsWith(ending)))
    .map((name) => readFileSync(path.join(VECTORS, folder, name)))
    .filter((bytes) => bytes.length <= MAX_SEED_BYTES);
}

const texts = (...lines: readonly string[]): Uint8Array[] => lines.map((line) => new TextEncoder().encode(line));

const JSON_TOKENS = ["{", "}", "[", "]", '"', ",", ":", "null", "1e999", "-", "__proto__", "\\u0000", "[[[[[[[["];

const isFiniteOrNull = (value: number | null): boolean => value === null || Number.isFinite(value);

function model(): Target {
  return { seeds: [readFileSync(PUMP)], tokens: JSON_TOKENS, read: parseModel, refusals: [ModelFormatError] };
}

/** Writes the right CRC-32 at the end of bytes that have room for one. */
function sealed(bytes: Uint8Array): Uint8Array {
  if (bytes.length < 4) return bytes;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  view.setUint32(bytes.length - 4, crc32(bytes.subarray(0, -4)), true);
  return bytes;
}

/** Writes the right checksums of a device's state and of the snapshot in it. */
function sealedDevice(bytes: Uint8Array): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const inner = bytes.length < 32 ? 0 : view.getUint32(12, true);
  if (inner >= 4 && inner <= bytes.length - 32) sealed(bytes.subarray(bytes.length - 4 - inner, -4));
  return sealed(bytes);
}

function snapshot(): Target {
  const session = createRuntime(parseModel(readFileSync(PUMP))).createSession();
  for (let t = 0; t < 20; t++) session.step([2900 + t, 5, 18, 52]);
  const read = (bytes: Uint8Array) => {
    session.restore(bytes);
    const prediction = session.step([2900, 5, 18, 52]);
    if (!prediction.every(Number.isFinite)) throw new Error(`The prediction is ${prediction}`);
    if (!session.residual.every(isFiniteOrNull)) throw new Error(`The residual is ${session.residual}`);
  };
  return { seeds: [session.snapshot()], tokens: [], seal: sealed, read, refusals: [SnapshotError] };
}

function detector(): Target {
  const raw = Float64Array.from({ length: 300 }, (_, t) =>
    Math.round(1e6 * Math.sin(t / 7) + 1e3 * ((t * 7919) % 100)),
  );
  const parameters = calibrate([raw, raw.map((value) => -value)], { rate: 0.001, period: 44 });
  const inputs = ["a", "b"].map((name) => ({ name, fraction: 3 }));
  const seed = serializeDetector({ name: "fuzz", inputs, alarmsPerWeek: 1, rows: 300 }, parameters);
  const read = (bytes: Uint8Array) => {
    const { parameters: found } = parseDetector(bytes);
    const run = new Detector(found);
    const extremes = [0, 2 ** 30, -(2 ** 30), 1];
    for (let row = 0; row < 40; row++) {
      const value = extremes[row % 4] as number;
      const { score } = run.step(
        found.channels.map((_, c) => (c % 2 === 0 ? value : -value)),
        row * row,
      );
      if (!Number.isFinite(score) || Math.abs(score) > 100) throw new Error(`The score is ${score}`);
    }
  };
  return { seeds: [seed], tokens: JSON_TOKENS, read, refusals: [ModelFormatError] };
}

function device(): Target {
  const runtime = createRuntime(parseModel(readFileSync(PUMP)));
  const sound = createDevice(runtime);
  for (let t = 0; t < 20; t++) sound.step([2900 + t, 5, 18, 52]);
  const read = (bytes: Uint8Array) => {
    const restored = createDevice(runtime);
    try {
      restored.restore(bytes);
      const { prediction, residual, n } = restored.step([2900, 5, 18, 52]);
      const isSound = prediction.every(Number.isFinite) && residual.every(isFiniteOrNull) && Number.isInteger(n);
      if (!isSound) throw new Error(`Step ${n} predicts ${prediction}, with the residual ${residual}`);
    } finally {
      restored.release();
    }
  };
  return {
    seeds: [sound.snapshot()],
    tokens: [],
    seal: sealedDevice,
    read,
    refusals: [DeviceStateError, SnapshotError],
  };
}

function payload(): Target {
  const names = ["speed", "pressure"];
  const inputs = names.map((name) => ({ name }));
  const decoders = (["json", "array", "f32le"] as const).map((format) =>
    createDecoder({ payload: format, inputs, modelInputs: names, maxBytes: 4096 }),
  );
  decoders.push(createDecoder({ payload: "number", inputs: [{ name: "a" }], modelInputs: ["a"], maxBytes: 4096 }));
  const read = (bytes: Uint8Array) => {
    for (const decode of decoders) {
      try {
        const { sample } = decode(bytes);
        if (!sample.every(Number.isFinite)) throw new Error(`A sample is ${sample}`);
      } catch (error) {
        if (!(error instanceof PayloadError)) throw error;
      }
    }
  };
  const seeds = texts('{"speed":2900,"pressure":5.1}', "[1,2]", "-12.5e3", "nan", "\0\0\x80?\0\0\0@");
  return { seeds, tokens: [...JSON_TOKENS, "speed", "0x10", "Infinity"], read, refusals: [] };
}

function samples(): Target {
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
  return { seeds, tokens: [...JSON_TOKENS, '""', "\r\n", ";", "\t", "\ufeff"], read, refusals: [CliError] };
}

function config(): Target {
  const yaml = `broker: { url: mqtt://localhost, password: hunter2 }
state: { directory: ./state }
streams:
  pump: &pump
    model: m.safetensors
    topic: plant/{site}/{device}/data
    inputs: [speed, { name: pressure, field: /a/b, max_age: 60 }]
    time: { field: ts, format: unix }
`;
  const read = (bytes: Uint8Array) => {
    const document = parseConfigDocument(new TextDecoder().decode(bytes), "fuzz.yaml");
    configSchema.safeParse(document.value, { reportInput: true });
  };
  const tokens = ["&a", "*a", "<<: *pump", "!!binary ", "? ", "- ", "|\n", "\t", "{", "]", "---\n", "#"];
  return { seeds: texts(yaml), tokens, read, refusals: [ConfigError] };
}

/** Each reader by name, made when it is asked for. */
export const TARGETS: Readonly<Record<string, () => Target>> = {
  model,
  snapshot,
  detector,
  device,
  payload,
  samples,
  config,
  pytorch: () => ({
    seeds: filesOf("pytorch", ".pt", ".pth", ".pt2", ".safetensors"),
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
