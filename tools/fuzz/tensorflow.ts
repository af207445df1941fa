// A SavedModel folder as one input: its index, its configurations and its variables, each behind its length.

import { readFileSync } from "node:fs";
import path from "node:path";
import { CliError } from "../errors.ts";
import { readKerasFolder } from "../read/keras/index.ts";
import { maskedCrc32c } from "../read/tensorflow/crc32c.ts";
import { Cursor } from "../read/tensorflow/table.ts";
import type { Target } from "./target.ts";

const PARTS = ["variables/variables.index", "keras_metadata.pb", "variables/variables.data-00000-of-00001"];
const FOLDERS = ["test/vectors/saved-model/2.15/text", "test/vectors/saved-model/2.12/functional"];
const FOOTER_BYTES = 48;

/** The reader of SavedModel folders. */
export function tensorflow(): Target {
  return {
    seeds: FOLDERS.map((folder) => join(PARTS.map((name) => readFileSync(path.join(folder, name))))),
    tokens: ["layer_with_weights-0", "root.layer-0", "\x0a\x00", "\xff\xff\xff\xff\x0f", '"GRU"', '{"class_name":'],
    read: (bytes) => {
      const parts = new Map(split(bytes).map((part, i) => [PARTS[i], part]));
      return readKerasFolder((name) => parts.get(name), { path: "fuzz" });
    },
    seal: (bytes) => {
      const [index, ...others] = split(bytes);
      if (index !== undefined) seal(index);
      return join([index ?? new Uint8Array(), ...others]);
    },
    refusals: [CliError],
    isOneLine: true,
  };
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(
    parts.flatMap((part) => {
      const length = Buffer.alloc(4);
      length.writeUInt32LE(part.length);
      return [length, part];
    }),
  );
}

function split(bytes: Uint8Array): Uint8Array[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const parts: Uint8Array[] = [];
  for (let at = 0; at + 4 <= bytes.length && parts.length < PARTS.length; ) {
    const length = Math.min(view.getUint32(at, true), bytes.length - at - 4);
    parts.push(bytes.slice(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return parts;
}

/** Makes the checksums of the blocks right again: one of entries, the metaindex, the index. */
function seal(index: Uint8Array): void {
  if (index.length < FOOTER_BYTES) return;
  const view = new DataView(index.buffer, index.byteOffset, index.length);
  const sealBlock = (offset: number, size: number) => {
    if (offset + size + 5 > index.length) return;
    view.setUint32(offset + size + 1, maskedCrc32c(index.subarray(offset, offset + size + 1)), true);
  };
  try {
    const cursor = new Cursor(index.subarray(index.length - FOOTER_BYTES));
    const [metaindex, top] = [cursor.handle(), cursor.handle()];
    if (metaindex.offset >= 5) sealBlock(0, metaindex.offset - 5);
    for (const { offset, size } of [metaindex, top]) sealBlock(offset, size);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
  }
}
