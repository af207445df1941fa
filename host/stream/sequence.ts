import { crc32 } from "../runtime/crc32.ts";
import { DeviceStateError } from "./device.ts";
import { type Around, type Decoder, PayloadError, type Reading } from "./payload.ts";
import { compileField } from "./pointer.ts";

// State of a device whose readings are numbered; little-endian, before the state of the device:
//
//   offset      bytes
//   0           4      "RVQ1"
//   4           4      u32 number of values that were seen, K
//   8           8 * K  f64 values, rising
//   ...         4      CRC-32 (IEEE 802.3, as in zlib) of all bytes before
//   ...         ...    state of the device
const MAGIC = 0x31515652; // "RVQ1" as a little-endian u32
const HEADER_BYTES = 8;

/** How the readings of a device are told apart and ordered, by a number or the time that they carry. */
export interface Sequencing {
  /** How many of the latest values are remembered for each device. */
  readonly window: number;
  /** What becomes of a reading that is older than the device's latest; `hold`: others wait for it, and it is stepped in its place. */
  readonly late: "step" | "drop" | "hold";
  /** With `hold`: seconds that a reading waits for its predecessors. Default 2. */
  readonly wait?: number | undefined;
  /** Field of a number that counts by one; undefined: the values are times, so that nobody knows what is missing. */
  readonly field?: string | undefined;
}

/** How a value stands to those that were seen: later than all, earlier than the latest and new, or one of them. */
export type Standing = "next" | "late" | "duplicate";

/** The latest values of a device. */
export interface SeenValues {
  /** Compares a value with those that were seen. One that is earlier than all that are remembered is late. */
  look(value: number): Standing;
  /** The latest value; undefined when there is none. */
  readonly last: number | undefined;
  /** Remembers a value; the earliest is forgotten when there are too many. */
  add(value: number): void;
  /** Answers the state of a device with these values before it. */
  join(state: Uint8Array): Uint8Array;
  /**
   * Takes the values from a state, and answers the rest of it. A state without any is answered as it is.
   *
   * @throws {DeviceStateError} when the values are damaged
   */
  split(state: Uint8Array): Uint8Array;
}

/**
 * Creates a window of values that were seen. It is no filter that only lets rising values pass: a broker that resends
 * after a restart may deliver them in another order, and each is to be stepped once.
 */
export function createSeenValues(window: number): SeenValues {
  let values: number[] = [];
  return {
    get last() {
      return values.at(-1);
    },
    look(value) {
      const last = values.at(-1);
      if (last === undefined || value > last) return "next";
      return values.includes(value) ? "duplicate" : "late";
    },
    add(value) {
      const place = values.findLastIndex((one) => one < value) + 1;
      values.splice(place, 0, value);
      if (values.length > window) values.shift();
    },
    join: (state) => encode(values, state),
    split(state) {
      const found = decode(state);
      values = found.values.slice(-window);
      return found.rest;
    },
  };
}

/**
 * Makes a decoder whose readings carry a number of the payload, a JSON object. All readings of a message carry the same one,
 * so it is for sources that bring one reading with each.
 *
 * @param field  plain name or JSON Pointer
 * @throws {SyntaxError} when the field is neither
 */
export function withSequence(decode: Decoder, field: string): Decoder {
  const read = compileField(field);
  const decodeAll = (payload: Uint8Array, around: Around) => {
    const found = decode(payload, around);
    const value = read(JSON.parse(new TextDecoder().decode(payload)));
    if (typeof value !== "number" || !Number.isFinite(value)) {
      throw new PayloadError("bad_sequence", `Field "${field}" is ${value === undefined ? "missing" : "not a number"}`);
    }
    const number = (reading: Reading): Reading => ({ ...reading, sequence: value });
    if (!Array.isArray(found)) return number(found as Reading);
    return found.map((entry) => (entry instanceof PayloadError ? entry : number(entry)));
  };
  return Object.assign(decodeAll, { maxAges: decode.maxAges });
}

/**
 * Answers the state of a device without the values that were seen, for a stream that looks at none.
 *
 * @throws {DeviceStateError} when they are damaged
 */
export function withoutSeenValues(state: Uint8Array): Uint8Array {
  return decode(state).rest;
}

function encode(values: readonly number[], state: Uint8Array): Uint8Array {
  const end = HEADER_BYTES + 8 * values.length;
  const bytes = new Uint8Array(end + 4 + state.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, MAGIC, true);
  view.setUint32(4, values.length, true);
  for (const [index, value] of values.entries()) view.setFloat64(HEADER_BYTES + 8 * index, value, true);
  view.setUint32(end, crc32(bytes.subarray(0, end)), true);
  bytes.set(state, end + 4);
  return bytes;
}

function decode(state: Uint8Array): { readonly values: number[]; readonly rest: Uint8Array } {
  const view = new DataView(state.buffer, state.byteOffset, state.byteLength);
  if (state.length < 4 || view.getUint32(0, true) !== MAGIC) return { values: [], rest: state };
  const count = state.length < HEADER_BYTES ? 0 : view.getUint32(4, true);
  const end = HEADER_BYTES + 8 * count;
  if (state.length < end + 4 || view.getUint32(end, true) !== crc32(state.subarray(0, end))) {
    throw new DeviceStateError("The values that were seen are damaged");
  }
  const values = Array.from({ length: count }, (_, index) => view.getFloat64(HEADER_BYTES + 8 * index, true));
  if (
    values.some((value, index) => !Number.isFinite(value) || value <= (values[index - 1] ?? Number.NEGATIVE_INFINITY))
  ) {
    throw new DeviceStateError("The values that were seen are damaged although their checksum matches");
  }
  return { values, rest: state.subarray(end + 4) };
}
