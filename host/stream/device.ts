import type { Anomaly } from "../alarm/types.ts";
import { SampleError, SnapshotError } from "../model/errors.ts";
import type { ModelSpec } from "../model/types.ts";
import { crc32 } from "../runtime/crc32.ts";
import { writeRing } from "../runtime/ring.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { Session } from "../runtime/session.ts";
import { addRing } from "../runtime/snapshot.ts";
import type { Windows } from "../runtime/windows.ts";
import { createHeldValues, HELD_BYTES, type HeldValues } from "./held.ts";

// State of a device, as the state store keeps it; little-endian:
//
//   offset      bytes
//   0           4      "RVD1"
//   4           4      u32 version, 3
//   8           4      u32 numeric form: 0 f32, 1 q15
//   12          4      u32 size m of the session's snapshot
//   16          8      f64 steps n
//   24          4      u32 number of held values, K
//   28          20 * K held values: u32 index of the input, f64 value, f64 time in Unix milliseconds
//   ...         m      snapshot of the session (FORMAT.md 7), with the window where the stream has windows
//   ...         4      CRC-32 (IEEE 802.3, as in zlib) of all bytes before
//
// Versions 1 and 2, which are still read, kept the forecasts outside of the snapshot:
//
//   8           4      u32 numeric form
//   12          4      u32 horizon
//   16          4      u32 number of outputs that forecast an input, J
//   20          4      u32 size m of the session's snapshot
//   24          8      f64 steps n
//   32          4      u32 K, from version 2 on
//   ...         8 * horizon * J   f64 forecasts; the one of step k (from 0) at row k mod horizon
//   ...         as above from the held values on
const MAGIC = 0x31445652; // "RVD1" as a little-endian u32
const VERSION = 3;
const HEADER_BYTES = 28;

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
  /** Whether the prediction that the residual is of was made behind the model's warm-up. */
  readonly isWarm: boolean;
  /** Steps so far, this one included. */
  readonly n: number;
  /** Steps that the state needs to settle after a gap, this one included; absent when it has. */
  readonly warmup?: number;
  /** What a detector says of the sample, where the stream has one. */
  readonly anomaly?: Anomaly;
}

/** A session, with the values that may stand in for missing ones. */
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
   * Answers whether there was anything to remember.
   *
   * @throws {SampleError} when the length is wrong or a value is infinite; the state is untouched
   */
  hold(sample: ArrayLike<number>, time: number): boolean;
  /** Copies the whole state out, bit for bit. */
  snapshot(): Uint8Array;
  /**
   * Replaces the state.
   *
   * @throws {DeviceStateError} when the bytes are damaged or of another version
   * @throws {SnapshotError} when they are of another model or numeric form
   */
  restore(bytes: Uint8Array): void;
  /** Forgets the session's state and the values that are held; the steps are counted on. */
  reset(): void;
  /** Frees the session's memory. */
  release(): void;
}

/**
 * Creates a device with a state of zeros.
 *
 * @param maxAges  per input, ms for which its last value may stand in for a missing one; undefined: not at all
 * @param windows  on which the source of the model computes; undefined: the state runs on
 */
export function createDevice(
  runtime: Runtime,
  maxAges: readonly (number | undefined)[] = [],
  windows?: Windows,
): Device {
  const { spec } = runtime.model;
  const session = runtime.createSession(windows);
  const held = createHeldValues(
    spec.inputs.map(({ name }) => name),
    maxAges,
  );
  let n = 0;
  /** Steps until a prediction is behind the warm-up and has met its sample. */
  let cold = spec.warmup + spec.horizon;
  return {
    get n() {
      return n;
    },
    step(given, time = 0) {
      const sample = held.complete(given, time);
      const prediction = session.step(sample);
      held.keep(given, time);
      n++;
      const isWarm = cold === 0;
      if (!isWarm) cold--;
      return { sample, prediction, residual: session.residual, isWarm, n };
    },
    hold(given, time) {
      checkHeld(given, spec.inputs);
      return held.keep(given, time);
    },
    snapshot: () => encode({ runtime, session, held }, n),
    restore(bytes) {
      n = decode({ runtime, session, held }, bytes);
      cold = Math.max(0, spec.warmup + spec.horizon - n);
    },
    reset() {
      session.reset();
      held.clear();
      cold = spec.warmup + spec.horizon;
    },
    release: () => session.release(),
  };
}

/** What can be told of the state of a device without its model. */
export interface DeviceSummary {
  /** Steps so far. */
  readonly n: number;
  readonly numeric: "f32" | "q15";
  /** Values that stand in for missing ones, with the index of their input and their time. */
  readonly held: readonly { readonly input: number; readonly value: number; readonly time: number }[];
}

/**
 * Reads what the state of a device tells by itself.
 *
 * @throws {DeviceStateError} when it is damaged or of an older layout, whose parts only the model tells
 */
export function summarizeDevice(bytes: Uint8Array): DeviceSummary {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const version = checkFrame(bytes, view);
  if (version !== VERSION) throw new DeviceStateError(`State has version ${version}, expected ${VERSION}`);
  const { n, heldOffset, heldCount, snapshotBytes } = layoutOf(view);
  if (bytes.length !== heldOffset + HELD_BYTES * heldCount + snapshotBytes + 4) {
    throw new DeviceStateError("State is damaged although its checksum matches: its parts do not fill it");
  }
  const held = Array.from({ length: heldCount }, (_, i) => {
    const at = heldOffset + HELD_BYTES * i;
    return {
      input: view.getUint32(at, true),
      value: view.getFloat64(at + 4, true),
      time: view.getFloat64(at + 12, true),
    };
  });
  return { n, numeric: view.getUint32(8, true) === 0 ? "f32" : "q15", held };
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
  readonly held: HeldValues;
}

function encode({ runtime, session, held }: Parts, n: number): Uint8Array {
  const inner = session.snapshot();
  const innerOffset = HEADER_BYTES + HELD_BYTES * held.count;
  const bytes = new Uint8Array(innerOffset + inner.length + 4);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, MAGIC, true);
  view.setUint32(4, VERSION, true);
  view.setUint32(8, numericCode(runtime), true);
  view.setUint32(12, inner.length, true);
  view.setFloat64(16, n, true);
  view.setUint32(24, held.count, true);
  held.write(view, HEADER_BYTES);
  bytes.set(inner, innerOffset);
  view.setUint32(bytes.length - 4, crc32(bytes.subarray(0, -4)), true);
  return bytes;
}

/** Writes the held values and the session's state, and answers n; nothing is written unless all of it is right. */
function decode({ runtime, session, held }: Parts, bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const version = checkFrame(bytes, view);
  const { spec } = runtime.model;
  const layout = version === VERSION ? layoutOf(view) : oldLayoutOf(view, version, spec);
  const { heldOffset, heldCount, snapshotBytes } = layout;
  const innerOffset = heldOffset + HELD_BYTES * heldCount;
  if (view.getUint32(8, true) !== numericCode(runtime) || bytes.length !== innerOffset + snapshotBytes + 4) {
    throw otherModel();
  }
  checkValues(layout, view, spec.inputs.length);
  const inner = bytes.subarray(innerOffset, -4);
  session.restore(inner);
  if (layout.forecasts.length > 0) {
    session.restore(addRing(runtime.model.hash, inner, writeRing(spec, layout.n, layout.forecasts)));
  }
  held.read(view, heldOffset, heldCount);
  return layout.n;
}

/** Answers the version of a state that is whole. */
function checkFrame(bytes: Uint8Array, view: DataView): number {
  if (bytes.length < HEADER_BYTES + 4) {
    throw new DeviceStateError(`State has ${bytes.length} bytes, expected at least ${HEADER_BYTES + 4}`);
  }
  if (view.getUint32(0, true) !== MAGIC) throw new DeviceStateError("State does not start with RVD1");
  const version = view.getUint32(4, true);
  if (version < 1 || version > VERSION) {
    throw new DeviceStateError(`State has version ${version}, expected 1 to ${VERSION}`);
  }
  if (view.getUint32(bytes.length - 4, true) !== crc32(bytes.subarray(0, -4))) {
    throw new DeviceStateError("State is damaged: its checksum does not match");
  }
  return version;
}

/** A checksum that matches says nothing of who computed it: what no device can have left is refused. */
function checkValues({ n, heldOffset, heldCount, forecasts }: StateLayout, view: DataView, inputs: number): void {
  const refuse = (found: string) => {
    throw new DeviceStateError(`State is damaged although its checksum matches: ${found}`);
  };
  if (!Number.isSafeInteger(n) || n < 0) refuse(`${n} steps`);
  for (const forecast of Array.from(forecasts)) if (!Number.isFinite(forecast)) refuse(`a forecast is ${forecast}`);
  for (let at = heldOffset; at < heldOffset + HELD_BYTES * heldCount; at += HELD_BYTES) {
    const [index, value, time] = [
      view.getUint32(at, true),
      view.getFloat64(at + 4, true),
      view.getFloat64(at + 12, true),
    ];
    if (index >= inputs) refuse(`a held value of input ${index}, the model has ${inputs}`);
    if (!Number.isFinite(value) || !Number.isFinite(time)) refuse(`a held value is ${value}, its time ${time}`);
  }
}

/** Where the parts of a state lie. */
interface StateLayout {
  readonly n: number;
  readonly heldOffset: number;
  readonly heldCount: number;
  readonly snapshotBytes: number;
  /** f64[horizon][J] beside the snapshot; none from version 3 on. */
  readonly forecasts: ArrayLike<number>;
}

function layoutOf(view: DataView): StateLayout {
  return {
    n: view.getFloat64(16, true),
    heldOffset: HEADER_BYTES,
    heldCount: view.getUint32(24, true),
    snapshotBytes: view.getUint32(12, true),
    forecasts: [],
  };
}

function oldLayoutOf(view: DataView, version: number, spec: ModelSpec): StateLayout {
  // A model that takes tokens has no ring, but had forecasts.
  const width = spec.outputs.filter(({ forecasts }) => spec.inputs.some(({ name }) => name === forecasts)).length;
  const count = spec.horizon * width;
  const start = version === 1 ? 32 : 36;
  const isSame = view.getUint32(12, true) === spec.horizon && view.getUint32(16, true) === width;
  if (!isSame || view.byteLength < start + 8 * count + 4) throw otherModel();
  return {
    n: view.getFloat64(24, true),
    heldOffset: start + 8 * count,
    heldCount: version === 1 ? 0 : view.getUint32(32, true),
    snapshotBytes: view.getUint32(20, true),
    forecasts: spec.embedding
      ? []
      : Float64Array.from({ length: count }, (_, i) => view.getFloat64(start + 8 * i, true)),
  };
}

const otherModel = (): SnapshotError => new SnapshotError("State is of another model or numeric form");

function numericCode(runtime: Runtime): number {
  return runtime.numeric === "f32" ? 0 : 1;
}
