// Bytes and numbers of the binary format (WebAssembly Core Specification 2.0, 5.2). LEB128 numbers keep to the length and the unused bits of 5.2.2.

/** A module that is damaged; `offset` is the byte of the file at fault. */
export class WasmError extends SyntaxError {
  override readonly name = "WasmError";
  readonly offset: number;

  constructor(message: string, offset: number) {
    super(`${message}, at byte ${offset}`);
    this.offset = offset;
  }
}

/** Reads bytes one after the other, never beyond `end`. */
export class ByteReader {
  readonly bytes: Uint8Array;
  readonly end: number;
  /** Offset of the first byte in the file. */
  readonly base: number;
  /** Index of the next byte. */
  at: number;

  constructor(bytes: Uint8Array, base = 0, at = 0, end = bytes.length) {
    this.bytes = bytes;
    this.base = base;
    this.at = at;
    this.end = end;
  }

  /** Where the next byte stands in the file. */
  get fileOffset(): number {
    return this.base + this.at;
  }

  /** How many bytes are left. */
  get left(): number {
    return this.end - this.at;
  }

  /** Makes an error about the bytes from `at` on. */
  error(message: string, at = this.at): WasmError {
    return new WasmError(message, this.base + at);
  }

  /**
   * Reads one byte.
   *
   * @throws {WasmError} when there is none, as do all the others
   */
  byte(what: string): number {
    const value = this.at < this.end ? this.bytes[this.at] : undefined;
    if (value === undefined) throw this.error(`Module ends inside ${what}`);
    this.at++;
    return value;
  }

  /** Reads an unsigned number of at most 32 bits. */
  u32(what: string): number {
    const start = this.at;
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.byte(what);
      if (shift === 28 && byte > 0x0f) break;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw this.error(`${capital(what)} is no LEB128 number of 32 bits`, start);
  }

  /** Reads a signed number of at most `bits` bits: 32, 33 or 64. */
  signed(bits: 32 | 33 | 64, what: string): bigint {
    const start = this.at;
    const last = Math.ceil(bits / 7) - 1;
    let value = 0n;
    for (let index = 0; index <= last; index++) {
      const byte = this.byte(what);
      if (index === last && !isSignExtended(byte, bits - 7 * last)) break;
      value |= BigInt(byte & 0x7f) << BigInt(7 * index);
      if (byte < 0x80) return BigInt.asIntN(7 * index + 7, value);
    }
    throw this.error(`${capital(what)} is no signed LEB128 number of ${bits} bits`, start);
  }

  /** Reads a vector: a count, then as many items. No item is shorter than a byte, so a count beyond the bytes that are left is refused at once. */
  list<T>(what: string, read: (index: number) => T): T[] {
    const start = this.at;
    const count = this.u32(`the count of ${what}`);
    if (count > this.left) throw this.error(`Found a count of ${count} ${what} with ${this.left} bytes left`, start);
    const items: T[] = [];
    while (items.length < count) items.push(read(items.length));
    return items;
  }

  /** Takes the next `count` bytes, as a view. */
  take(count: number, what: string): Uint8Array {
    if (count > this.left) throw this.error(`${capital(what)} needs ${count} bytes, ${this.left} are left`);
    this.at += count;
    return this.bytes.subarray(this.at - count, this.at);
  }

  /** Takes the next `count` bytes as a reader of their own. */
  part(count: number, what: string): ByteReader {
    const start = this.at;
    this.take(count, what);
    return new ByteReader(this.bytes, this.base, start, this.at);
  }

  /** Reads a name in UTF-8. */
  text(what: string): string {
    const start = this.at;
    const bytes = this.take(this.u32(`the length of ${what}`), what);
    try {
      return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    } catch {
      throw this.error(`${capital(what)} is not UTF-8`, start);
    }
  }

  /** Reads little-endian bits: 4 bytes or 8. */
  bits(byteCount: 4 | 8, what: string): bigint {
    let value = 0n;
    for (const [index, byte] of this.take(byteCount, what).entries()) value |= BigInt(byte) << BigInt(8 * index);
    return value;
  }

  /** Holds that nothing is left. */
  finish(what: string): void {
    if (this.left > 0) throw this.error(`${capital(what)} has ${this.left} bytes too many`);
  }
}

/** Whether the last byte of a number ends it, and its bits beyond the `used` ones are copies of the sign. */
function isSignExtended(byte: number, used: number): boolean {
  const rest = ((byte << 25) >> 25) >> (used - 1);
  return byte < 0x80 && (rest === 0 || rest === -1);
}

const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);
