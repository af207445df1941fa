// `--map`: a description of a model whose weights have names or forms that the reader does not know.
//
//   layers:                            # in their order
//     - embedding: emb.weight          # only first
//     - gru:
//         reset: before                # after, before, or none: no reset gate, r = 1
//         update: candidate            # what z weighs; "state": h' = (1 - z) n + z h, "candidate": h' = (1 - z) h + z n, "none": h' = n
//         concat: hx                   # columns of `weight`: hx or xh
//         r: { weight: wr.weight, b: wr.bias }
//         z: { weight: wz.weight, b: wz.bias }
//         n: { W: w.x, U: w.h, b: w.bias, c: w.bias_h }
//     - gru: { order: zrn, reset: after, update: state, transpose: true, W: kernel, U: recurrent, b: bias }     # gates in one matrix
//     - dense: { W: fc.weight, b: fc.bias, activation: linear, transpose: false }
//     - norm: { mean: bn.running_mean, variance: bn.running_var, weight: bn.weight, bias: bn.bias, epsilon: 1e-5 }
//     - activation: relu
//   input: { offset: [1480], scale: [0.01] }       # (x - offset) * scale
//   output: { offset: [1480], scale: [100] }       # y * scale + offset
//   ignore: [ steps ]                              # weights without effect on the answers

import { type Document, parseDocument } from "yaml";
import { z } from "zod";
import { isNestedTooDeeply } from "../../../host/config/nesting.ts";
import { CliError } from "../../errors.ts";
import { FUNCTION_NAMES, parseFunction } from "../functions.ts";

const MAX_KEYS = 10_000;

const name = z.string().min(1);
const gate = z.strictObject({
  W: name.optional(),
  U: name.optional(),
  /** Over the concatenation that `concat` names. */
  weight: name.optional(),
  b: name.optional(),
  c: name.optional(),
});
const gru = z.strictObject({
  reset: z.enum(["after", "before", "none"]),
  /** What z weighs: h' = (1 - z) n + z h with "state", h' = (1 - z) h + z n with "candidate", h' = n with "none". */
  update: z.enum(["state", "candidate", "none"]),
  concat: z.enum(["hx", "xh"]).optional(),
  transpose: z.boolean().default(false),
  r: gate.optional(),
  z: gate.optional(),
  n: gate.optional(),
  order: z.string().optional(),
  ...gate.shape,
});
const functionName = z.string().refine((text) => parseFunction(text) !== undefined, {
  error: `expected one of ${FUNCTION_NAMES.join(", ")}`,
});
const dense = z.strictObject({
  W: name,
  b: name.optional(),
  activation: z.string().refine((text) => parseFunction(text) !== undefined || text === "prelu", {
    error: `expected one of ${FUNCTION_NAMES.join(", ")}, or prelu with slope`,
  }),
  /** Of prelu: the weight with a slope for all values or for each. */
  slope: name.optional(),
  transpose: z.boolean().default(false),
});
/** nn.BatchNorm1d: (x - mean) / sqrt(variance + epsilon) * weight + bias. */
const norm = z.strictObject({
  mean: name,
  variance: name,
  weight: name.optional(),
  bias: name.optional(),
  epsilon: z.number().positive().default(1e-5),
});
const layer = z.union([
  z.strictObject({ gru }),
  z.strictObject({ dense }),
  z.strictObject({ embedding: name }),
  z.strictObject({ norm }),
  z.strictObject({ activation: functionName }),
]);
const KINDS = ["gru", "dense", "embedding", "norm", "activation"];
const affine = z.strictObject({ offset: z.array(z.number()).min(1), scale: z.array(z.number().positive()).min(1) });
const schema = z.strictObject({
  layers: z.array(layer).min(1),
  input: affine.optional(),
  output: affine.optional(),
  ignore: z.array(name).default([]),
});

/** A description of a model, checked but not yet compared with its weights. */
export type ModelMap = z.infer<typeof schema>;
/** A GRU of a description. */
export type GruMap = z.infer<typeof gru>;
/** The weights of a gate, or of all gates. */
export type GateMap = z.infer<typeof gate>;
/** A dense layer of a description. */
export type DenseMap = z.infer<typeof dense>;
/** A BatchNorm of a description. */
export type NormMap = z.infer<typeof norm>;
/** Scales of inputs or outputs. */
export type AffineMap = z.infer<typeof affine>;

/**
 * Reads a description in YAML.
 *
 * @throws {CliError} with the place in the document
 */
export function parseMap(text: string, source: string): ModelMap {
  // The library compares every key of a mapping with every other.
  if ((text.match(/[:,?]/g)?.length ?? 0) > MAX_KEYS) {
    throw new CliError(`${source}: Has more than ${MAX_KEYS} keys, which no description of a model needs`);
  }
  const document = parseYaml(text, source);
  const [error] = document.errors;
  if (error !== undefined) throw new CliError(`${source}: ${describeYaml(error.message)}`);
  const plain = toPlain(document, source);
  refuseKinds(plain, source);
  const result = schema.safeParse(plain);
  if (result.success) return result.data;
  let [issue] = result.error.issues;
  while (issue?.code === "invalid_union") {
    const { path } = issue;
    const deepest = issue.errors.flat().sort((a, b) => b.path.length - a.path.length)[0];
    if (deepest === undefined) break;
    issue = { ...deepest, path: [...path, ...deepest.path] };
  }
  throw new CliError(`${source}: ${issue?.path.join(".") || "document"}: ${issue?.message ?? "not a map of a model"}`);
}

const TOO_DEEP = "The file is nested too deeply";

/** `logLevel`: a warning of the library would go to the terminal as it is. */
function parseYaml(text: string, source: string): Document {
  if (isNestedTooDeeply(text)) throw new CliError(`${source}: ${TOO_DEEP}`);
  try {
    return parseDocument(text, { logLevel: "error" });
  } catch (cause) {
    throw new CliError(`${source}: ${cause instanceof RangeError ? TOO_DEEP : "This is not YAML"}`, { cause });
  }
}

/** The library tells of nesting that it cannot follow as an overflow of its stack, or overflows it. */
function describeYaml(message: string): string {
  const line = message.split("\n", 1)[0] as string;
  return /call stack/.test(line) ? TOO_DEEP : line.replace(/:$/, "");
}

/** Of a union, zod cannot say what was meant: a layer is told by its one key. */
function refuseKinds(plain: unknown, source: string): void {
  const { layers } = (plain ?? {}) as { layers?: unknown };
  for (const [index, entry] of (Array.isArray(layers) ? layers : []).entries()) {
    const keys = typeof entry === "object" && entry !== null ? Object.keys(entry) : [String(entry)];
    if (keys.length === 1 && KINDS.includes(keys[0] as string)) continue;
    throw new CliError(
      `${source}: layers.${index}: Found ${keys.join(", ") || "nothing"}, expected one kind of layer: ${KINDS.join(", ")}`,
    );
  }
}

/** The document as plain objects, without aliases: a few lines of them could stand for a billion. */
function toPlain(document: Document, source: string): unknown {
  try {
    return document.toJS({ maxAliasCount: 0 });
  } catch (cause) {
    if (cause instanceof RangeError) throw new CliError(`${source}: ${TOO_DEEP}`, { cause });
    if (!(cause instanceof ReferenceError)) throw cause;
    throw new CliError(`${source}: Aliases (*name) are not allowed in a map; write the value again`, { cause });
  }
}
