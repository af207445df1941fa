import type { Alarm } from "../alarm/alarm.ts";
import { partsOf } from "../alarm/learning-alarm.ts";
import type { Anomaly } from "../alarm/types.ts";
import { SnapshotError } from "../model/errors.ts";
import { crc32 } from "../runtime/crc32.ts";
import { type Device, DeviceStateError, type Outcome } from "./device.ts";

// State of a device that a detector watches; little-endian:
//
//   offset  bytes
//   0       4      "RVA1"
//   4       4      u32 version, 1
//   8       4      u32 size m of the device's state
//   12      m      state of the device (device.ts)
//   ...            state of its alarm (../alarm/state.ts)
//   ...     4      CRC-32 (IEEE 802.3, as in zlib) of all bytes before
//
// A state of a device without a detector is read, too: the alarm begins anew.
const MAGIC = 0x31415652; // "RVA1" as a little-endian u32
const VERSION = 1;
const HEADER_BYTES = 12;

/**
 * Has a detector watch a device: steps answer what it says, and its state is part of the device's.
 *
 * @param alarm  undefined: nothing watches it; what an earlier detector left in a state is let go
 */
export function watchDevice(device: Device, alarm: Alarm | undefined): Device {
  return {
    get n() {
      return device.n;
    },
    step(sample, time = 0) {
      const outcome = device.step(sample, time);
      return alarm === undefined ? outcome : { ...outcome, anomaly: watch(alarm, outcome, time) };
    },
    hold: (sample, time) => device.hold(sample, time),
    snapshot: () => (alarm === undefined ? device.snapshot() : encode(device.snapshot(), alarm.snapshot())),
    restore(bytes) {
      const parts = decode(bytes);
      // Nothing is taken over unless all of it can be.
      const take = parts.alarm && prepare(alarm, parts.alarm);
      device.restore(parts.device);
      take?.();
    },
    reset: () => device.reset(),
    release: () => device.release(),
  };
}

function watch(alarm: Alarm, { sample, residual, isWarm }: Outcome, time: number): Anomaly {
  return alarm.step(sample, time, isWarm ? residual : undefined);
}

function encode(device: Uint8Array, alarm: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES + device.length + alarm.length + 4);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, MAGIC, true);
  view.setUint32(4, VERSION, true);
  view.setUint32(8, device.length, true);
  bytes.set(device, HEADER_BYTES);
  bytes.set(alarm, HEADER_BYTES + device.length);
  view.setUint32(bytes.length - 4, crc32(bytes.subarray(0, -4)), true);
  return bytes;
}

function decode(bytes: Uint8Array): { readonly device: Uint8Array; readonly alarm?: Uint8Array } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < HEADER_BYTES + 4 || view.getUint32(0, true) !== MAGIC) return { device: bytes };
  const version = view.getUint32(4, true);
  if (version !== VERSION) throw new DeviceStateError(`State has version ${version}, expected ${VERSION}`);
  const end = HEADER_BYTES + view.getUint32(8, true);
  if (view.getUint32(bytes.length - 4, true) !== crc32(bytes.subarray(0, -4)) || end > bytes.length - 4) {
    throw new DeviceStateError("State is damaged: its checksum does not match");
  }
  return { device: bytes.subarray(HEADER_BYTES, end), alarm: bytes.subarray(end, -4) };
}

/** An alarm of another kind, or of other inputs, begins anew: the device is the same. */
function prepare(alarm: Alarm | undefined, bytes: Uint8Array): (() => void) | undefined {
  try {
    return alarm?.prepare(bytes);
  } catch (error) {
    if (error instanceof SnapshotError) return undefined;
    throw error;
  }
}

/**
 * Answers the state of a device without that of its alarm.
 *
 * @throws {DeviceStateError} when it is damaged
 */
export function withoutAlarm(bytes: Uint8Array): Uint8Array {
  return decode(bytes).device;
}

/**
 * Names of the parts of a device's state that are kept apart.
 *
 * @param bytes  state of a watched device, or of any
 * @throws {DeviceStateError} when it is damaged
 */
export function alarmPartsOf(bytes: Uint8Array): string[] {
  const { alarm } = decode(bytes);
  return alarm === undefined ? [] : partsOf(alarm);
}
