import { CliError } from "../../errors.ts";
import { FUNCTION_NAMES } from "../functions.ts";
import { inOneLine } from "../message.ts";
import type { Network } from "../network.ts";
import { listZip } from "../zip.ts";
import { type Block, findBlocks } from "./blocks.ts";
import { type Candidate, type ChainOptions, listCandidates } from "./chain.ts";
import { readCheckpoint } from "./checkpoint.ts";
import { findFrameworkBlocks, type NamedFramework } from "./frameworks.ts";
import { mappedNetwork } from "./map.ts";
import { parseMap } from "./map-schema.ts";
import { readNpzWeights } from "./npz-weights.ts";
import { type ExportedProgram, isExportedProgram, readExportedProgram } from "./pt2.ts";
import { readSafetensors } from "./safetensors.ts";
import { type FoundDict, findStateDicts, normalizeNames } from "./state-dict.ts";
import { Weights } from "./weights.ts";

export interface PytorchOptions extends Omit<ChainOptions, "hasReference"> {
  /** Name of the file, for messages. */
  readonly source: string;
  /** Key of the dictionary of weights in a checkpoint that has several. */
  readonly weights?: string;
  /** Description of the model: which weight is which gate. */
  readonly map?: { readonly text: string; readonly source: string };
  /** The framework whose names the weights have, where it is not PyTorch. */
  readonly framework?: NamedFramework;
  /** Chooses among the networks that the file may stand for, by what the source framework answered. */
  readonly choose?: (candidates: readonly Candidate[]) => Candidate;
}

const ZIP = 0x504b;
const PICKLE = 0x80;

/**
 * Reads a state dict of PyTorch, a safetensors file, what torch.save wrote, or arrays of NumPy, into a network. No code of the file is run.
 *
 * @throws {CliError} when the file is damaged, the model is not understood completely, or an option is needed
 */
export function readPytorch(bytes: Uint8Array, options: PytorchOptions): Promise<{ network: Network }> {
  return inOneLine(() => read(bytes, options));
}

async function read(bytes: Uint8Array, options: PytorchOptions): Promise<{ network: Network }> {
  const { source, map, choose } = options;
  const { found, program } = readTensors(bytes, source);
  const dictionaries = chooseDictionaries(found, options);
  const [first] = dictionaries as [FoundDict];
  if (map) {
    const weights = new Weights(normalizeNames(first.tensors, source), source);
    const plain = { lastOnly: false, substitutions: [] };
    const parsed = parseMap(map.text, map.source);
    return { network: { ...plain, ...mappedNetwork(parsed, weights, map.source) } };
  }
  const candidates = dictionaries.flatMap(({ key, tensors }) => {
    const { framework } = options;
    const named = framework === undefined ? normalizeNames(tensors, source) : withDots(tensors);
    const weights = new Weights(named, source);
    const blocks = framework === undefined ? findBlocks(weights) : findFrameworkBlocks(weights, framework);
    if (blocks.length === 0) throw new CliError(`${source}: Holds no weights`);
    const chain = options.layers === undefined ? program?.chain() : undefined;
    if (chain) return exportedChain(blocks, chain, source);
    const found = listCandidates(blocks, { ...options, hasReference: choose !== undefined }, source);
    return dictionaries.length === 1
      ? found
      : found.map((one) => ({ ...one, options: `--weights ${key} ${one.options}` }));
  });
  const [only] = candidates as [Candidate];
  if (choose === undefined || candidates.length === 1) return { network: only.network() };
  const chosen = choose(candidates);
  const network = chosen.network();
  return { network: { ...network, notes: [`As the reference tells: ${chosen.options}`, ...(network.notes ?? [])] } };
}

/** The one network that the graph of an exported program says: what it does not name, is not there. */
function exportedChain(
  blocks: readonly Block[],
  { layers, lastOnly }: ReturnType<ExportedProgram["chain"]>,
  source: string,
) {
  const heads = blocks.filter(
    ({ kind, name }) => kind !== "gru" && kind !== "norm" && !layers.includes(`${name}:embedding`),
  );
  const isPlain = (name: string) =>
    !FUNCTION_NAMES.includes((layers[layers.indexOf(name) + 1] ?? "").split(":")[0] as string);
  const activations = heads.filter(({ name }) => isPlain(name)).map(({ name }) => `${name}=linear`);
  return listCandidates(blocks, { layers, activations }, source).map(({ network, ...candidate }) => ({
    ...candidate,
    network: () => ({ ...network(), lastOnly }),
  }));
}

/** The dictionary that the user names, the only one, or all where a reference chooses among them. */
function chooseDictionaries(found: readonly FoundDict[], options: PytorchOptions): readonly FoundDict[] {
  const { source, weights, map, choose, command = "rivulet convert" } = options;
  const keys = found.map(({ key }) => key || "(the file itself)");
  if (weights !== undefined) {
    const named = found.filter(({ key }) => key === weights);
    if (named.length > 0) return named;
    throw new CliError(`${source}: --weights: Found "${weights}", expected one of ${keys.join(", ")}`);
  }
  if (found.length === 1 || (choose && !map)) return found;
  throw new CliError(
    `${source}: Holds weights under ${keys.join(" and ")}; say which to take: ${command} --weights ${keys[0]}`,
  );
}

/** Trees of parameters are saved with slashes or dots between their folders, and often below `params`. */
function withDots(tensors: FoundDict["tensors"]): FoundDict["tensors"] {
  return new Map([...tensors].map(([name, tensor]) => [name.replaceAll("/", ".").replace(/^params\./, ""), tensor]));
}

interface Contents {
  readonly found: readonly FoundDict[];
  readonly program?: ExportedProgram;
}

function readTensors(bytes: Uint8Array, source: string): Contents {
  const [first = 0, second = 0] = bytes;
  if (first * 256 + second === ZIP) {
    const members = listZip(bytes, source);
    if (members.length > 0 && members.every((name) => name.endsWith(".npy"))) {
      return { found: [{ key: "", tensors: readNpzWeights(bytes, source) }] };
    }
    if (!isExportedProgram(members)) return { found: findStateDicts(readCheckpoint(bytes, source), source) };
    const program = readExportedProgram(bytes, source);
    return { found: [program.weights], program };
  }
  if (first === PICKLE) {
    throw new CliError(
      `${source}: Pickle without a zip file, as torch.save wrote before PyTorch 1.6; load and save it again with a newer PyTorch`,
    );
  }
  return { found: [{ key: "", tensors: readSafetensors(bytes, source) }] };
}
