/** 64 bits of a message, in two unsigned halves. */
export interface Hash64 {
  readonly high: number;
  readonly low: number;
}

/**
 * Hashes the topic and the payload of a message to 64 bits: two multiplicative hashes of 32 bits with different
 * constants, each finished as in MurmurHash3. Not for adversaries: it tells a message that comes again from another one.
 * About 1 ns a byte.
 */
export function hashMessage(topic: string, payload: Uint8Array): Hash64 {
  let a = 0x9747b28c ^ payload.length;
  let b = 0x3c6ef372 ^ topic.length;
  for (let i = 0; i < topic.length; i++) {
    const unit = topic.charCodeAt(i);
    a = Math.imul(a ^ unit, 0x85ebca6b);
    b = Math.imul(b ^ unit, 0xc2b2ae35);
  }
  // A rotation between the parts: multiplication alone carries bits upwards only.
  a = (a << 13) | (a >>> 19);
  b = (b << 17) | (b >>> 15);
  for (let i = 0; i < payload.length; i++) {
    const byte = payload[i] as number;
    a = Math.imul(a ^ byte, 0x9e3779b1);
    b = Math.imul(b ^ byte, 0x5f356495);
    a ^= a >>> 15;
    b ^= b >>> 13;
  }
  return { high: finish(a ^ (b >>> 7)), low: finish(b ^ (a >>> 5)) };
}

/** Hashes a text to 32 bits. */
export function hashText(text: string): number {
  return hashMessage(text, new Uint8Array(0)).low;
}

/** The finalizer of MurmurHash3: every bit of the input changes every bit of the output with probability near 1/2. */
function finish(hash: number): number {
  let h = hash;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
