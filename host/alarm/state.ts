import { SnapshotError } from "../model/errors.ts";
import type { LatchState } from "./latch.ts";
import type { RowClockState } from "./rows.ts";

// State of a device's alarm, little-endian:
//
//   offset      bytes
//   0           4      u32 version, 2; 1 has no isAcknowledged
//   4           4      u32 size m of the detector's snapshot
//   8           8 * F  f64, in the order of FIELDS; NaN for none, 0 or 1 for no and yes
//   ...         m      snapshot of the detector (FORMAT.md 8.6)
//   ...                JSON text of what explains an alarm that is not told yet, if there is one
const VERSION = 2;
const HEADER_BYTES = 8;

/** What is kept of the alarm of a device. */
export interface AlarmState extends RowClockState, LatchState {
  readonly settling: number;
  readonly at: number;
  readonly mutedUntil: number;
  readonly gapUntil: number;
  readonly muteNext: number;
  readonly perWeek: number;
  readonly hasOrphan: boolean;
  readonly detector: Uint8Array;
}

const NUMBERS = [
  ...(["lastRow", "lastTime", "offset", "late", "activeAt", "since", "quietAt", "peak"] as const),
  ...(["settling", "at", "mutedUntil", "gapUntil", "muteNext", "perWeek"] as const),
];
const FLAGS = ["isOn", "hasOrphan", "isAcknowledged"] as const;
const FIELD_BYTES = 8 * (NUMBERS.length + FLAGS.length);
/** Flags by version. */
const FLAG_COUNTS: Readonly<Record<number, number>> = { 1: 2, [VERSION]: FLAGS.length };

/** Writes the state of an alarm. */
export function writeAlarmState(state: AlarmState): Uint8Array {
  const { detector, explanation } = state;
  const text = explanation === undefined ? "" : JSON.stringify(explanation);
  const tail = new TextEncoder().encode(text);
  const start = HEADER_BYTES + FIELD_BYTES;
  const bytes = new Uint8Array(start + detector.length + tail.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, VERSION, true);
  view.setUint32(4, detector.length, true);
  let at = HEADER_BYTES;
  for (const name of NUMBERS) {
    view.setFloat64(at, state[name], true);
    at += 8;
  }
  for (const name of FLAGS) {
    view.setFloat64(at, state[name] ? 1 : 0, true);
    at += 8;
  }
  bytes.set(detector, start);
  bytes.set(tail, start + detector.length);
  return bytes;
}

/**
 * Reads the state of an alarm.
 *
 * @throws {SnapshotError} when it is none, or of another version
 */
export function readAlarmState(bytes: Uint8Array): AlarmState {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const version = bytes.length < HEADER_BYTES ? VERSION : view.getUint32(0, true);
  const flags = FLAG_COUNTS[version];
  if (flags === undefined) throw new SnapshotError(`State of an alarm has version ${version}, expected ${VERSION}`);
  const start = HEADER_BYTES + 8 * (NUMBERS.length + flags);
  if (bytes.length < start) throw new SnapshotError(`State of an alarm has ${bytes.length} bytes, expected ${start}`);
  const end = start + view.getUint32(4, true);
  if (end > bytes.length) throw new SnapshotError(`State of an alarm has ${bytes.length} bytes, expected ${end}`);
  const fields: Record<string, number | boolean> = {};
  for (const [i, name] of NUMBERS.entries()) fields[name] = view.getFloat64(HEADER_BYTES + 8 * i, true);
  for (const [i, name] of FLAGS.entries()) {
    fields[name] = i < flags && view.getFloat64(HEADER_BYTES + 8 * (NUMBERS.length + i), true) === 1;
  }
  const explanation = readExplanation(bytes.subarray(end));
  return { ...(fields as unknown as AlarmState), explanation, detector: bytes.slice(start, end) };
}

function readExplanation(bytes: Uint8Array): AlarmState["explanation"] {
  if (bytes.length === 0) return undefined;
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch (cause) {
    throw new SnapshotError("State of an alarm is damaged: its explanation is not JSON", { cause });
  }
}
