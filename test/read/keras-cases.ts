import { readFileSync } from "node:fs";
import { serializeModel } from "../../host/model/model.ts";
import { loadModel } from "../../host/runtime/load.ts";
import { createRuntime } from "../../host/runtime/runtime.ts";
import { readKeras } from "../../tools/read/keras/index.ts";
import { type Network, toModel } from "../../tools/read/network.ts";
import { readNpz } from "../../tools/read/npz.ts";

const FOLDER = new URL("../vectors/", import.meta.url);

/** A case of tools/training/conformance/keras_cases.py or keras2_cases.py. */
export interface KerasCase {
  /** Name with the folder below `test/vectors/keras`, if it is in another: `../keras2/2.15/last`. */
  readonly name: string;
  readonly file: string;
  readonly steps: number;
}

/** A file of the cases. */
export const caseFile = (name: string): Uint8Array => new Uint8Array(readFileSync(new URL(`keras/${name}`, FOLDER)));

const casesIn = (folder: string): readonly KerasCase[] =>
  JSON.parse(new TextDecoder().decode(caseFile(`${folder}index.json`))).cases.map((one: KerasCase) => ({
    ...one,
    name: folder + one.name,
    file: folder + one.file,
  }));

/** What Keras 3 wrote. */
export const CASES = casesIn("");

/** What versions of Keras 2 wrote. */
export const CASES_2 = ["2.12", "2.15"].flatMap((version) => casesIn(`../keras2/${version}/`));

/** Reads the model of a case. */
export async function readCase({ name, file }: Omit<KerasCase, "steps">, options = {}) {
  const config = file.endsWith(".weights.h5") ? new TextDecoder().decode(caseFile(`${name}.json`)) : undefined;
  return readKeras(caseFile(file), { path: file, ...(config !== undefined && { config }), ...options });
}

/** What Keras computes: inputs and outputs, row by row. */
export function reference(name: string): { x: number[]; y: number[]; steps: number; outputs: number } {
  const arrays = readNpz(caseFile(`${name}.npz`), `${name}.npz`);
  const [x, y] = [arrays.get("x")!, arrays.get("y")!];
  return { x: [...x.data], y: [...y.data], steps: x.shape[0]!, outputs: y.shape[1]! };
}

/** The largest |difference| / max(1, |y|) between a network in the runtime and Keras; the last step only where Keras gives that. */
export async function errorOf(network: Network, name: string): Promise<number> {
  const { spec, tensors } = toModel(network, { name: "case" });
  const session = createRuntime(await loadModel(serializeModel(spec, tensors))).createSession();
  const { x, y } = reference(name);
  const result = session.run(x);
  const compared = result.slice(result.length - y.length);
  return Math.max(...y.map((value, i) => Math.abs(compared[i]! - value) / Math.max(1, Math.abs(value))));
}
