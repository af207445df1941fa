import { SampleError, SnapshotError } from "../model/errors.ts";
import type { ModelSpec } from "../model/types.ts";
import { crc32 } from "../runtime/crc32.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { Session } from "../runtime/session.ts";
import { createHeldValues, HELD_BYTES, type HeldValues } from "./held.ts";

// State of a device, as the state store keeps it; little-endian:
//
//   offset      bytes
//   0           4      "RVD1"
//   4           4      u32 version, 2
//   8           4      u32 numeric form: 0 f32, 1 q15
//   12          4      u32 horizon
//   16          4      u32 number of outputs that forecast an input, J
//   20          4      u32 size m of the session's snapshot
//   24          8      f64 steps n
//   32          4      u32 number of held values, K
//   36          8 * horizon * J   f64 forecasts; the one of step k (from 0) at row k mod horizon
//   ...         20 * K            held values: u32 index of the input, f64 value, f64 time in Unix milliseconds
//   ...         m      snapshot of the session (FORMAT.md 7)
//   ...         4      CRC-32 (IEEE 802.3, as in zlib) of all bytes before
const MAGIC = 0x31445652; // "RVD1" as a little-endian u32
const VERSION = 2;
const HEADER_BYTES = 36;

/** State of a device that is damaged, or of another version of this layout. */
export class DeviceStateError extends Error {
  override readonly name = "DeviceStateError";
}

/** What a device computes from one sample. */
export interface Outcome {
  /** f64[O]; reused by the next step. */
  readonly prediction: Float64Array;
  /** f64[I], older values in its gaps; reused by the next step. */
  readonly sample: ArrayLike<number>;
  /** Per output: the sample minus the prediction made for it `horizon` steps earlier; null when there is none. */
  readonly residual: readonly (number | null)[];
  /** Steps so far, this one included. */
  readonly n: number;
}

/** A session, and what is remembered about its predictions. */
export interface Device {
  /** Steps so far. */
  readonly n: number;
  /**
   * Advances by one sample; the state is untouched when it throws.
   *
   * @param sample  f64[I]; NaN where the last value of an input with a greatest age is to stand in
   * @param time  of the sample, Unix milliseconds; looked at for inputs with a greatest age only
   * @throws {SampleError} when the model refuses the sample
   * @throws {PayloadError} when there is no value to stand in, or it is too old
   */
  step(sample: ArrayLike<number>, time?: number): Outcome;
  /**
   * Remembers the values of a sample that triggers no step, of the inputs that have a greatest age; NaN where there is none.
   *
   * @throws {SampleError} when the length is wrong or a value is infinite; the state is untouched
   */
  hold(sample: ArrayLike<number>, time: number): void;
  /** Copies the whole state out, bit for bit. */
  snapshot(): Uint8Array;
  /**
   * Replaces the state.
   *
   * @throws {DeviceStateError} when the bytes are damaged or of another version
   * @throws {SnapshotError} when they are of another model or numeric form
   */
  restore(bytes: Uint8Array): void;
  /** Frees the session's memory. */
  release(): void;
}

/**
 * Creates a device with a state of zeros.
 *
 * @param maxAges  per input, ms for which its last value may stand in for a missing one; undefined: not at all
 */
export function createDevice(runtime: Runtime, maxAges: readonly (number | undefined)[] = []): Device {
  const { spec } = runtime.model;
  const session = runtime.createSession();
  // Per output, the index of the input it forecasts; -1 for one that forecasts none.
  const targets = spec.outputs.map(({ forecasts }) => spec.inputs.findIndex(({ name }) => name === forecasts));
  const width = targets.filter((target) => target >= 0).length;
  const forecasts = new Float64Array(spec.horizon * width);
  const held = createHeldValues(
    spec.inputs.map(({ name }) => name),
    maxAges,
  );
  let n = 0;
  return {
    get n() {
      return n;
    },
    step(given, time = 0) {
      const sample = held.complete(given, time);
      const prediction = session.step(sample);
      held.keep(given, time);
      const row = (n % spec.horizon) * width;
      const isKnown = n >= spec.horizon;
      let column = 0;
      const residual = targets.map((target, output) => {
        if (target < 0) return null;
        const index = row + column++;
        const value = isKnown ? (sample[target] as number) - (forecasts[index] as number) : null;
        forecasts[index] = prediction[output] as number;
        return value;
      });
      n++;
      return { sample, prediction, residual, n };
    },
    hold(given, time) {
      checkHeld(given, spec.inputs);
      held.keep(given, time);
    },
    snapshot: () => encode({ runtime, session, forecasts, width, held }, n),
    restore(bytes) {
      n = decode({ runtime, session, forecasts, width, held }, bytes);
    },
    release: () => session.release(),
  };
}

/** What is held meets the model only at a later step, which must not fail for it again and again. */
function checkHeld(sample: ArrayLike<number>, inputs: ModelSpec["inputs"]): void {
  if (sample.length !== inputs.length) {
    throw new SampleError(`Sample has ${sample.length} values, expected ${inputs.length}`);
  }
  const index = Array.from(sample).findIndex((value) => Math.abs(value) === Number.POSITIVE_INFINITY);
  if (index >= 0) throw new SampleError(`Input "${inputs[index]?.name}" is ${sample[index]}, expected a finite number`);
}

/** What a device is made of. */
interface Parts {
  readonly runtime: Runtime;
  readonly session: Session;
  readonly forecasts: Float64Array;
  /** Outputs that forecast an input. */
  readonly width: number;
  readonly held: HeldValues;
}

function encode({ runtime, session, forecasts, width, held }: Parts, n: number): Uint8Array {
  const inner = session.snapshot();
  const heldOffset = HEADER_BYTES + 8 * forecasts.length;
  const innerOffset = heldOffset + HELD_BYTES * held.count;
  const bytes = new Uint8Array(innerOffset + inner.length + 4);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, MAGIC, true);
  view.setUint32(4, VERSION, true);
  view.setUint32(8, numericCode(runtime), true);
  view.setUint32(12, runtime.model.spec.horizon, true);
  view.setUint32(16, width, true);
  view.setUint32(20, inner.length, true);
  view.setFloat64(24, n, true);
  view.setUint32(32, held.count, true);
  forecasts.forEach((value, index) => {
    view.setFloat64(HEADER_BYTES + 8 * index, value, true);
  });
  held.write(view, heldOffset);
  bytes.set(inner, innerOffset);
  view.setUint32(bytes.length - 4, crc32(bytes.subarray(0, -4)), true);
  return bytes;
}

/** Writes the forecasts, the held values and the session's state, and answers n; nothing is written unless all of it is right. */
function decode({ runtime, session, forecasts, width, held }: Parts, bytes: Uint8Array): number {
  if (bytes.length < HEADER_BYTES + 4) {
    throw new DeviceStateError(`State has ${bytes.length} bytes, expected at least ${HEADER_BYTES + 4}`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(0, true) !== MAGIC) throw new DeviceStateError("State does not start with RVD1");
  if (view.getUint32(4, true) !== VERSION) {
    throw new DeviceStateError(`State has version ${view.getUint32(4, true)}, expected ${VERSION}`);
  }
  if (view.getUint32(bytes.length - 4, true) !== crc32(bytes.subarray(0, -4))) {
    throw new DeviceStateError("State is damaged: its checksum does not match");
  }
  const shape = [8, 12, 16].map((offset) => view.getUint32(offset, true));
  const expected = [numericCode(runtime), runtime.model.spec.horizon, width];
  const heldOffset = HEADER_BYTES + 8 * forecasts.length;
  const heldCount = view.getUint32(32, true);
  const innerOffset = heldOffset + HELD_BYTES * heldCount;
  if (shape.join() !== expected.join() || bytes.length !== innerOffset + view.getUint32(20, true) + 4) {
    throw new SnapshotError("State is of another model or numeric form");
  }
  session.restore(bytes.subarray(innerOffset, -4));
  held.read(view, heldOffset, heldCount);
  for (let i = 0; i < forecasts.length; i++) forecasts[i] = view.getFloat64(HEADER_BYTES + 8 * i, true);
  return view.getFloat64(24, true);
}

function numericCode(runtime: Runtime): number {
  return runtime.numeric === "f32" ? 0 : 1;
}
