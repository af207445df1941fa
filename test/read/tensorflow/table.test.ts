import { describe, expect, it } from "vitest";
import { CliError } from "../../../tools/errors.ts";
import { maskedCrc32c } from "../../../tools/read/tensorflow/crc32c.ts";
import { Cursor, readTable } from "../../../tools/read/tensorflow/table.ts";

type Entry = readonly [shared: number, rest: string, value: readonly number[]];

/** Entries and no restarts but the one at 0; all numbers below 128. */
function block(entries: readonly Entry[]): number[] {
  const body = entries.flatMap(([shared, rest, value]) => [
    shared,
    rest.length,
    value.length,
    ...Buffer.from(rest),
    ...value,
  ]);
  return [...body, 0, 0, 0, 0, 1, 0, 0, 0];
}

/** A table of blocks of entries; `compression` is what each block says. */
function table(blocks: readonly (readonly Entry[])[], compression = 0): Uint8Array {
  const file: number[] = [];
  const add = (content: readonly number[]): number[] => {
    const handle = [file.length, content.length];
    const checked = Uint8Array.from([...content, compression]);
    const sum = Buffer.alloc(4);
    sum.writeUInt32LE(maskedCrc32c(checked));
    file.push(...checked, ...sum);
    return handle;
  };
  const handles = blocks.map((entries) => add(block(entries)));
  const metaindex = add(block([]));
  const index = add(block(handles.map((handle, i): Entry => [0, String(i), handle])));
  const footer = [...metaindex, ...index];
  while (footer.length < 40) footer.push(0);
  return Uint8Array.from([...file, ...footer, 0x57, 0xfb, 0x80, 0x8b, 0x24, 0x75, 0x47, 0xdb]);
}

const read = (bytes: Uint8Array) => [...readTable(bytes, "t")].map(([key, value]) => [key, [...value]]);

function refusal(bytes: Uint8Array): string {
  try {
    readTable(bytes, "t");
  } catch (error) {
    if (error instanceof CliError) return error.message;
    throw error;
  }
  return "nothing refused";
}

describe("readTable", () => {
  it("reads keys that share their start, of several blocks", () => {
    const bytes = table([
      [
        [0, "", [1]],
        [0, "gru", [2, 3]],
        [2, "z", []],
      ],
      [[0, "h", [4]]],
    ]);
    expect(read(bytes)).toEqual([
      ["", [1]],
      ["gru", [2, 3]],
      ["grz", []],
      ["h", [4]],
    ]);
  });

  it.each([
    ["a compressed block", table([[[0, "a", [1]]]], 1), "a block is compressed (1)"],
    [
      "keys that fall",
      table([
        [
          [0, "b", []],
          [0, "a", []],
        ],
      ]),
      "its keys are not in order",
    ],
    ["keys that stand twice", table([[[0, "b", []]], [[0, "b", []]]]), "its keys are not in order"],
    ["a start that is not there", table([[[1, "b", []]]]), "a key shares more than there is"],
    ["other bytes", new Uint8Array(100), "its last bytes are not those of one; it may be cut off"],
    ["few bytes", new Uint8Array(7), "its last bytes are not those of one; it may be cut off"],
  ])("refuses %s", (_what, bytes, message) => {
    expect(refusal(bytes)).toBe(
      `t: Not an index of TensorFlow, or damaged: ${message.replace("(1)", "(1), which TensorFlow does not do")}; copy or save it again`,
    );
  });

  it("checks every block", () => {
    const sound = table([[[0, "a", [1]]]]);
    const changed = sound.slice();
    changed[3] = 98;
    expect(refusal(changed)).toContain("a checksum does not fit");
  });
});

describe("Cursor", () => {
  it("reads whole numbers below 2^53", () => {
    expect(new Cursor(Uint8Array.of(0x7f)).varint()).toBe(127);
    expect(new Cursor(Uint8Array.of(0x80, 0x01)).varint()).toBe(128);
    expect(new Cursor(Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f)).varint()).toBe(2 ** 53 - 1);
    expect(() => new Cursor(Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x10)).varint()).toThrow(
      RangeError,
    );
    expect(() => new Cursor(new Uint8Array(20).fill(0xff)).varint()).toThrow("a number is too large");
    expect(() => new Cursor(Uint8Array.of(0x80)).varint()).toThrow("it ends too early");
  });
});
