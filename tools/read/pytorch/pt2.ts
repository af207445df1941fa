// Files of torch.export.save (.pt2): a zip of the weights, and of the graph as JSON, which says what a state dict does not
// (torch/export/pt2_archive, torch/_export/serde/schema.py).

import { isObject, parseJson, showKey } from "../../../host/model/json.ts";
import { CliError } from "../../errors.ts";
import { readZip } from "../zip.ts";
import { readCheckpoint } from "./checkpoint.ts";
import { type SourceTensor, stridedTensor } from "./elements.ts";
import { graphChain } from "./pt2-graph.ts";
import { type FoundDict, findStateDicts } from "./state-dict.ts";

type Json = Readonly<Record<string, unknown>>;

/** Element types by number of ScalarType. */
const DTYPES: Readonly<Record<number, string>> = {
  ...{ 1: "U8", 2: "I8", 3: "I16", 4: "I32", 5: "I64", 6: "F16", 7: "F32", 8: "F64", 12: "BOOL", 13: "BF16" },
};

/** What an exported program holds. */
export interface ExportedProgram {
  readonly weights: FoundDict;
  /** Its layers and functions in the words of `--layers`; throws CliError where the graph is no chain of them. */
  chain(): { readonly layers: readonly string[]; readonly lastOnly: boolean };
}

/** Whether the members of a zip file are those of an exported program. */
export const isExportedProgram = (names: readonly string[]): boolean =>
  names.some((name) => /(^|\/)(models\/[^/]+\.json|serialized_exported_program\.json)$/.test(name));

/**
 * Reads an exported program.
 *
 * @throws {CliError} when it is damaged, or of a version that is not known
 */
export function readExportedProgram(bytes: Uint8Array, source: string): ExportedProgram {
  const zip = readZip(bytes, source);
  const find = (pattern: RegExp) => [...zip].find(([name]) => pattern.test(name))?.[1];
  const model = find(/(^|\/)(models\/[^/]+\.json|serialized_exported_program\.json)$/) as Uint8Array;
  const weights = readWeights(zip, source);
  return { weights, chain: () => graphChain(jsonOf(model, source), weights.tensors, source) };
}

function readWeights(zip: ReadonlyMap<string, Uint8Array>, source: string): FoundDict {
  for (const [name, member] of zip) {
    const folder = /^(.*\/)?data\/weights\/[^/]+_weights_config\.json$/.exec(name);
    if (folder)
      return {
        key: "",
        tensors: listedTensors(jsonOf(member, source), `${folder[1] ?? ""}data/weights/`, zip, source),
      };
    // Older versions hold what torch.save writes.
    if (/(^|\/)(serialized_state_dict\.(pt|json)|data\/weights\/[^/]+\.pt)$/.test(name)) {
      return findStateDicts(readCheckpoint(member, `${source}: ${name}`), source)[0] as FoundDict;
    }
  }
  throw new CliError(
    `${source}: Exported program without weights that are known here; save model.state_dict() instead`,
  );
}

function listedTensors(config: Json, folder: string, zip: ReadonlyMap<string, Uint8Array>, source: string) {
  const tensors = new Map<string, SourceTensor>();
  for (const [name, entry] of Object.entries(isObject(config.config) ? config.config : {})) {
    const { path_name: file, tensor_meta: meta } = isObject(entry) ? entry : {};
    const { dtype, sizes, strides, storage_offset: offset } = isObject(meta) ? meta : {};
    const shape = integers(sizes);
    const stride = integers(strides);
    const [first] = integers([offset]) ?? [];
    const where = `${source}: ${showKey(name)}`;
    const known = typeof dtype === "number" ? DTYPES[dtype] : undefined;
    if (!shape || !stride || shape.length !== stride.length || first === undefined || known === undefined) {
      throw new CliError(`${where}: Its description is not known; save model.state_dict() instead`);
    }
    const content = () => {
      const found = zip.get(`${folder}${String(file)}`);
      if (found === undefined)
        throw new CliError(`${where}: Member ${showKey(String(file))} is missing; the file is damaged`);
      return found;
    };
    tensors.set(
      name,
      stridedTensor({ where, dtype: known, shape, stride, offset: first, bytes: content, little: true }),
    );
  }
  return tensors;
}

/** `[{as_int: 15}, …]` as numbers; undefined for anything else, such as symbolic sizes. */
function integers(value: unknown): number[] | undefined {
  if (!Array.isArray(value) || value.length > 8) return undefined;
  const numbers = value.map((item: unknown) => (isObject(item) ? item.as_int : undefined));
  const isCount = (item: unknown): item is number => Number.isSafeInteger(item) && (item as number) >= 0;
  return numbers.every(isCount) ? numbers : undefined;
}

function jsonOf(bytes: Uint8Array, source: string): Json {
  try {
    const value = parseJson(new TextDecoder().decode(bytes), "program");
    if (isObject(value)) return value;
  } catch (cause) {
    throw new CliError(`${source}: The exported program is not JSON; the file is damaged`, { cause });
  }
  throw new CliError(`${source}: The exported program is no JSON object; the file is damaged`);
}
