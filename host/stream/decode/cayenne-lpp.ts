// Cayenne Low Power Payload: channel, type and value, one after the other. Values are called by type and channel as The Things
// Network calls them: temperature_1.

import { PayloadError } from "../payload.ts";

/** How the value of a type is written: its parts, big endian, each with its bytes and its resolution. */
interface LppType {
  readonly name: string;
  readonly parts: readonly (readonly [suffix: string, bytes: 1 | 2 | 3 | 4, resolution: number, isSigned: boolean])[];
}

const one = (name: string, bytes: 1 | 2 | 3 | 4, resolution = 1, isSigned = false): LppType => {
  return { name, parts: [["", bytes, resolution, isSigned]] };
};
const axes = (name: string, resolution: number): LppType => {
  return { name, parts: ["_x", "_y", "_z"].map((axis) => [axis, 2, resolution, true] as const) };
};

/** Types by number: IPSO object minus 3200, and the extensions that nodes use. */
const TYPES: ReadonlyMap<number, LppType> = new Map([
  [0, one("digital_in", 1)],
  [1, one("digital_out", 1)],
  [2, one("analog_in", 2, 0.01, true)],
  [3, one("analog_out", 2, 0.01, true)],
  [100, one("generic", 4)],
  [101, one("luminosity", 2)],
  [102, one("presence", 1)],
  [103, one("temperature", 2, 0.1, true)],
  [104, one("relative_humidity", 1, 0.5)],
  [113, axes("accelerometer", 0.001)],
  [115, one("barometric_pressure", 2, 0.1)],
  [116, one("voltage", 2, 0.01)],
  [117, one("current", 2, 0.001)],
  [118, one("frequency", 4)],
  [120, one("percentage", 1)],
  [121, one("altitude", 2, 1, true)],
  [125, one("concentration", 2)],
  [128, one("power", 2)],
  [130, one("distance", 4, 0.001)],
  [131, one("energy", 4, 0.001)],
  [132, one("direction", 2)],
  [133, one("unix_time", 4)],
  [134, axes("gyrometer", 0.01)],
  [
    136,
    {
      name: "gps",
      parts: [
        ["_latitude", 3, 0.0001, true],
        ["_longitude", 3, 0.0001, true],
        ["_altitude", 3, 0.01, true],
      ],
    },
  ],
  [142, one("switch", 1)],
]);

/** Reads a Cayenne payload as an object of numbers. */
export function decodeCayenneLpp(bytes: Uint8Array): Record<string, number> {
  const values: Record<string, number> = {};
  let at = 0;
  while (at < bytes.length) {
    const channel = bytes[at] as number;
    const type = TYPES.get(bytes[at + 1] ?? -1);
    if (type === undefined) throw new PayloadError("undecodable", `Byte ${at + 1} is no type of Cayenne LPP`);
    at += 2;
    for (const [suffix, count, resolution, isSigned] of type.parts) {
      if (at + count > bytes.length)
        throw new PayloadError("undecodable", "Payload ends within a value of Cayenne LPP");
      // A quotient is nearest to the decimal number, where a product would be off by a bit.
      values[`${type.name}_${channel}${suffix}`] = readInteger(bytes, at, count, isSigned) / Math.round(1 / resolution);
      at += count;
    }
  }
  return values;
}

function readInteger(bytes: Uint8Array, at: number, count: number, isSigned: boolean): number {
  let value = 0;
  for (let i = 0; i < count; i++) value = 256 * value + (bytes[at + i] as number);
  const limit = 256 ** count;
  return isSigned && value >= limit / 2 ? value - limit : value;
}
