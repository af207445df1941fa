import { describe, expect, it } from "vitest";
import { STATE_STARTED } from "../../assembly/detect/layout.ts";
import { Detector } from "../../host/detect/detector.ts";
import type { DetectorParameters } from "../../host/detect/parameters.ts";
import { writeDetectorSnapshot } from "../../host/detect/snapshot.ts";
import { checkDetectorState, stateLayoutOf } from "../../host/detect/state.ts";
import { SnapshotError } from "../../host/model/errors.ts";
import { calibrated, hardRows, SHAPES, type Shape } from "../support/detectors.ts";
import { integer, mulberry32 } from "../support/random.ts";

const name = ({ channels, period }: Shape) => `${channels} channels${period === undefined ? "" : " and a period"}`;

/** A detector that has seen rows of all kinds. */
function seasoned(parameters: DetectorParameters, rows = 500): Detector {
  const detector = new Detector(parameters);
  for (const { raw, row } of hardRows(7, parameters.channels.length, rows)) detector.step(raw, row);
  return detector;
}

describe.each(SHAPES.map((shape) => [name(shape), shape] as const))("the state of a detector of %s", (_, shape) => {
  const parameters = calibrated(shape);

  it("gives the same verdicts after a restore, whatever the row", () => {
    const detector = new Detector(parameters);
    let copy = new Detector(parameters);
    for (const { raw, row } of hardRows(1, shape.channels, 3000)) {
      const next = new Detector(parameters);
      next.restore(copy.snapshot());
      copy = next;
      const verdict = { ...detector.step(raw, row) };
      expect(copy.step(raw, row)).toEqual(verdict);
      expect(copy.scores).toEqual(detector.scores);
    }
    expect(copy.snapshot()).toEqual(detector.snapshot());
  });

  it("is all zeros before the first row, and after a reset of all", () => {
    const fresh = new Detector(parameters);
    expect(fresh.state().every((byte) => byte === 0)).toBe(true);
    const used = seasoned(parameters);
    used.reset(true);
    expect(used.state()).toEqual(fresh.state());
    for (const { raw, row } of hardRows(2, shape.channels, 300)) {
      expect(used.step(raw, row)).toEqual({ ...fresh.step(raw, row) });
    }
    const restored = seasoned(parameters);
    restored.restore(new Detector(parameters).snapshot());
    expect(restored.lastRow).toBeUndefined();
  });

  it("is within its bounds after every row", () => {
    const detector = new Detector(parameters);
    for (const { raw, row } of hardRows(3, shape.channels, 3000)) {
      detector.step(raw, row);
      expect(() => checkDetectorState(parameters, detector.state())).not.toThrow();
    }
  });
});

describe("reset of a detector", () => {
  it("keeps thresholds, ranges and the number of the row; the next rows are as after a gap", () => {
    const parameters = calibrated({ channels: 1 });
    const detector = seasoned(parameters);
    const thresholds = detector.state().slice(24, 36);
    const row = detector.lastRow!;
    detector.reset();
    expect(detector.state().slice(24, 36)).toEqual(thresholds);
    expect(detector.lastRow).toBe(row);
    const alarms = Array.from({ length: 30 }, (_, i) => detector.step([50_000], row + 1 + i).isAlarm);
    expect(alarms.slice(0, 20)).not.toContain(true);
  });

  it("ends the alarm", () => {
    const detector = new Detector(calibrated({ channels: 1 }));
    for (let row = 0; row < 40; row++) detector.step([row % 7], row);
    expect(detector.step([2 ** 20], 40).isAlarm).toBe(true);
    detector.reset();
    for (let row = 41; row < 61; row++) detector.step([row % 7], row);
    expect(detector.step([3], 61).isAlarm).toBe(false);
  });
});

describe("the rows of a detector", () => {
  it.each([[5], [4], [Number.NaN]])("refuse number %d after 5", (row) => {
    const detector = new Detector(calibrated({ channels: 1 }));
    detector.step([0], 5);
    expect(() => detector.step([0], row)).toThrow(`Row ${row} does not come after row 5`);
  });

  it("may have a period of one slot", () => {
    const { seasonality, ...rest } = calibrated({ channels: 2, period: 96 });
    const parameters = { ...rest, seasonality: { ...seasonality!, slots: 1 } };
    const detector = new Detector(parameters);
    for (const { raw, row } of hardRows(5, 2, 300)) detector.step(raw, row);
    const { smooth, sums, means, visits, end } = stateLayoutOf(parameters);
    expect([sums - smooth, means - sums, visits - means, end - visits]).toEqual([8, 8, 4, 1]);
    const copy = new Detector(parameters);
    copy.restore(detector.snapshot());
    for (const { raw, row } of hardRows(6, 2, 300, 50_000)) {
      expect(copy.step(raw, row)).toEqual({ ...detector.step(raw, row) });
    }
  });

  it("learn a time of day that is the only one they come at", () => {
    // Rows of one slot of four, period after period: each period is a visit of its own.
    const parameters = calibrated({ channels: 1, period: 96 });
    const layout = stateLayoutOf(parameters);
    const detector = new Detector(parameters);
    for (let day = 0; day < 5; day++) for (let i = 0; i < 3; i++) detector.step([10], 96 * day + i);
    expect(detector.state()[layout.visits]).toBe(4);
  });
});

describe("the snapshot of a detector", () => {
  const parameters = calibrated({ channels: 2, period: 96 });
  const detector = seasoned(parameters);
  const snapshot = detector.snapshot();
  const changed = (at: number, value: number) => {
    const copy = snapshot.slice();
    copy[at] = value;
    return copy;
  };
  const refusal = (bytes: Uint8Array) => () => new Detector(parameters).restore(bytes);

  it("begins with its name and its version", () => {
    expect(Buffer.from(snapshot.subarray(0, 8)).toString("latin1")).toBe("RVD1\x01\0\0\0");
  });

  it("is refused with any byte damaged", () => {
    for (let at = 0; at < snapshot.length; at++) expect(refusal(changed(at, snapshot[at]! ^ 1))).toThrow(SnapshotError);
  });

  it.each([
    ["that is cut off", snapshot.subarray(0, 20), "Snapshot has 20 bytes, expected at least 32; it is truncated"],
    ["of something else", changed(0, 0), "Snapshot does not start with RVD1"],
    ["of a newer version", changed(4, 2), "Snapshot is of version 2, expected 1; it was written by a newer Rivulet"],
    ["of version 0", changed(4, 0), "no Rivulet wrote it"],
    ["with a wrong checksum", changed(40, 77), "Snapshot is damaged: its CRC-32 does not match"],
    ["of other channels", seasoned(calibrated({ channels: 1 })).snapshot(), "Snapshot belongs to another detector"],
    ["of another length", writeDetectorSnapshot(parameters, new Uint8Array(8)), "Snapshot holds 8 bytes of state"],
  ])("is refused: one %s", (_, bytes, message) => {
    expect(refusal(bytes)).toThrow(message);
  });

  it("leaves the detector as it was when it is refused", () => {
    const before = detector.snapshot();
    expect(() => detector.restore(changed(50, 99))).toThrow(SnapshotError);
    expect(detector.snapshot()).toEqual(before);
  });

  it("fits the same detector with another rate of alarms", () => {
    const { tracker } = parameters;
    const other = { ...parameters, tracker: { ...tracker, fall: tracker.fall.map((fall) => 3 * fall) } };
    const next = new Detector(other);
    next.restore(snapshot);
    expect(next.state()).toEqual(detector.state());
  });

  it.each<[string, (view: DataView) => void, string]>([
    ["a flag", (view) => view.setUint8(0, 2), "started is 2, expected 0 to 1"],
    ["a state of a detector that has not started", (view) => view.setUint8(0, 0), "is not all zero"],
    ["an alarm", (view) => view.setUint8(1, 2), "alarm is 2"],
    ["too many settled rows", (view) => view.setUint8(2, 9), "settled is 9, expected 0 to 8"],
    ["too many muted rows", (view) => view.setUint8(3, 21), "muted is 21, expected 0 to 20"],
    [
      "a hold without an alarm",
      (view) => {
        view.setUint8(1, 0);
        view.setUint16(4, 1, true);
      },
      "hold is 1, expected 0",
    ],
    ["a late fall", (view) => view.setUint16(8, 4096, true), "rows since the thresholds fell is 4096"],
    ["a visit of no row", (view) => view.setUint16(10, 0, true), "rows of the visit is 0, expected 1"],
    ["a visit that is too long", (view) => view.setUint16(10, 5, true), "rows of the visit is 5"],
    ["another phase", (view) => view.setUint32(12, 96, true), "phase is 96"],
    ["a row beyond 2^53", (view) => view.setUint32(20, 2 ** 21, true), "the number of the last row is 9007"],
    ["a threshold", (view) => view.setInt32(24, 60 * 2 ** 24 + 1, true), "a threshold is 1006632961"],
    ["a mean", (view) => view.setInt32(44, 32767 * 256 + 1, true), "a mean is 8388353"],
    [
      "a mean of residuals",
      (view) => view.setInt32(56, -32767 * 256 - 1, true),
      "the mean of the residuals is -8388353",
    ],
    ["a size of residuals", (view) => view.setInt32(60, -1, true), "the size of the residuals is -1"],
    ["a greatest reading", (view) => view.setInt32(64, 2 ** 30 + 1, true), "the greatest reading is 1073741825"],
    [
      "a range upside down",
      (view) => {
        view.setInt32(64, 5, true);
        view.setInt32(68, 6, true);
      },
      "the least reading is 6",
    ],
    ["a lag", (view) => view.setInt16(72, -32768, true), "a lag is -32768"],
    ["a seasonal residual", (view) => view.setInt32(132, 32767 * 256 + 1, true), "a seasonal residual is 8388353"],
    ["a sum", (view) => view.setInt32(140, 2 ** 30, true), "a sum is 1073741824"],
    ["the mean of a slot", (view) => view.setInt16(148, -32768, true), "the mean of a slot is -32768"],
    ["padding", (view) => view.setUint8(view.byteLength - 1, 1), "padding is not all zero"],
  ])("is refused with %s that no row leaves, although the checksum is right", (_, change, message) => {
    const state = detector.state();
    change(new DataView(state.buffer));
    expect(refusal(writeDetectorSnapshot(parameters, state))).toThrow(message);
  });
});

describe("random states of a detector", () => {
  it("are refused, or stay within the bounds: 10,000 of them", () => {
    const random = mulberry32(11);
    let taken = 0;
    for (let trial = 0; trial < 10_000; trial++) {
      const parameters = SOME[trial % SOME.length]!;
      const state = randomState(parameters, random);
      const detector = new Detector(parameters);
      try {
        detector.restore(writeDetectorSnapshot(parameters, state));
      } catch (error) {
        expect(error).toBeInstanceOf(SnapshotError);
        continue;
      }
      taken++;
      expect(detector.state()).toEqual(state);
      const rows = hardRows(trial, parameters.channels.length, 6, (detector.lastRow ?? 0) + 1);
      for (const { raw, row } of rows) {
        const { score } = detector.step(trial % 3 === 0 ? raw.map(Math.sign).map((x) => x * 2 ** 30) : raw, row);
        expect(Math.abs(score)).toBeLessThanOrEqual(31 + 60);
      }
      checkDetectorState(parameters, detector.state());
    }
    expect(taken).toBeGreaterThan(2000);
  });
});

const SOME = [{ channels: 1 }, { channels: 2, period: 96 }].map(calibrated);

/** Values over all their range, in a third of the states some byte of any kind. */
function randomState(parameters: DetectorParameters, random: () => number): Uint8Array {
  const { channels, smooth, sums, means, visits, end, bytes } = stateLayoutOf(parameters);
  const state = new Uint8Array(bytes);
  const view = new DataView(state.buffer);
  const any = (least: number, greatest: number) => {
    const end = random();
    if (end < 0.1) return least;
    return end > 0.9 ? greatest : integer(random, least, greatest);
  };
  const { period, slots } = parameters.seasonality ?? { period: 1, slots: 0 };
  view.setUint8(STATE_STARTED, 1);
  const isAlarm = integer(random, 0, 1);
  for (const [at, most] of [1, 8, 20].entries()) view.setUint8(1 + at, at === 0 ? isAlarm : any(0, most));
  view.setUint16(4, isAlarm * any(0, 65535), true);
  view.setUint16(6, any(0, 65535), true);
  view.setUint16(8, any(0, 4095), true);
  const row = any(0, 2 ** 40);
  const rows = slots > 0 ? 1 + ((row % period) % (period / slots)) : 0;
  view.setUint16(10, rows, true);
  view.setUint32(12, row % period, true);
  view.setUint32(16, row % 2 ** 32, true);
  view.setUint32(20, Math.floor(row / 2 ** 32), true);
  for (let at = 24; at < channels; at += 4) view.setInt32(at, any(-60 * 2 ** 24, 60 * 2 ** 24), true);
  for (let at = channels; at < smooth; at += 44) {
    for (let mean = 0; mean < 16; mean += 4) view.setInt32(at + mean, any(-32767 * 256, 32767 * 256), true);
    view.setInt32(at + 16, any(0, 32767 * 256), true);
    const least = any(-(2 ** 30), 2 ** 30);
    view.setInt32(at + 20, any(least, 2 ** 30), true);
    view.setInt32(at + 24, least, true);
    for (let lag = 28; lag < 44; lag += 2) view.setInt16(at + lag, any(-32767, 32767), true);
  }
  for (let at = smooth; at < sums; at += 4) view.setInt32(at, any(-32768 * 256, 32767 * 256), true);
  for (let at = sums; at < means; at += 4) view.setInt32(at, any(-32767 * rows, 32767 * rows), true);
  for (let at = means; at < visits; at += 2) view.setInt16(at, any(-32767, 32767), true);
  for (let at = visits; at < end; at++) view.setUint8(at, any(0, 255));
  if (random() < 0.3) state[integer(random, 0, bytes - 1)] = integer(random, 0, 255);
  return state;
}
