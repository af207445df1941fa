// Records of a manifest made by hand (LevelDB, db/version_edit.cc).

import { describe, expect, it } from "vitest";
import { readManifest } from "../../../host/store/level/manifest.ts";

/** A text with its length in front. */
const string = (text: string): number[] => [text.length, ...Buffer.from(text, "latin1")];
/** A key with a sequence number and a kind behind it. */
const internal = (key: string): number[] => string(`${key}\x01\x05\0\0\0\0\0\0`);
const added = (level: number, number: number, size: number, smallest: string, largest: string): number[] => [
  ...[7, level, number, size, ...internal(smallest), ...internal(largest)],
];
const HEAD = [1, ...string("leveldb.BytewiseComparator"), 2, 9, 9, 0, 3, 12, 4, 40];

const read = (...records: readonly (readonly number[])[]) => {
  const { logNumber, tables } = readManifest(records.map((record) => Uint8Array.from(record)));
  return { logNumber, tables: [...tables.values()] };
};

describe("readManifest", () => {
  it("knows the log, and the tables with their levels, sizes and keys", () => {
    expect(read([...HEAD, ...added(0, 5, 100, "a", "m"), ...added(2, 6, 120, "n", "z")])).toEqual({
      logNumber: 9,
      tables: [
        { number: 5, level: 0, size: 100, smallest: "a", largest: "m" },
        { number: 6, level: 2, size: 120, smallest: "n", largest: "z" },
      ],
    });
  });

  it("takes files away that were replaced, and goes by the last number of a log", () => {
    const { logNumber, tables } = read(
      [...HEAD, ...added(0, 5, 100, "a", "m"), ...added(0, 6, 100, "b", "c")],
      [6, 0, 5, 5, 1, ...internal("b"), ...added(1, 7, 90, "a", "m"), 2, 10],
    );
    expect(logNumber).toBe(10);
    expect(tables.map(({ number }) => number)).toEqual([6, 7]);
  });

  it.each([
    ["a field of another kind", [[...HEAD, 8, 0]], "A manifest with a field of kind 8"],
    ["a key that is too short", [[...HEAD, 7, 0, 5, 9, ...string("1234567"), ...internal("b")]], "A key is too short"],
    ["no number of a log", [[3, 12, 4, 40]], "A manifest without a field of kind 2"],
    ["no next number of a file", [[2, 9, 4, 40]], "A manifest without a field of kind 3"],
    ["no last sequence number", [[2, 9, 3, 12]], "A manifest without a field of kind 4"],
    ["nothing", [], "A manifest without a field of kind 2"],
  ])("refuses one with %s", (_, records, message) => {
    expect(() => read(...records)).toThrow(message);
  });
});
