// The files that torch.save writes since PyTorch 1.6: a zip of `<folder>/data.pkl`, which names storages, and `<folder>/data/<key>`, which
// hold their elements (torch/serialization.py).

import { showKey } from "../../../host/model/json.ts";
import { CliError } from "../../errors.ts";
import { readZip } from "../zip.ts";
import { type SourceTensor, stridedTensor } from "./elements.ts";
import { readPickle } from "./pickle.ts";
import { PickleGlobal } from "./pickle-machine.ts";

const SAVE_STATE_DICT = 'save the weights alone: torch.save(model.state_dict(), "model.pt")';

/** Element type by class of storage. */
const STORAGES: Readonly<Record<string, string>> = {
  "torch.DoubleStorage": "F64",
  "torch.FloatStorage": "F32",
  "torch.HalfStorage": "F16",
  "torch.BFloat16Storage": "BF16",
  "torch.LongStorage": "I64",
  "torch.IntStorage": "I32",
  "torch.ShortStorage": "I16",
  "torch.CharStorage": "I8",
  "torch.ByteStorage": "U8",
  "torch.BoolStorage": "BOOL",
};
/** Classes that are dictionaries, and functions that answer with their first argument. */
const DICTIONARIES = ["collections.OrderedDict", "collections.defaultdict", "builtins.dict", "__builtin__.dict"];
const PARAMETERS = ["torch._utils._rebuild_parameter", "torch._utils._rebuild_parameter_with_state"];
const QUANTIZED = /qtensor|^torch\.q|QInt|QUInt|ScriptObject|per_(tensor|channel)_affine/;

interface Storage {
  readonly storage: true;
  readonly dtype: string;
  readonly key: string;
}

/** A tensor in a pickle; its name comes with the key of the dictionary that it stands in. */
export class PickledTensor {
  readonly shape: readonly number[];
  readonly open: (name: string) => SourceTensor;

  constructor(shape: readonly number[], open: (name: string) => SourceTensor) {
    this.shape = shape;
    this.open = open;
  }
}

/**
 * Reads what torch.save wrote: dictionaries (Maps), lists, numbers, texts, `PickledTensor`s, and `Opaque`s for everything else. No
 * code of the file is run.
 *
 * @throws {CliError} when the file is damaged, or holds a program or a quantized model
 */
export function readCheckpoint(bytes: Uint8Array, source: string): unknown {
  const zip = readZip(bytes, source);
  const pickles = [...zip.keys()].filter((name) => /^[^/]+\/data\.pkl$/.test(name));
  const [pickle] = pickles;
  if (pickle === undefined || pickles.length > 1) {
    throw new CliError(`${source}: Zip file without a data.pkl, expected what torch.save writes; ${SAVE_STATE_DICT}`);
  }
  const folder = pickle.slice(0, -"/data.pkl".length);
  if (zip.has(`${folder}/constants.pkl`)) {
    throw new CliError(`${source}: Holds a TorchScript program, expected a state dict; ${SAVE_STATE_DICT}`);
  }
  const little = new TextDecoder().decode(zip.get(`${folder}/byteorder`)).trim() !== "big";
  return readPickle(zip.get(pickle) as Uint8Array, {
    source: `${source}: data.pkl`,
    checkGlobal: (name) => checkGlobal(name, source),
    call: (name, args) => {
      if (DICTIONARIES.includes(name)) return new Map();
      if (PARAMETERS.includes(name) && args[0] instanceof PickledTensor) return args[0];
      if (name === "torch.Size" && Array.isArray(args[0])) return args[0];
      if (name === "torch._utils._rebuild_tensor_v2") return rebuildTensor(args, { zip, folder, source, little });
      return undefined;
    },
    persistent: (id) => readStorage(id, source),
  });
}

function checkGlobal(name: string, source: string): void {
  if (!QUANTIZED.test(name)) return;
  throw new CliError(
    `${source}: data.pkl names ${showKey(name)}, the model is quantized (quantize_dynamic?); convert the float model, then run rivulet quantize`,
  );
}

/** A persistent id is ("storage", class, key, location, count). */
function readStorage(id: unknown, source: string): Storage {
  const [tag, type, key] = Array.isArray(id) ? id : [];
  const dtype = type instanceof PickleGlobal && Object.hasOwn(STORAGES, type.name) ? STORAGES[type.name] : undefined;
  if (tag !== "storage" || dtype === undefined || typeof key !== "string") {
    throw new CliError(`${source}: data.pkl refers to a storage in a way that torch.save does not; it is damaged`);
  }
  return { storage: true, dtype, key };
}

interface Place {
  readonly zip: ReadonlyMap<string, Uint8Array>;
  readonly folder: string;
  readonly source: string;
  readonly little: boolean;
}

/** Arguments of _rebuild_tensor_v2: storage, offset, shape, stride, … */
function rebuildTensor(args: readonly unknown[], { zip, folder, source, little }: Place): PickledTensor {
  const [storage, offset, shape, stride] = args;
  if (
    !isStorage(storage) ||
    !isCount(offset) ||
    !isCounts(shape) ||
    !isCounts(stride) ||
    shape.length !== stride.length
  ) {
    throw new CliError(`${source}: data.pkl rebuilds a tensor in a way that torch.save does not; it is damaged`);
  }
  const { dtype, key } = storage;
  const bytes = () => {
    const found = zip.get(`${folder}/data/${key}`);
    if (found === undefined) throw new CliError(`${source}: Storage ${showKey(key)} is missing; the file is damaged`);
    return found;
  };
  return new PickledTensor(shape, (name) =>
    stridedTensor({ where: `${source}: ${showKey(name)}`, dtype, shape, stride, offset, bytes, little }),
  );
}

const isStorage = (value: unknown): value is Storage =>
  typeof value === "object" && value !== null && "storage" in value;
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
const isCounts = (value: unknown): value is number[] =>
  Array.isArray(value) && value.length <= 8 && value.every(isCount);
