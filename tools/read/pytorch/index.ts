import { CliError } from "../../errors.ts";
import type { Network } from "../network.ts";
import { findBlocks } from "./blocks.ts";
import { readCheckpoint } from "./checkpoint.ts";
import type { SourceTensor } from "./elements.ts";
import { mappedNetwork, parseMap } from "./map.ts";
import { type OrderOptions, orderBlocks } from "./order.ts";
import { readSafetensors } from "./safetensors.ts";
import { findStateDict, normalizeNames } from "./state-dict.ts";
import { Weights } from "./weights.ts";

export interface PytorchOptions extends OrderOptions {
  /** Name of the file, for messages. */
  readonly source: string;
  /** Description of the model: which weight is which gate. */
  readonly map?: { readonly text: string; readonly source: string };
}

const ZIP = 0x504b;
const PICKLE = 0x80;

/**
 * Reads a state dict of PyTorch, a safetensors file or what torch.save wrote, into a network. No code of the file is run.
 *
 * @throws {CliError} when the file is damaged, the model is not understood completely, or an option is needed
 */
export async function readPytorch(bytes: Uint8Array, options: PytorchOptions): Promise<{ network: Network }> {
  const { source } = options;
  const weights = new Weights(normalizeNames(readTensors(bytes, source), source), source);
  const plain = { lastOnly: false, substitutions: [] };
  if (options.map) {
    const map = parseMap(options.map.text, options.map.source);
    return { network: { ...plain, ...mappedNetwork(map, weights, options.map.source) } };
  }
  const blocks = findBlocks(weights);
  if (blocks.length === 0) throw new CliError(`${source}: Holds no weights`);
  return { network: { ...plain, ...orderBlocks(blocks, options, source) } };
}

function readTensors(bytes: Uint8Array, source: string): Map<string, SourceTensor> {
  const [first = 0, second = 0] = bytes;
  if (first * 256 + second === ZIP) return findStateDict(readCheckpoint(bytes, source), source);
  if (first === PICKLE) {
    throw new CliError(
      `${source}: Pickle without a zip file, as torch.save wrote before PyTorch 1.6; load and save it again with a newer PyTorch`,
    );
  }
  return readSafetensors(bytes, source);
}
