// What stands before mqtt.js, which buffers a packet whole before it looks at it: MQTT 3.1.1 has no way to tell the broker a
// greatest size, so 256 MB may come. The body of a packet that is too large is let go as it arrives, and in place of the packet
// an empty one with the same topic and packet id goes on, so that it is counted and acknowledged in its turn.

/** A message that was too large to be taken in. */
export interface Oversized {
  /** Bytes of its payload. */
  readonly bytes: number;
}

const PUBLISH = 3;
const MOST_LENGTH_BYTES = 4;

/** Watches the packets of one connection [MQTT-2.2.3]; holds no more than a topic of them. */
export class PacketGuard {
  readonly #limit: number;
  readonly #protocol: 4 | 5;
  /** First byte, remaining length, and of a packet that is too large its topic and packet id. */
  #head: number[] = [];
  /** Bytes of the body that are yet to come: to be passed on, or let go. */
  #rest = 0;
  #isSkipping = false;
  /** Of a packet that is too large: its remaining length, until its topic and packet id are read. */
  #large: number | undefined;
  #fixedBytes = 0;
  /** PUBLISH packets so far, and which of them were too large. */
  #count = 0;
  readonly #oversized = new Map<number, Oversized>();
  #delivered = 0;

  /**
   * @param limit  greatest remaining length, bytes
   * @param protocol  4: MQTT 3.1.1; 5: the broker knows the limit, so that a larger packet breaks the protocol
   */
  constructor(limit: number, protocol: 4 | 5) {
    this.#limit = limit;
    this.#protocol = protocol;
  }

  /** Whether the body of a packet is being let go. */
  get isSkipping(): boolean {
    return this.#isSkipping;
  }

  /**
   * Takes bytes of the connection; answers those that may go on.
   *
   * @throws {RangeError} when a packet is too large that is no message, or is no packet at all
   */
  push(chunk: Uint8Array): Uint8Array {
    const parts: Uint8Array[] = [];
    let at = 0;
    while (at < chunk.length) {
      if (this.#rest > 0) {
        const count = Math.min(this.#rest, chunk.length - at);
        if (!this.#isSkipping) parts.push(chunk.subarray(at, at + count));
        at += count;
        this.#rest -= count;
        if (this.#rest === 0) this.#isSkipping = false;
        continue;
      }
      this.#head.push(chunk[at++] as number);
      const passed = this.#large === undefined ? this.#readLength() : this.#readTopic(this.#large);
      if (passed !== undefined) parts.push(passed);
    }
    return parts.length === 1 ? (parts[0] as Uint8Array) : Buffer.concat(parts);
  }

  /** Answers what was left out of the next message that mqtt.js delivers; undefined when it came whole. */
  next(): Oversized | undefined {
    const found = this.#oversized.get(this.#delivered);
    this.#oversized.delete(this.#delivered++);
    return found;
  }

  /** Answers the first byte and the length once they are there, and may pass. */
  #readLength(): Uint8Array | undefined {
    const [first = 0, ...digits] = this.#head;
    const last = digits.at(-1);
    if (last === undefined) return undefined;
    if (last & 0x80) {
      if (digits.length < MOST_LENGTH_BYTES) return undefined;
      throw new RangeError("the broker sends what is no MQTT");
    }
    const length = digits.reduce((sum, digit, index) => sum + (digit & 0x7f) * 128 ** index, 0);
    const isMessage = first >> 4 === PUBLISH;
    if (length <= this.#limit) {
      if (isMessage) this.#count++;
      return this.#pass(length);
    }
    if (!isMessage || this.#protocol === 5) {
      throw new RangeError(`the broker sends a packet of ${length} bytes, at most ${this.#limit} are taken`);
    }
    this.#large = length;
    this.#fixedBytes = this.#head.length;
    return undefined;
  }

  /** Answers the packet that stands in for one that is too large, once its topic and packet id are there. */
  #readTopic(length: number): Uint8Array | undefined {
    const [first = 0] = this.#head;
    const variable = this.#head.length - this.#fixedBytes;
    if (variable < 2) return undefined;
    const [high = 0, low = 0] = this.#head.slice(this.#fixedBytes, this.#fixedBytes + 2);
    const kept = 2 + 256 * high + low + ((first & 6) === 0 ? 0 : 2);
    if (kept > length) throw new RangeError("the broker sends a message that ends within its topic");
    if (variable < kept) return undefined;
    const body = this.#head.slice(this.#fixedBytes);
    this.#oversized.set(this.#count++, { bytes: length - kept });
    this.#head = [];
    this.#large = undefined;
    this.#rest = length - kept;
    this.#isSkipping = this.#rest > 0;
    return Uint8Array.from([first, ...lengthBytes(kept), ...body]);
  }

  #pass(length: number): Uint8Array {
    const bytes = Uint8Array.from(this.#head);
    this.#head = [];
    this.#rest = length;
    return bytes;
  }
}

function lengthBytes(length: number): number[] {
  const bytes: number[] = [];
  for (let rest = length; rest > 0 || bytes.length === 0; rest = Math.floor(rest / 128)) {
    bytes.push(rest >= 128 ? (rest % 128) | 0x80 : rest);
  }
  return bytes;
}
