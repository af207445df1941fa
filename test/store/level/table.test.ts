// Table files as LevelDB writes them, packed and plain, whole and damaged.

import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ClassicLevel } from "classic-level";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Entry } from "../../../host/store/level/batch.ts";
import { isSoundTable, readTable } from "../../../host/store/level/table.ts";

const COUNT = 400;
let folder: string;
/** A table file of several blocks with a value that packs well for each key. */
let packed: Buffer;
let plain: Buffer;

const textFor = (i: number) => `device ${i} ${"a model and its state; ".repeat(8)}${i * i}`;
const keyOf = (i: number) => `device/${String(i).padStart(4, "0")}`;

async function tableOf(name: string, compression: boolean): Promise<Buffer> {
  const directory = join(folder, name);
  const db = new ClassicLevel<string, string>(directory, { compression });
  await db.batch(Array.from({ length: COUNT }, (_, i) => ({ type: "put" as const, key: keyOf(i), value: textFor(i) })));
  await db.del(keyOf(7));
  await db.compactRange("", "~");
  await db.close();
  const tables = (await readdir(directory)).filter((file) => file.endsWith(".ldb"));
  expect(tables).toHaveLength(1);
  return readFile(join(directory, tables[0]!));
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "rivulet-table-"));
  packed = await tableOf("packed", true);
  plain = await tableOf("plain", false);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const textOf = (value: Uint8Array | undefined) => value && Buffer.from(value).toString();
/** The newest value of each key that has one. */
function newest(entries: readonly Entry[]): (string | undefined)[][] {
  const found = new Map<string, Entry>();
  for (const entry of entries) {
    const known = found.get(entry.key);
    if (known === undefined || known.sequence < entry.sequence) found.set(entry.key, entry);
  }
  return [...found.values()].filter(({ value }) => value).map(({ key, value }) => [key, textOf(value)]);
}

const expected = Array.from({ length: COUNT }, (_, i) => [keyOf(i), textFor(i)]).filter(([key]) => key !== keyOf(7));

describe("readTable", () => {
  it("reads what LevelDB packed, and what it did not", () => {
    expect(packed.length).toBeLessThan(plain.length / 2);
    for (const file of [packed, plain]) {
      expect(isSoundTable(file)).toBe(true);
      const { entries, lost } = readTable(Buffer.from(file));
      expect(lost).toEqual([]);
      expect(newest(entries)).toEqual(expected);
      expect(entries.filter(({ value }) => value === undefined).map(({ key }) => key)).toEqual([keyOf(7)]);
    }
  });

  it("numbers entries as they were written", () => {
    const sequences = readTable(Buffer.from(plain)).entries.map(({ sequence }) => sequence);
    const [first] = sequences as [number];
    expect(sequences.slice(0, 7)).toEqual(Array.from({ length: 7 }, (_, i) => first + i));
    expect(first).toBeGreaterThan(0);
    expect(first).toBeLessThan(10);
  });

  it("loses one block, and says between which keys, when a byte of it is overwritten", () => {
    const file = Buffer.from(plain);
    file.fill(0xaa, 100, 120);
    expect(isSoundTable(file)).toBe(false);
    const { entries, lost } = readTable(file);
    expect(lost).toHaveLength(1);
    const [{ after, last }] = lost as [(typeof lost)[number]];
    expect(after).toBeUndefined();
    const found = new Map(entries.map(({ key, value }) => [key, textOf(value)]));
    const missing = expected.filter(([key]) => !found.has(key as string));
    expect(missing.length).toBeGreaterThan(5);
    for (const [key] of missing) expect(Buffer.compare(Buffer.from(key!), last!)).toBeLessThanOrEqual(0);
    for (const [key, value] of found) expect(value).toBe(textFor(Number(key.slice(7))));
  });

  it("mends a flipped bit of a block, plain or packed", () => {
    for (const whole of [packed, plain]) {
      const file = Buffer.from(whole);
      file[90]! ^= 0x10;
      expect(isSoundTable(file)).toBe(false);
      const { entries, lost } = readTable(file);
      expect(lost).toEqual([]);
      expect(newest(entries)).toEqual(expected);
      expect(isSoundTable(file)).toBe(true);
    }
  });

  it.each([
    ["a magic number that is not whole", (file: Buffer) => void file.fill(0, file.length - 1)],
    ["a footer of nothing", (file: Buffer) => void file.fill(0xff, file.length - 48, file.length - 8)],
    ["an index that is overwritten", (file: Buffer) => void file.fill(0, file.length - 48 - 20, file.length - 48)],
  ])("finds the blocks one by one behind %s", (_, damage) => {
    const file = Buffer.from(plain);
    damage(file);
    expect(isSoundTable(file)).toBe(false);
    const { entries, lost } = readTable(file);
    expect(lost).toEqual([]);
    expect(newest(entries)).toEqual(expected);
  });

  it("has lost everything where neither the index nor all blocks are sound", () => {
    const file = Buffer.from(plain);
    file[file.length - 1] = 0;
    file.fill(0xaa, 100, 120);
    expect(readTable(file)).toEqual({ lost: [{ after: undefined, last: undefined }], entries: [] });
  });

  it("has lost everything of a file that is too short", () => {
    expect(readTable(Buffer.alloc(20))).toEqual({ lost: [{ after: undefined, last: undefined }], entries: [] });
    expect(isSoundTable(Buffer.alloc(20))).toBe(false);
  });
});
