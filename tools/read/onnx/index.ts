// Reads an ONNX file (github.com/onnx/onnx, docs/IR.md) as a network: opsets 7 to 22, one chain of layers from input to output.

import { realpathSync } from "node:fs";
import { dirname, isAbsolute, join, relative, sep } from "node:path";
import { MAX_FILE_BYTES } from "../../../host/model/limits.ts";
import { FileRefusal, readRegularFile } from "../../../host/regular-file.ts";
import { CliError } from "../../errors.ts";
import { inOneLine } from "../message.ts";
import type { ModelNames, Network } from "../network.ts";
import { int64 } from "../protobuf.ts";
import { buildNetwork } from "./layers.ts";
import { type OnnxPlan, planOf } from "./plan.ts";
import { decodeModel } from "./proto.ts";
import type { ReadExternal } from "./tensors.ts";
import { MAX_ELEMENTS } from "./values.ts";
import { walk } from "./walk.ts";

/** How to read an ONNX file. */
export interface OnnxOptions {
  /** Path of the file, for messages and to find its external data beside it. */
  readonly path: string;
  /** Gives the bytes of an external data file; by default it is read from the folder of `path`. */
  readonly readExternal?: ReadExternal;
  /** Takes GRU nodes of PyTorch as reset-after whatever their linear_before_reset says. */
  readonly assumeTorchGru?: boolean;
  /** Allows substitutions, which the network lists. */
  readonly allowApproximate?: boolean;
}

/** What an ONNX file is. */
export interface OnnxSource {
  readonly network: Network;
  readonly names: Partial<ModelNames>;
  /** How to run the file; undefined when the axes of its output are not known. */
  readonly plan?: OnnxPlan;
}

const OPSETS = { least: 7, greatest: 22 };

/**
 * Reads the bytes of an ONNX model as a network.
 *
 * @throws {CliError} for a file that is damaged, and for anything in it that cannot be honoured exactly
 */
export async function readOnnx(bytes: Uint8Array, options: OnnxOptions): Promise<OnnxSource> {
  return inOneLine(() => read(bytes, options));
}

function read(bytes: Uint8Array, options: OnnxOptions): OnnxSource {
  const { path } = options;
  if (bytes.length > MAX_FILE_BYTES)
    throw new CliError(`${path} has ${bytes.length} bytes; at most ${MAX_FILE_BYTES} are read`);
  const model = decodeModel(bytes, path);
  const version = model.opsetImport.find(({ domain }) => domain === "" || domain === "ai.onnx")?.version;
  const opset = int64(version);
  if (!(opset >= OPSETS.least && opset <= OPSETS.greatest)) {
    const found = version === undefined ? "names no opset" : `has opset ${opset}`;
    throw new CliError(
      `${path} ${found}; opsets ${OPSETS.least} to ${OPSETS.greatest} are read: export it with opset_version=20`,
    );
  }
  if (model.graph.sparseInitializer.length > 0)
    throw new CliError(`${path} has sparse weights; save it with dense ones`);
  const substitutions: string[] = [];
  const walked = walk(model.graph, {
    path,
    opset,
    producer: model.producerName,
    assumeTorchGru: options.assumeTorchGru ?? false,
    allowApproximate: options.allowApproximate ?? false,
    readExternal: cached(options.readExternal ?? ((location) => readBeside(path, location))),
    substitutions,
    budget: { left: MAX_ELEMENTS },
  });
  const producer = `${model.producerName} ${model.producerVersion}`
    .trim()
    .replaceAll(/\p{Cc}/gu, " ")
    .slice(0, 64);
  const plan = planOf(model.graph, walked);
  const { notes, precision } = walked;
  return {
    network: { ...buildNetwork(walked.output, path, substitutions), notes, ...(precision && { precision }) },
    ...(plan && { plan }),
    names: { provenance: { source: `onnx opset ${opset}`, ...(producer && { producer }) } },
  };
}

function cached(read: ReadExternal): ReadExternal {
  const files = new Map<string, Uint8Array>();
  return (location) => {
    const bytes = files.get(location) ?? read(location);
    files.set(location, bytes);
    return bytes;
  };
}

/** Reads a data file in the folder of the model. A link that leads out of the folder is no file beside the model. */
function readBeside(path: string, location: string): Uint8Array {
  const file = join(dirname(path), location);
  const refuse = (text: string, cause?: unknown) =>
    new CliError(`${file}, which holds weights of ${path}, ${text}`, { cause });
  try {
    const inside = relative(realpathSync(dirname(path)), realpathSync(file));
    if (inside === ".." || inside.startsWith(`..${sep}`) || isAbsolute(inside)) {
      throw refuse("is a link out of the model's folder; copy the file itself beside the model");
    }
    return readRegularFile(file, MAX_FILE_BYTES);
  } catch (cause) {
    if (cause instanceof CliError) throw cause;
    if (cause instanceof FileRefusal) throw refuse(`cannot be used: ${cause.message}`, cause);
    throw refuse("cannot be read; copy it beside the model", cause);
  }
}
