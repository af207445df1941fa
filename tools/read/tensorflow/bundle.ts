// The variables of a checkpoint of TensorFlow: an index, a table that tells shape and place of each, and shards with their bytes
// (tensorflow/core/util/tensor_bundle).

import { MAX_FILE_BYTES } from "../../../host/model/limits.ts";
import { CliError } from "../../errors.ts";
import { int64 } from "../protobuf.ts";
import { type SourceTensor, stridedTensor } from "../pytorch/elements.ts";
import { maskedCrc32c } from "./crc32c.ts";
import { type BundleEntry, type BundleHeader, decode } from "./proto.ts";
import { Cursor, readTable } from "./table.ts";

/** Reads a file by its name. */
export type ReadFile = (name: string) => Uint8Array;

/** The variables of a checkpoint by their keys. */
export interface Bundle {
  readonly keys: readonly string[];
  /** A variable; its values are read, and its checksum checked, when they are asked for. */
  tensor(key: string): SourceTensor;
  /** The bytes of a text. */
  text(key: string): Uint8Array;
}

const MAX_SHARDS = 1000;
/** Element types of types.proto. */
const DTYPES: Readonly<Record<number, string>> = { 1: "F32", 2: "F64", 14: "BF16", 19: "F16" };
const DTYPE_STRING = 7;

/**
 * Opens a checkpoint.
 *
 * @param name    its name without `.index`, as `read` knows it
 * @param folder  path of its folder with the separator at its end, for messages
 * @throws {CliError} when the index is damaged or names more than its shards hold
 */
export function openBundle(name: string, read: ReadFile, folder = ""): Bundle {
  const where = `${folder}${name}.index`;
  const table = readTable(read(`${name}.index`), where);
  const header: BundleHeader = decode("BundleHeader", table.get("") ?? new Uint8Array(), where);
  const shards = openShards(name, header.numShards, where, read);
  table.delete("");
  const entryOf = (key: string): BundleEntry => {
    const found = table.get(key);
    if (found === undefined) throw new CliError(`${where}: Holds no ${key}; save the model again`);
    return decode("BundleEntry", found, `${where}: ${key}`);
  };
  const bytesOf = (key: string, entry: BundleEntry) => {
    if (entry.slices.length > 0) throw new CliError(`${where}: ${key} is stored in slices; save the model again`);
    const shard = shards(entry.shardId);
    const [offset, size] = [int64(entry.offset), int64(entry.size)];
    if (offset >= 0 && size >= 0 && offset + size <= shard.length) return shard.subarray(offset, offset + size);
    throw new CliError(`${where}: ${key} ends beyond its file of ${shard.length} bytes; copy the folder again`);
  };
  return {
    keys: [...table.keys()],
    tensor: (key) => {
      const entry = entryOf(key);
      const bytes = () => {
        const found = bytesOf(key, entry);
        if (maskedCrc32c(found) === entry.crc32c) return found;
        throw new CliError(`${folder}${name}: The checksum of ${key} does not fit; copy the folder again`);
      };
      const shape = (entry.shape?.dim ?? []).map(({ size }) => int64(size));
      const dtype = DTYPES[entry.dtype] ?? `of type ${entry.dtype}`;
      return stridedTensor({
        where: `${folder}${name}: ${key}`,
        dtype,
        shape,
        offset: 0,
        bytes,
        little: header.endianness === 0,
      });
    },
    text: (key) => {
      const entry = entryOf(key);
      if (entry.dtype === DTYPE_STRING) return readText(bytesOf(key, entry), entry, `${folder}${name}: ${key}`);
      throw new CliError(`${where}: ${key} is no text; save the model again`);
    },
  };
}

/** The shards of a checkpoint, each read when it is first asked for; together as large as a single file may be. */
function openShards(name: string, count: number, where: string, read: ReadFile): (shard: number) => Uint8Array {
  if (count < 1 || count > MAX_SHARDS)
    throw new CliError(`${where}: Names ${count} files of variables, expected 1 to ${MAX_SHARDS}`);
  const opened = new Map<number, Uint8Array>();
  let total = 0;
  const digits = (value: number) => String(value).padStart(5, "0");
  return (shard) => {
    const known = opened.get(shard);
    if (known !== undefined) return known;
    if (shard < 0 || shard >= count) throw new CliError(`${where}: Names file ${shard} of ${count}; copy it again`);
    const bytes = read(`${name}.data-${digits(shard)}-of-${digits(count)}`);
    total += bytes.length;
    if (total > MAX_FILE_BYTES) throw new CliError(`${where}: More than ${MAX_FILE_BYTES} bytes of variables`);
    opened.set(shard, bytes);
    return bytes;
  };
}

/** A text: its length as a varint, a checksum of the length as u32, then its bytes; the checksum of the entry is over all, the length as u32. */
function readText(bytes: Uint8Array, entry: BundleEntry, where: string): Uint8Array {
  const failure = new CliError(`${where}: Damaged; copy the folder again`);
  try {
    const cursor = new Cursor(bytes);
    const length = cursor.varint();
    const sum = cursor.take(4);
    const content = cursor.take(length);
    const checked = new Uint8Array(8 + length);
    new DataView(checked.buffer).setUint32(0, length, true);
    checked.set(sum, 4);
    checked.set(content, 8);
    if (maskedCrc32c(checked) === entry.crc32c) return content;
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
  }
  throw failure;
}
