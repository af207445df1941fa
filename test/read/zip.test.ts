import { zipSync } from "fflate";
import { describe, expect, it } from "vitest";
import { readZip } from "../../tools/read/zip.ts";

/** Offset of the entry of the nth member in the directory. */
function entryOf(bytes: Uint8Array, n: number): number {
  let at = -1;
  for (let i = 0; i <= n; i++) at = Buffer.from(bytes).indexOf("PK\x01\x02", at + 1, "latin1");
  return at;
}

/** Writes a field of the directory. */
function setField(bytes: Uint8Array, entry: number, field: number, value: number): void {
  new DataView(bytes.buffer, bytes.byteOffset).setUint32(entry + field, value, true);
}
const SIZE = 24;
const OFFSET = 42;

describe("readZip", () => {
  it("reads stored and deflated members in the order of the directory", () => {
    const bytes = zipSync({ b: [Uint8Array.of(1, 2), { level: 0 }], a: [new Uint8Array(1000), { level: 9 }] });
    const members = [...readZip(bytes, "x.zip")].map(([name, content]) => [name, [...content]]);
    expect(members).toEqual([
      ["b", [1, 2]],
      ["a", new Array(1000).fill(0)],
    ]);
  });

  it("unpacks a member to its size and no further", () => {
    const bytes = zipSync({ a: new Uint8Array(1_000_000) });
    setField(bytes, entryOf(bytes, 0), SIZE, 2000);
    expect(() => readZip(bytes, "x.zip")).toThrow('x.zip: Member "a" does not unpack; the file is damaged');
  });

  it("refuses a member that is smaller than its size", () => {
    const bytes = zipSync({ a: new Uint8Array(1000) });
    setField(bytes, entryOf(bytes, 0), SIZE, 1001);
    expect(() => readZip(bytes, "x.zip")).toThrow('Member "a" has 1000 bytes, expected 1001; the file is damaged');
  });

  it("refuses members that share bytes: a small file could ask for the work of a large one", () => {
    const content = new Uint8Array(1000);
    const bytes = zipSync({ a: content, b: content });
    setField(bytes, entryOf(bytes, 1), OFFSET, 0);
    expect(() => readZip(bytes, "x.zip")).toThrow('x.zip: Members "a" and "b" share bytes; the file is damaged');
  });

  it("takes a member of no bytes beside another", () => {
    const bytes = zipSync({ a: [new Uint8Array(), { level: 0 }], b: [Uint8Array.of(7), { level: 0 }] });
    expect([...readZip(bytes, "x.zip").values()].map((member) => member.length)).toEqual([0, 1]);
  });
});
