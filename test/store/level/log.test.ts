// Files in LevelDB's log format made by hand (LevelDB, doc/log_format.md).

import { describe, expect, it } from "vitest";
import { readBatch } from "../../../host/store/level/batch.ts";
import { crc32c, mask } from "../../../host/store/level/crc32c.ts";
import { readLog } from "../../../host/store/level/log.ts";

const BLOCK = 32_768;
const [WHOLE, FIRST, MIDDLE, LAST] = [1, 2, 3, 4] as const;

function fragment(type: number, text: string): Buffer {
  const bytes = Buffer.alloc(7 + text.length);
  bytes.writeUInt16LE(text.length, 4);
  bytes[6] = type;
  bytes.write(text, 7, "latin1");
  bytes.writeUInt32LE(mask(crc32c(bytes, 6)), 0);
  return bytes;
}

/** A fragment of which so much is wrong that no single bit mends it. */
function broken(type: number, text: string): Buffer {
  const bytes = fragment(type, text);
  for (let at = 7; at < 12; at++) bytes[at] = 0xff;
  return bytes;
}

/** Records as `text`, and `text?` where they are not sound; with what the whole is. */
function read(...parts: readonly Uint8Array[]) {
  const { records, isSound, tornBytes } = readLog(Buffer.concat(parts));
  const texts = records.map(({ bytes, isSound }) => `${Buffer.from(bytes).toString("latin1")}${isSound ? "" : "?"}`);
  return { texts, isSound, tornBytes };
}

describe("readLog", () => {
  it("reads whole records, and those in two and three fragments", () => {
    expect(
      read(
        fragment(WHOLE, "one"),
        fragment(FIRST, "tw"),
        fragment(LAST, "o"),
        fragment(FIRST, "th"),
        fragment(MIDDLE, "re"),
        fragment(LAST, "e"),
      ),
    ).toEqual({ texts: ["one", "two", "three"], isSound: true, tornBytes: 0 });
  });

  it("skips the zeros at the end of a block", () => {
    const first = fragment(WHOLE, "x".repeat(BLOCK - 7 - 6));
    expect(first.length).toBe(BLOCK - 6);
    const { texts, isSound } = read(first, Buffer.alloc(6), fragment(WHOLE, "next"));
    expect(texts[1]).toBe("next");
    expect(isSound).toBe(true);
  });

  it("reads a record of more than a block", () => {
    const { texts, isSound } = read(
      fragment(FIRST, "a".repeat(BLOCK - 7)),
      fragment(MIDDLE, "b".repeat(BLOCK - 7)),
      fragment(LAST, "c"),
    );
    expect(texts.map(({ length }) => length)).toEqual([2 * (BLOCK - 7) + 1]);
    expect(isSound).toBe(true);
  });

  it("takes a record without its last fragment for cut off: nothing of it was promised", () => {
    const parts = [fragment(WHOLE, "one"), fragment(FIRST, "tw"), fragment(MIDDLE, "o")];
    expect(read(...parts)).toEqual({ texts: ["one"], isSound: true, tornBytes: 9 + 8 });
  });

  it.each([1, 6, 7, 8, 9])("takes a fragment of which %i bytes are there for cut off", (length) => {
    expect(read(fragment(WHOLE, "one"), fragment(WHOLE, "two").subarray(0, length))).toEqual({
      texts: ["one"],
      isSound: true,
      tornBytes: length,
    });
  });

  it("takes a tail of zeros for cut off: it was never written", () => {
    expect(read(fragment(WHOLE, "one"), Buffer.alloc(600))).toEqual({ texts: ["one"], isSound: true, tornBytes: 600 });
  });

  it("takes a damaged record that was written to its end for damaged, the last one too", () => {
    expect(read(fragment(WHOLE, "one"), broken(WHOLE, "number two"))).toMatchObject({ isSound: false, tornBytes: 0 });
  });

  it("finds the records behind a damaged one", () => {
    const { texts, isSound, tornBytes } = read(
      fragment(WHOLE, "one"),
      broken(WHOLE, "number two"),
      fragment(WHOLE, "three"),
    );
    expect(texts.filter((text) => !text.endsWith("?"))).toEqual(["one", "three"]);
    expect(texts.length).toBe(3);
    expect([isSound, tornBytes]).toEqual([false, 0]);
  });

  it("takes no record for sound whose first, middle or last fragment is missing or damaged", () => {
    const sound = (...parts: readonly Uint8Array[]) =>
      read(...parts, fragment(WHOLE, "end")).texts.filter((text) => !text.endsWith("?"));
    expect(sound(fragment(LAST, "o"))).toEqual(["end"]);
    expect(sound(fragment(MIDDLE, "w"), fragment(LAST, "o"))).toEqual(["end"]);
    expect(sound(fragment(FIRST, "tw"))).toEqual(["end"]);
    expect(sound(fragment(FIRST, "tw"), fragment(FIRST, "thre"), fragment(LAST, "e"))).toEqual(["three", "end"]);
    expect(sound(broken(FIRST, "number t"), fragment(LAST, "wo"))).toEqual(["end"]);
    expect(sound(fragment(FIRST, "t"), broken(MIDDLE, "number w"), fragment(LAST, "o"))).toEqual(["end"]);
    expect(sound(fragment(FIRST, "tw"), broken(LAST, "number o"))).toEqual(["end"]);
  });

  it("mends one flipped bit, of the text, the type or the length, and says that it was not sound", () => {
    for (const [at, bit] of [
      [8, 3],
      [6, 1],
      [4, 5],
    ] as const) {
      const bytes = fragment(WHOLE, "number two");
      bytes[at]! ^= 1 << bit;
      expect(read(fragment(WHOLE, "one"), bytes, fragment(WHOLE, "three"))).toEqual({
        texts: ["one", "number two", "three"],
        isSound: false,
        tornBytes: 0,
      });
    }
  });

  it("is empty where nothing was written", () => {
    expect(read()).toEqual({ texts: [], isSound: true, tornBytes: 0 });
  });
});

/** A batch: sequence number, count, then changes as [key, value], or [key] of a deletion. */
function batch(sequence: bigint, count: number, ...changes: readonly (readonly [string, string?])[]): Buffer {
  const head = Buffer.alloc(12);
  head.writeBigUInt64LE(sequence);
  head.writeUInt32LE(count, 8);
  const string = (text: string) => [text.length, ...Buffer.from(text)];
  return Buffer.concat([
    head,
    ...changes.map(([key, value]) =>
      Buffer.from([value === undefined ? 0 : 1, ...string(key), ...(value === undefined ? [] : string(value))]),
    ),
  ]);
}

describe("readBatch", () => {
  it("numbers the changes in their order, and knows deletions", () => {
    const entries = readBatch(batch(2n ** 33n + 5n, 3, ["a", "1"], ["b"], ["c", ""]));
    expect(entries.map(({ value, ...rest }) => ({ ...rest, value: value && Buffer.from(value).toString() }))).toEqual([
      { key: "a", sequence: 2 ** 33 + 5, value: "1" },
      { key: "b", sequence: 2 ** 33 + 6, value: undefined },
      { key: "c", sequence: 2 ** 33 + 7, value: "" },
    ]);
  });

  it.each<[string, Buffer, string]>([
    ["fewer changes than it says", batch(1n, 2, ["a", "1"]), "1 changes, expected 2"],
    ["more changes than it says", batch(1n, 0, ["a", "1"]), "1 changes, expected 0"],
    ["a change of another kind", Buffer.concat([batch(1n, 1), Buffer.of(2, 1, 97)]), "A change of kind 2"],
    ["a key that is no UTF-8", Buffer.concat([batch(1n, 1), Buffer.of(0, 1, 0xff)]), "A key is not UTF-8"],
  ])("refuses one with %s", (_, bytes, message) => {
    expect(() => readBatch(bytes)).toThrow(message);
  });
});
