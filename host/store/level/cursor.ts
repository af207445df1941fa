/** Reads the numbers and strings of LevelDB's formats, one after the other. @throws {RangeError} beyond the end */
export class Cursor {
  readonly bytes: Uint8Array;
  at: number;
  readonly end: number;

  constructor(bytes: Uint8Array, at = 0, end: number = bytes.length) {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
  }

  get isAtEnd(): boolean {
    return this.at >= this.end;
  }

  /** A varint of at most 53 bits: 7 bits a byte, the lowest first. */
  varint(): number {
    let value = 0;
    for (let factor = 1; factor < 2 ** 53; factor *= 128) {
      const byte = this.byte();
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
    throw new RangeError("A varint is too long");
  }

  byte(): number {
    if (this.at >= this.end) throw new RangeError("The bytes end too early");
    return this.bytes[this.at++] as number;
  }

  /** A part of the bytes, not a copy. */
  take(length: number): Uint8Array {
    if (length > this.end - this.at) throw new RangeError("The bytes end too early");
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }

  /** A string: its length as a varint, then its bytes. */
  string(): Uint8Array {
    return this.take(this.varint());
  }

  u32(): number {
    const part = this.take(4);
    return new DataView(part.buffer, part.byteOffset).getUint32(0, true);
  }

  /** 64 bits, of which numbers keep 53 exactly; sequence numbers have 56 and begin at 0. */
  u64(): number {
    const low = this.u32();
    return this.u32() * 2 ** 32 + low;
  }
}
