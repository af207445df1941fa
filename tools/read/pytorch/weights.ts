import { showKey } from "../../../host/model/json.ts";
import { CliError } from "../../errors.ts";
import type { SourceTensor } from "./elements.ts";
import type { StateDict } from "./state-dict.ts";

/** Names in an error message. */
const MAX_NAMES = 12;

/** The weights of a source, with a record of which were taken: what is left over changes what the model computes. */
export class Weights {
  readonly source: string;
  readonly #tensors: StateDict;
  readonly #taken = new Set<string>();

  constructor(tensors: StateDict, source: string) {
    this.#tensors = tensors;
    this.source = source;
  }

  get names(): string[] {
    return [...this.#tensors.keys()];
  }

  has(name: string): boolean {
    return this.#tensors.has(name);
  }

  /** Shape of a weight; [] if there is none of the name. */
  shapeOf(name: string): readonly number[] {
    return this.#tensors.get(name)?.shape ?? [];
  }

  /** @throws {CliError} that lists those of the names that are not there */
  require(names: readonly string[]): void {
    const missing = names.filter((name) => !this.has(name));
    if (missing.length > 0) throw this.fail(`Missing weights: ${listNames(missing)}`);
  }

  /**
   * Reads a weight and marks it as taken.
   *
   * @throws {CliError} when it is missing, has another shape or is not finite
   */
  take(name: string, shape: readonly number[]): Float32Array {
    this.require([name]);
    const tensor = this.#tensors.get(name) as SourceTensor;
    if (tensor.shape.join() !== shape.join()) {
      throw this.fail(`${showKey(name)} has shape [${tensor.shape.join(", ")}], expected [${shape.join(", ")}]`);
    }
    if (shape.includes(0)) throw this.fail(`${showKey(name)} is empty: shape [${shape.join(", ")}]`);
    this.#taken.add(name);
    return tensor.read();
  }

  /** Marks weights that the user declares to be without effect. */
  ignore(name: string): void {
    this.require([name]);
    this.#taken.add(name);
  }

  /** Marks weights that are stored once together with one that was taken, under another name. */
  ignoreTwins(): void {
    const taken = new Set([...this.#taken].map((name) => this.#tensors.get(name)));
    for (const [name, tensor] of this.#tensors) if (taken.has(tensor)) this.#taken.add(name);
  }

  /** Names of the weights that nobody took. */
  get unused(): string[] {
    return this.names.filter((name) => !this.#taken.has(name));
  }

  /** @throws {CliError} that lists the weights that nobody took */
  checkAllTaken(): void {
    const { unused } = this;
    if (unused.length === 0) return;
    throw this.fail(
      `Weights that no layer uses: ${listNames(unused)}; known are nn.GRU, nn.GRUCell, nn.Linear, nn.Embedding, nn.BatchNorm1d, nn.PReLU and cells of wz, wr, w; describe others with --map`,
    );
  }

  fail(message: string): CliError {
    return new CliError(`${this.source}: ${message}`);
  }
}

/** Joins names for a message. */
export function listNames(names: readonly string[]): string {
  const shown = names.slice(0, MAX_NAMES).map(showKey).join(", ");
  return names.length > MAX_NAMES ? `${shown} and ${names.length - MAX_NAMES} more` : shown;
}
