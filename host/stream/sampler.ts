import { crc32 } from "../runtime/crc32.ts";
import type { Arriving, SamplerListener } from "./arriving.ts";
import { type Device, DeviceStateError } from "./device.ts";
import { createGaps, type GapOptions, type Gaps } from "./gap.ts";
import { createRateGuard, createRepeatGuard } from "./guards.ts";
import { createTrigger, type Trigger } from "./trigger.ts";

// State of a device whose samples a sampler takes; little-endian. Devices without a sampler are kept as they are.
//
//   offset      bytes
//   0           4      "RVS1"
//   4           4      u32 number of f64 values of the sampler, K
//   8           8 * K  f64 values
//   ...         4      CRC-32 (IEEE 802.3, as in zlib) of all bytes before
//   ...         ...    state of the device (device.ts)
const MAGIC = 0x31535652; // "RVS1" as a little-endian u32
const HEADER_BYTES = 8;

/** When samples are taken of what arrives, and what is refused or done before. */
export interface Sampling {
  readonly trigger: Trigger;
  /** A reading with the same digest is refused for so long. Default: none is. */
  readonly distinctMs?: number;
  /** By input of the model, greatest change in a second. Default: any. */
  readonly maxRates?: ReadonlyMap<string, number | undefined>;
  /** Default: a silence means nothing. */
  readonly gap?: GapOptions;
}

/** Takes the samples of a device. */
export interface Sampler {
  /**
   * Takes what arrives in.
   *
   * @throws {SampleError} when the model refuses the sample
   * @throws {PayloadError} when a value is missing, or the arrival is refused
   */
  take(arrival: Arriving, listener: SamplerListener): void;
  /** Copies the whole state out, that of the device included. */
  snapshot(): Uint8Array;
  /**
   * Replaces the state. Where it was written with other settings, or without a sampler, only that of the device is.
   *
   * @throws {DeviceStateError} when the bytes are damaged or of another version
   * @throws {SnapshotError} when they are of another model or numeric form
   */
  restore(bytes: Uint8Array): void;
}

/**
 * Creates the sampler of a device.
 *
 * @param names  of the model's inputs
 */
export function createSampler(device: Device, names: readonly string[], sampling: Sampling): Sampler {
  const { distinctMs, maxRates, gap } = sampling;
  const trigger = createTrigger(sampling.trigger, names.length, device);
  const gaps = gap && createGaps(gap, names.length, device);
  const guards = [
    ...(distinctMs === undefined ? [] : [createRepeatGuard(distinctMs)]),
    ...(maxRates === undefined
      ? []
      : [
          createRateGuard(
            names,
            names.map((name) => maxRates.get(name)),
          ),
        ]),
  ];
  const { memory, areas } = allot([trigger.size, gaps?.size ?? 0, ...guards.map(({ size }) => size)]);
  const [triggerArea, gapArea, ...guardAreas] = areas as [Float64Array, Float64Array, ...Float64Array[]];
  return {
    take(arrival, listener) {
      for (const [index, guard] of guards.entries()) guard.check(arrival, guardAreas[index] as Float64Array);
      gaps?.before(arrival, gapArea, listener);
      trigger.take(arrival, triggerArea, gaps === undefined ? listener : warming(listener, gaps, gapArea));
      for (const [index, guard] of guards.entries()) guard.keep(arrival, guardAreas[index] as Float64Array);
    },
    snapshot: () => encode(memory, device.snapshot()),
    restore(bytes) {
      const { values, rest } = decode(bytes);
      device.restore(rest);
      memory.fill(0);
      if (values.length === memory.length) memory.set(values);
    },
  };
}

/** One stretch of memory, and an area of it for each size. */
function allot(sizes: readonly number[]): { readonly memory: Float64Array; readonly areas: Float64Array[] } {
  const memory = new Float64Array(sizes.reduce((sum, size) => sum + size, 0));
  let start = 0;
  const areas = sizes.map((size) => {
    start += size;
    return memory.subarray(start - size, start);
  });
  return { memory, areas };
}

/** Marks the outcomes of a warm-up. */
function warming(listener: SamplerListener, gaps: Gaps, memory: Float64Array): SamplerListener {
  return {
    step(outcome, time) {
      const left = gaps.warmup(memory);
      listener.step(left > 0 ? { ...outcome, warmup: left } : outcome, time);
    },
    hold: (time, text) => listener.hold(time, text),
  };
}

/**
 * Answers the state of a device without what a sampler kept beside it.
 *
 * @throws {DeviceStateError} when the bytes are damaged
 */
export function withoutSampler(bytes: Uint8Array): Uint8Array {
  return decode(bytes).rest;
}

function encode(values: Float64Array, rest: Uint8Array): Uint8Array {
  const end = HEADER_BYTES + 8 * values.length;
  const bytes = new Uint8Array(end + 4 + rest.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, MAGIC, true);
  view.setUint32(4, values.length, true);
  for (const [index, value] of values.entries()) view.setFloat64(HEADER_BYTES + 8 * index, value, true);
  view.setUint32(end, crc32(bytes.subarray(0, end)), true);
  bytes.set(rest, end + 4);
  return bytes;
}

function decode(bytes: Uint8Array): { readonly values: Float64Array; readonly rest: Uint8Array } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < HEADER_BYTES || view.getUint32(0, true) !== MAGIC)
    return { values: new Float64Array(0), rest: bytes };
  const count = view.getUint32(4, true);
  const end = HEADER_BYTES + 8 * count;
  if (bytes.length < end + 4 || view.getUint32(end, true) !== crc32(bytes.subarray(0, end))) {
    throw new DeviceStateError("State of the sampler is damaged: its checksum does not match");
  }
  const values = Float64Array.from({ length: count }, (_, index) => view.getFloat64(HEADER_BYTES + 8 * index, true));
  if (!values.every(Number.isFinite)) {
    throw new DeviceStateError("State of the sampler is damaged although its checksum matches: a value is not finite");
  }
  return { values, rest: bytes.subarray(end + 4) };
}
