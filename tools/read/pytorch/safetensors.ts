import { ModelFormatError } from "../../../host/model/errors.ts";
import { isObject, parseJson, showKey } from "../../../host/model/json.ts";
import { CliError } from "../../errors.ts";
import { type SourceTensor, stridedTensor } from "./elements.ts";

const MAX_HEADER_BYTES = 2 ** 24;
const LENGTH_BYTES = 8;
/** Bytes of an element. */
const SIZES: Readonly<Record<string, number>> = {
  ...{ F64: 8, I64: 8, U64: 8, F32: 4, I32: 4, U32: 4 },
  ...{ F16: 2, BF16: 2, I16: 2, U16: 2, I8: 1, U8: 1, BOOL: 1 },
};

/**
 * Reads a safetensors file of any producer, with fewer rules than FORMAT.md has for model files. The tensors are views of `bytes`.
 *
 * @throws {CliError} when it is no such file, or damaged
 */
export function readSafetensors(bytes: Uint8Array, source: string): Map<string, SourceTensor> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const length = bytes.length < LENGTH_BYTES ? 0 : Number(view.getBigUint64(0, true));
  const dataStart = LENGTH_BYTES + length;
  if (length < 2 || length > MAX_HEADER_BYTES || dataStart > bytes.length) {
    throw new CliError(`${source}: Not a safetensors file, or cut off: header of ${length} bytes in ${bytes.length}`);
  }
  const header = readHeader(bytes.subarray(LENGTH_BYTES, dataStart), source);
  const tensors = new Map<string, SourceTensor>();
  for (const [name, entry] of Object.entries(header)) {
    if (name === "__metadata__") continue;
    const { dtype, shape, begin, end } = readEntry(entry, `${source}: ${showKey(name)}`, bytes.length - dataStart);
    const content = () => bytes.subarray(dataStart + begin, dataStart + end);
    const where = `${source}: ${showKey(name)}`;
    tensors.set(name, stridedTensor({ where, dtype, shape, offset: 0, bytes: content, little: true }));
  }
  addTied(tensors, header.__metadata__);
  return tensors;
}

/** safetensors.torch.save_model stores tensors that are shared once, and says in the metadata which other names they have. */
function addTied(tensors: Map<string, SourceTensor>, metadata: unknown): void {
  for (const [name, kept] of Object.entries(isObject(metadata) ? metadata : {})) {
    const tensor = typeof kept === "string" ? tensors.get(kept) : undefined;
    if (tensor !== undefined && !tensors.has(name)) tensors.set(name, tensor);
  }
}

function readHeader(bytes: Uint8Array, source: string): Readonly<Record<string, unknown>> {
  try {
    const header = parseJson(new TextDecoder("utf-8", { fatal: true }).decode(bytes), "header");
    if (isObject(header)) return header;
  } catch (cause) {
    if (cause instanceof ModelFormatError) throw new CliError(`${source}: ${cause.message}`, { cause });
    if (!(cause instanceof TypeError)) throw cause;
  }
  throw new CliError(`${source}: The header of the safetensors file is no JSON object in UTF-8`);
}

function readEntry(entry: unknown, where: string, dataBytes: number) {
  const { dtype, shape, data_offsets: offsets } = isObject(entry) ? entry : {};
  const size = typeof dtype === "string" && Object.hasOwn(SIZES, dtype) ? SIZES[dtype] : undefined;
  if (size === undefined) {
    throw new CliError(`${where}: Unknown dtype, expected one of ${Object.keys(SIZES).join(", ")}`);
  }
  if (!isCounts(shape) || !isCounts(offsets) || offsets.length !== 2) {
    throw new CliError(`${where}: shape and data_offsets are not arrays of whole numbers`);
  }
  const [begin, end] = offsets as [number, number];
  const needed = shape.reduce((product, count) => product * count, size);
  if (end - begin !== needed) throw new CliError(`${where}: Needs ${needed} bytes, data_offsets span ${end - begin}`);
  if (end > dataBytes) throw new CliError(`${where}: Ends at byte ${end} of the data, which has ${dataBytes}; cut off`);
  return { dtype: dtype as string, shape, begin, end };
}

const isCounts = (value: unknown): value is number[] =>
  Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && item >= 0);
