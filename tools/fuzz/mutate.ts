// Damage, as networks, disks and attackers do it.

/** Lengths and counts that readers get wrong. */
const EDGES = [0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff];
/** An input stays below this, so that work is the reader's doing. */
const MAX_BYTES = 1 << 18;

/** Where an input comes from. */
export interface Material {
  readonly seeds: readonly Uint8Array[];
  /** Pieces of the format that are worth standing in a wrong place. */
  readonly tokens: readonly string[];
}

/** Makes a damaged input: one of the seeds with one to five changes. Equal random numbers make equal inputs. */
export function mutate({ seeds, tokens }: Material, random: () => number): Uint8Array {
  const below = (limit: number) => Math.floor(random() * limit);
  const pick = <T>(items: readonly T[]): T => items[below(items.length)] as T;
  let bytes = Uint8Array.from(pick(seeds));
  for (let changes = 1 + below(5); changes > 0; changes--) {
    const at = below(bytes.length);
    const view = new DataView(bytes.buffer);
    switch (below(9)) {
      case 0:
        if (bytes.length > 0) bytes[at] = (bytes[at] as number) ^ (1 << below(8));
        break;
      case 1:
        if (bytes.length > 0) bytes[at] = below(256);
        break;
      case 2:
        if (bytes.length >= 4) view.setUint32(below(bytes.length - 3), pick(EDGES), random() < 0.7);
        break;
      case 3:
        bytes = splice(bytes, at, below(Math.min(64, bytes.length - at + 1)), new Uint8Array());
        break;
      case 4:
        bytes = splice(bytes, at, 0, bytes.subarray(below(bytes.length), below(bytes.length + 1)));
        break;
      case 5:
        bytes = splice(bytes, at, 0, new TextEncoder().encode(tokens.length > 0 ? pick(tokens) : String(below(1e6))));
        break;
      case 6:
        bytes = splice(bytes, at, bytes.length - at, tailOf(pick(seeds), random));
        break;
      case 7:
        if (random() < 0.3) bytes = bytes.slice(0, at);
        break;
      default:
        if (bytes.length > 0) bytes.copyWithin(at, below(bytes.length), below(bytes.length + 1));
    }
  }
  return bytes;
}

function tailOf(seed: Uint8Array, random: () => number): Uint8Array {
  return seed.subarray(Math.floor(random() * (seed.length + 1)));
}

/** Replaces `count` bytes at `at` by others, up to MAX_BYTES in all. */
function splice(bytes: Uint8Array, at: number, count: number, insert: Uint8Array): Uint8Array<ArrayBuffer> {
  const parts = [bytes.subarray(0, at), insert, bytes.subarray(at + count)];
  return Uint8Array.from(Buffer.concat(parts).subarray(0, MAX_BYTES));
}
