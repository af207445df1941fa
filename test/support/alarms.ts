import { calibrate } from "../../host/detect/calibrate.ts";
import { type DetectorFile, parseDetector, serializeDetector } from "../../host/detect/file.ts";
import { rawOf } from "../../host/model/integers.ts";
import { gaussian, mulberry32 } from "./random.ts";

const FRACTION = 10;

/** A healthy reading of row t: a wave with a little noise, the same for the same row and channel. */
export function healthy(t: number, channel = 0): number {
  return 20 + 2 * channel + 3 * Math.sin(t / 9 + channel) + 0.2 * gaussian(mulberry32(1000 * t + channel));
}

/** Bytes of a detector of healthy readings. */
export function detectorBytes(
  inputs: readonly string[] = ["speed"],
  options: { readonly interval?: number; readonly rows?: number; readonly perWeek?: number } = {},
): Uint8Array {
  const { interval, rows = 600, perWeek = 1 } = options;
  const parameters = calibrate(
    inputs.map((_, c) => Float64Array.from({ length: rows }, (__, t) => rawOf(healthy(t, c), FRACTION))),
    { rate: (perWeek * (interval ?? 60)) / (7 * 86400) },
  );
  // No alarms of new extremes: to a device that begins, every reading is one.
  parameters.tracker.start[parameters.tracker.start.length - 1] = 40 * 2 ** 24;
  return serializeDetector(
    {
      name: "test",
      inputs: inputs.map((name) => ({ name, unit: "°C", fraction: FRACTION })),
      ...(interval !== undefined && { interval }),
      alarmsPerWeek: perWeek,
      rows,
    },
    parameters,
  );
}

/** Such a detector, read. */
export function createTestDetector(...args: Parameters<typeof detectorBytes>): DetectorFile {
  return parseDetector(detectorBytes(...args));
}
