// What the host reads of models and of their state.

import { readFileSync } from "node:fs";
import { calibrate } from "../../host/detect/calibrate.ts";
import { Detector } from "../../host/detect/detector.ts";
import { parseDetector, serializeDetector } from "../../host/detect/file.ts";
import { ModelFormatError, SnapshotError } from "../../host/model/errors.ts";
import { parseModel } from "../../host/model/model.ts";
import { crc32 } from "../../host/runtime/crc32.ts";
import { packF32 } from "../../host/runtime/image-f32.ts";
import { createRuntime } from "../../host/runtime/index.ts";
import { instantiateKernels } from "../../host/runtime/kernels.ts";
import { createDevice, DeviceStateError } from "../../host/stream/device.ts";
import { JSON_TOKENS, type Target } from "./target.ts";

const PUMP = "models/pump.safetensors";

const isFiniteOrNull = (value: number | null): boolean => value === null || Number.isFinite(value);

/** Model files, up to a step of what is taken: it may overflow with such weights, but not fail. */
export function model(): Target {
  const read = (bytes: Uint8Array) => {
    const model = parseModel(bytes);
    const session = createRuntime(model).createSession();
    const { inputs, embedding } = model.spec;
    session.step(inputs.map((_, i) => (embedding ? 0 : 1000 * i)));
  };
  return { seeds: [readFileSync(PUMP)], tokens: JSON_TOKENS, read, refusals: [ModelFormatError] };
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

/** Snapshots of sessions. */
export function snapshot(): Target {
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

/** Detector files: what is taken gives finite scores. */
export function detector(): Target {
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

/** What the state store keeps of a device. */
export function device(): Target {
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

/** Images: the kernels run none that is damaged. What is forged is another matter (SECURITY.md), so the CRC-32 is not made right. */
export function image(): Target {
  const { bytes: sound } = packF32(parseModel(readFileSync(PUMP)));
  const kernels = instantiateKernels("f32", false);
  const start = kernels.__heap_base.value as number;
  kernels.memory.grow(16);
  const read = (bytes: Uint8Array) => {
    const memory = new Uint8Array(kernels.memory.buffer, start);
    memory.fill(0, 0, sound.length);
    memory.set(bytes);
    const isSound = Buffer.compare(memory.subarray(0, sound.length), sound) === 0 && bytes.length >= sound.length;
    const status = kernels.check(start, bytes.length);
    if (isSound !== (status === 0)) throw new Error(`The status of the image is ${status}`);
  };
  return { seeds: [sound], tokens: [], read, refusals: [] };
}
