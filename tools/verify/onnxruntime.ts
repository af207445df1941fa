// onnxruntime-node is never installed with this package: 290 MB for a check that only ONNX sources have. Who has it, has the check.

import { createRequire } from "node:module";
import { CliError } from "../errors.ts";

/**
 * Installs it, in a project and in a checkout alike, from npm alone. Its install script would fetch parts for graphics cards from elsewhere.
 * In a checkout, which names it as an optional peer, plain `npm install` of it changes package.json and installs nothing.
 */
export const INSTALL_ONNXRUNTIME = "npm install --no-save --save-dev --ignore-scripts onnxruntime-node";

/** Elements as onnxruntime takes and gives them. */
export type OnnxData = Float32Array | Float64Array | Uint16Array | Int8Array | Uint8Array | Int32Array | BigInt64Array;

/** A tensor, row-major; float16 as its bits, or as numbers where the engine has a Float16Array. */
export interface OnnxTensor {
  readonly type: "float32" | "float64" | "float16" | "int8" | "uint8" | "int32" | "int64";
  readonly data: OnnxData;
  readonly dims: readonly number[];
}

/** A model that onnxruntime has loaded. */
export interface OnnxSession {
  run(feeds: Readonly<Record<string, OnnxTensor>>): Promise<Readonly<Record<string, OnnxTensor>>>;
  release(): Promise<void>;
}

/** The part of onnxruntime that is needed. */
export interface OnnxRuntime {
  readonly version: string;
  /**
   * Loads a model with the weights that lie beside it.
   *
   * @throws {CliError} when onnxruntime refuses it
   */
  open(path: string): Promise<OnnxSession>;
}

/** What is used of the module onnxruntime-node. */
interface OrtModule {
  readonly env: { readonly versions: { readonly node?: string } };
  readonly InferenceSession: { create(path: string, options: object): Promise<OrtSession> };
  readonly Tensor: new (type: string, data: OnnxData, dims: readonly number[]) => OnnxTensor;
}

interface OrtSession {
  run(feeds: object, options: object): Promise<Readonly<Record<string, OnnxTensor>>>;
  release(): Promise<void>;
}

/** Only what ends the process is worth a line of onnxruntime's own; the rest is thrown, and told once. */
const QUIET = { logSeverityLevel: 4 };

/** By Node's own rules, whatever bundles or runs this file. */
const requireOrt = (): unknown => createRequire(import.meta.url)("onnxruntime-node");

/**
 * Loads onnxruntime; undefined where it is not installed.
 *
 * @throws {CliError} when it is installed and does not load
 */
export async function loadOnnxRuntime(load: () => unknown = requireOrt): Promise<OnnxRuntime | undefined> {
  let loaded: OrtModule;
  try {
    loaded = load() as OrtModule;
  } catch (cause) {
    const { code, message } = cause as { code?: unknown; message?: unknown };
    if (code === "MODULE_NOT_FOUND" && String(message).includes("'onnxruntime-node'")) return undefined;
    throw new CliError(`onnxruntime-node does not load: ${reasonOf(cause)}; install it again, or pass --no-run`, {
      cause,
    });
  }
  const { env, InferenceSession, Tensor } = loaded;
  return {
    version: env.versions.node ?? "",
    async open(path) {
      const session = await refusing(path, () => InferenceSession.create(path, { ...QUIET, intraOpNumThreads: 1 }));
      return {
        run: (feeds) => {
          const tensors = Object.entries(feeds).map(([name, one]) => [name, new Tensor(one.type, one.data, one.dims)]);
          return refusing(path, () => session.run(Object.fromEntries(tensors), QUIET));
        },
        release: () => session.release(),
      };
    },
  };
}

async function refusing<T>(path: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (cause) {
    throw new CliError(`${path}: onnxruntime cannot run it: ${reasonOf(cause)}`, { cause });
  }
}

/** What was thrown, in one line. */
function reasonOf(thrown: unknown): string {
  const text = thrown instanceof Error ? thrown.message : String(thrown);
  return text.replaceAll(/\s+/g, " ").trim().slice(0, 200);
}
