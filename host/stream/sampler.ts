import { crc32 } from "../runtime/crc32.ts";
import { type Device, DeviceStateError } from "./device.ts";
import { type Arriving, createTrigger, type SamplerListener, type Trigger } from "./trigger.ts";

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

/** When samples are taken of what arrives. */
export interface Sampling {
  readonly trigger: Trigger;
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
 * @param inputs  number of the model's inputs
 */
export function createSampler(device: Device, inputs: number, { trigger }: Sampling): Sampler {
  const taker = createTrigger(trigger, inputs, device);
  return {
    take: (arrival, listener) => taker.take(arrival, listener),
    snapshot: () => encode(taker.memory, device.snapshot()),
    restore(bytes) {
      const { values, rest } = decode(bytes);
      device.restore(rest);
      taker.memory.fill(0);
      if (values.length === taker.memory.length) taker.memory.set(values);
    },
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
