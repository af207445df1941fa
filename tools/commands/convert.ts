import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import path from "node:path";
import { createRuntime, loadModel, serializeModel } from "../../host/runtime/index.ts";
import { version } from "../../package.json";
import { CliError, UsageError } from "../errors.ts";
import { readFileIfExists, readUserFile, writeFileAtomic } from "../files.ts";
import { hasColors, type Io } from "../io.ts";
import { joinLines } from "../print.ts";
import { detectFramework, type Framework } from "../read/detect.ts";
import { type ModelNames, type Network, toModel } from "../read/network.ts";
import type { OnnxPlan } from "../read/onnx/plan.ts";
import { FRAMEWORKS } from "../read/pytorch/frameworks.ts";
import { describeNetwork } from "../read/text.ts";
import { attachReference } from "../verify/attach.ts";
import { chooseByReference } from "../verify/choose.ts";
import { INSTALL_ONNXRUNTIME, loadOnnxRuntime } from "../verify/onnxruntime.ts";
import type { Sequence } from "../verify/reference.ts";
import { runOnnx } from "../verify/run-onnx.ts";
import { compareWithSource } from "../verify/source.ts";
import { renderComparison } from "../verify/text.ts";
import { readReferenceFile } from "./verify.ts";

export interface ConvertArgs {
  readonly source: string;
  readonly output: string;
  readonly name?: string;
  /** Names separated by commas. */
  readonly inputs?: string;
  readonly outputs?: string;
  /** File with what the source framework answers. */
  readonly reference?: string;
  /** PyTorch: `name=activation` each. */
  readonly activation?: readonly string[];
  /** PyTorch: names of the layers in their order, separated by commas. */
  readonly layers?: string;
  /** PyTorch: key of the dictionary of weights in a checkpoint with several. */
  readonly weights?: string;
  /** PyTorch: file that describes the model. */
  readonly map?: string;
  /** Keras: file with the text of model.to_json(). */
  readonly config?: string;
  /** ONNX: the source is an nn.GRU, whatever the file says. */
  readonly assumeTorchGru?: boolean;
  /** ONNX: false leaves the source unrun. */
  readonly run?: boolean;
  readonly allowApproximate?: boolean;
  /** Greatest |difference| / max(1, |expected|) that passes. */
  readonly tolerance?: number;
}

interface ReadResult {
  readonly network: Network;
  readonly names?: Partial<ModelNames>;
  /** How to run the source: ONNX only. */
  readonly plan?: OnnxPlan;
  /** SHA-256 of a source of several files. */
  readonly sha256?: string;
}

interface Reader {
  readonly label: string;
  /** Options that the reader knows. */
  readonly options: readonly (keyof ConvertArgs)[];
  read(bytes: Uint8Array, args: ConvertArgs): Promise<ReadResult>;
}

const READERS: Readonly<Record<Framework | "folder", Reader>> = {
  pytorch: { label: "PyTorch", options: ["activation", "layers", "map", "weights"], read: readPytorchSource },
  keras: { label: "Keras", options: ["config", "allowApproximate"], read: readKerasSource },
  folder: { label: "Keras", options: ["config", "allowApproximate"], read: readFolder },
  onnx: { label: "ONNX", options: ["assumeTorchGru", "allowApproximate", "run"], read: readOnnxSource },
};
const FRAMEWORK_OPTIONS = [
  "activation",
  "layers",
  "map",
  "weights",
  "config",
  "assumeTorchGru",
  "allowApproximate",
  "run",
] as const;

/**
 * Turns a model of PyTorch, Keras or ONNX into a model file. With a reference, the model must compute what the source framework does,
 * and carries the reference as its self-test; otherwise nothing is written.
 *
 * @throws {CliError} when the source is damaged or not understood completely, or the model differs from its reference
 */
export async function runConvert(args: ConvertArgs, io: Io): Promise<void> {
  if (path.resolve(args.source) === path.resolve(args.output)) {
    throw new UsageError(`--output: ${args.output} is the source, expected another file`);
  }
  const isFolder = existsSync(path.join(args.source, "saved_model.pb"));
  const bytes = isFolder ? new Uint8Array() : readUserFile(args.source);
  const reader = isFolder ? READERS.folder : READERS[detectFramework(bytes, args.source)];
  // `--no-run` is what makes `run` false; otherwise it is true.
  const isGiven = (option: keyof ConvertArgs) => args[option] !== undefined && !(option === "run" && args.run);
  const foreign = FRAMEWORK_OPTIONS.find((option) => isGiven(option) && !reader.options.includes(option));
  if (foreign !== undefined) {
    const flag = foreign === "run" ? "no-run" : foreign.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    throw new UsageError(`--${flag}: Not for ${reader.label} models, and ${args.source} is one`);
  }
  const source = await reader.read(bytes, args);
  const { network, names } = source;
  const label = FRAMEWORKS.find((name) => name === args.map) ?? reader.label;
  const { spec, tensors } = toModel(
    network,
    completeNames(args, network, names ?? {}, label, source.sha256 ?? sha256(bytes)),
  );
  const bare = serializeModel(spec, tensors);
  const run = reader === READERS.onnx ? await runSource(bare, source, args, io) : { bytes: bare, lines: [] };
  const proof = args.reference === undefined ? run : await prove(bare, args.reference, network, args.tolerance, io);
  const result = proof.bytes;
  const model = await loadModel(result);
  await writeFileAtomic(args.output, result);
  const lines = [
    `${args.output}: ${model.id}, ${model.bytes} bytes, from ${label}`,
    ...describeNetwork(network),
    ...(proof === run ? [] : proof.lines),
    ...run.lines,
    model.spec.selftest
      ? `self-test: ${model.spec.selftest.steps} steps`
      : `self-test: none; ${args.reference === undefined ? "--reference proves that the model computes the same" : "every sequence of the reference has more than 4096 steps before its answer"}`,
  ];
  io.stdout.write(joinLines(lines));
}

async function readPytorchSource(bytes: Uint8Array, args: ConvertArgs): Promise<ReadResult> {
  const { readPytorch } = await import("../read/pytorch/index.ts");
  const { reference } = args;
  const framework = FRAMEWORKS.find((name) => name === args.map);
  return readPytorch(bytes, {
    source: args.source,
    command: commandOf(args),
    ...(args.weights !== undefined && { weights: args.weights }),
    ...(reference !== undefined && {
      choose: (choices) => chooseByReference(choices, readUserFile(reference), reference),
    }),
    ...(args.layers !== undefined && { layers: args.layers.split(",").map((name) => name.trim()) }),
    ...(args.activation && { activations: args.activation }),
    ...(framework !== undefined && { framework }),
    ...(args.map !== undefined && framework === undefined && { map: { text: readText(args.map), source: args.map } }),
  });
}

/** Greatest size of a map or of a configuration beside weights, bytes. */
const MAX_TEXT_BYTES = 2 ** 24;

const readText = (file: string): string => new TextDecoder().decode(readUserFile(file, { maxBytes: MAX_TEXT_BYTES }));

/** The command line that was given, without what the PyTorch reader asks for. */
function commandOf(args: ConvertArgs): string {
  const quote = (text: string) => (/^[\w./:=,+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);
  const options = (["name", "inputs", "outputs", "reference", "weights", "map"] as const).flatMap((option) => {
    const value = args[option];
    return value === undefined ? [] : [`--${option} ${quote(value)}`];
  });
  return ["rivulet convert", quote(args.source), "-o", quote(args.output), ...options].join(" ");
}

async function readKerasSource(bytes: Uint8Array, args: ConvertArgs): Promise<ReadResult> {
  const { readKeras } = await import("../read/keras/index.ts");
  return readKeras(bytes, kerasOptions(args));
}

const kerasOptions = (args: ConvertArgs) => ({
  path: args.source,
  readBeside: (name: string) => readUserFile(path.join(path.dirname(args.source), name)),
  ...(args.config !== undefined && { config: readText(args.config) }),
  ...(args.allowApproximate === true && { allowApproximate: true }),
});

/** A SavedModel; its SHA-256 is that of the lines that sha256sum writes of the files that were read. */
async function readFolder(_bytes: Uint8Array, args: ConvertArgs): Promise<ReadResult> {
  const { readKerasFolder } = await import("../read/keras/index.ts");
  const sums = new Map<string, string>();
  const read = (name: string) => {
    const bytes = readFileIfExists(path.join(args.source, name));
    if (bytes !== undefined) sums.set(name, sha256(bytes));
    return bytes;
  };
  const source = await readKerasFolder(read, kerasOptions(args));
  const lines = [...sums].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, sum]) => `${sum}  ${name}\n`);
  return { ...source, sha256: sha256(lines.join("")) };
}

const sha256 = (content: Uint8Array | string): string => createHash("sha256").update(content).digest("hex");

async function readOnnxSource(bytes: Uint8Array, args: ConvertArgs): Promise<ReadResult> {
  const { readOnnx } = await import("../read/onnx/index.ts");
  return readOnnx(bytes, {
    path: args.source,
    ...(args.assumeTorchGru === true && { assumeTorchGru: true }),
    ...(args.allowApproximate === true && { allowApproximate: true }),
  });
}

function completeNames(
  args: ConvertArgs,
  network: Network,
  names: Partial<ModelNames>,
  label: string,
  sourceSha256: string,
): ModelNames {
  const stem = path.basename(args.source).replace(/(\.weights)?\.[^.]+$/, "");
  const fallback = stem.replace(/[^A-Za-z0-9_.-]+/g, "_").slice(0, 64) || "model";
  const outputs = network.layers.at(-1)?.size ?? 0;
  return {
    ...names,
    name: args.name ?? names.name ?? fallback,
    ...(args.inputs !== undefined && { inputs: parseNames(args.inputs, network.inputs, "inputs") }),
    ...(args.outputs !== undefined && { outputs: parseNames(args.outputs, outputs, "outputs") }),
    provenance: {
      framework: label,
      ...names.provenance,
      source: path.basename(args.source),
      source_sha256: sourceSha256,
      converter: `rivulet ${version}`,
    },
  };
}

function parseNames(text: string, count: number, option: string): { name: string }[] {
  const names = text.split(",").map((name) => name.trim());
  if (names.length !== count) throw new UsageError(`--${option}: Found ${names.length} names, the model has ${count}`);
  if (new Set(names).size < count || names.includes("")) {
    throw new UsageError(`--${option}: Names are empty or stand twice, expected ${count} different ones`);
  }
  return names.map((name) => ({ name }));
}

/** Compares the model with its reference; answers the model with the reference as self-test. */
async function prove(
  bytes: Uint8Array,
  reference: string,
  network: Network,
  tolerance: number | undefined,
  io: Io,
): Promise<Run> {
  const model = await loadModel(bytes);
  const given = await readReferenceFile(reference, model.spec);
  const { comparison, sequences, lines, hint } = compareWithSource(createRuntime(model), given, network, tolerance);
  io.stdout.write(renderComparison(`${model.id} against ${reference}`, comparison, hasColors(io)));
  if (!comparison.passed) {
    const text = hint === undefined ? "" : `. ${hint}`;
    throw new CliError(
      `${reference}: The converted model does not compute what the source does; nothing is written${text}`,
    );
  }
  return { bytes: attachReference(model, sequences, { tolerance: comparison.tolerance }), lines };
}

/** What came of running the source. */
interface Run {
  /** The model, with the source's answers as self-test where there are some. */
  readonly bytes: Uint8Array;
  readonly lines: readonly string[];
}

/**
 * Compares the model with what its ONNX source answers in onnxruntime, where that is installed and can run it.
 *
 * @throws {CliError} when they differ and no substitution explains it
 */
async function runSource(bytes: Uint8Array, source: ReadResult, args: ConvertArgs, io: Io): Promise<Run> {
  const unrun = (why: string): Run => ({ bytes, lines: [`source: not run, ${why}`] });
  if (args.run === false) return unrun("as --no-run asks");
  if (args.assumeTorchGru) return unrun("since --assume-torch-gru says that it computes something else than the model");
  const runtime = await loadOnnxRuntime();
  if (!runtime) return unrun(`onnxruntime-node is not installed; \`${INSTALL_ONNXRUNTIME}\` lets it be checked`);
  let sequences: Sequence[];
  try {
    sequences = await runOnnx(runtime, source, args.source);
  } catch (error) {
    if (error instanceof CliError) return unrun(error.message);
    throw error;
  }
  const model = await loadModel(bytes);
  const { comparison } = compareWithSource(createRuntime(model), sequences, source.network, args.tolerance);
  const { substitutions } = source.network;
  io.stdout.write(
    renderComparison(`${model.id} against ${args.source} in onnxruntime ${runtime.version}`, comparison, hasColors(io)),
  );
  const { tolerance } = comparison;
  if (comparison.passed) return { bytes: attachReference(model, sequences, { tolerance }), lines: [] };
  if (substitutions.length > 0) return { bytes, lines: ["source: differs, as --allow-approximate allows"] };
  throw new CliError(
    `${args.source}: The converted model does not compute what the source does in onnxruntime; nothing is written (--no-run writes it unchecked)`,
  );
}
