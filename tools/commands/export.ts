import { writeContainer } from "../../host/model/safetensors.ts";
import type { Tensor } from "../../host/model/types.ts";
import { type Exported, type ExportFormat, exportWeights } from "../export/layers.ts";
import { readModel, writeFileAtomic } from "../files.ts";
import type { Io } from "../io.ts";
import { joinLines } from "../print.ts";
import { writeNpz } from "../read/npz.ts";

export interface ExportArgs {
  readonly model: string;
  readonly output: string;
  readonly to: ExportFormat;
}

/**
 * Writes the weights of an f32 model in the order of a framework, and tells the layers that they belong to.
 *
 * @throws {CliError} when the model is not f32, or has a layer that the framework cannot express
 */
export async function runExport(args: ExportArgs, io: Io): Promise<void> {
  const model = await readModel(args.model, { verify: true });
  const exported = exportWeights(model, args.to);
  const bytes = args.to === "pytorch" ? toSafetensors(exported) : writeNpz(exported.tensors);
  await writeFileAtomic(args.output, bytes);
  const lines = [`${args.output}: ${exported.tensors.size} tensors of ${model.id}, ${bytes.length} bytes`];
  if (model.detector !== undefined) lines.push("the detector is no weight: it stays in the model file");
  io.stdout.write(joinLines([...lines, ...exported.layers.map((layer) => `  ${layer}`)]));
}

function toSafetensors({ tensors }: Exported): Uint8Array {
  const all = [...tensors].map(([name, tensor]): [string, Tensor] => [name, { dtype: "F32", ...tensor }]);
  // The key by which PyTorch's own tools know a state dict.
  return writeContainer({ metadata: new Map([["format", "pt"]]), tensors: new Map(all) });
}
