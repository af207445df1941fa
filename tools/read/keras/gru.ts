// GRU layers and cells of Keras. Gates are stacked as z, r, n columns: kernel [N][3H], recurrent_kernel [H][3H], bias [2][3H] (b and c)
// with reset_after, otherwise [3H].

import { CliError } from "../../errors.ts";
import { type GruLayer, withHardGates } from "../network.ts";
import { Attributes } from "./attributes.ts";
import type { Context } from "./context.ts";
import type { Hdf5Dataset } from "./hdf5.ts";
import type { LayerConfig } from "./layer-config.ts";
import { activationOf, checkShape, inner } from "./parts.ts";

/** A GRU layer. */
export function addGru(layer: LayerConfig, attributes: Attributes, context: Context): void {
  attributes.ignore("return_state");
  addSequence(layer, attributes, context);
  addCell(layer, attributes, "cell/", context);
}

/** An RNN around a GRUCell, or around several that follow one another in each step. */
export function addRnn(layer: LayerConfig, attributes: Attributes, context: Context): void {
  attributes.ignore("return_state");
  const cell = inner(layer, attributes, "cell", ["GRUCell", "StackedRNNCells"]);
  const cells = cell.className === "GRUCell" ? [{ named: cell, holder: "cell/" }] : stackedCells(layer, cell);
  addSequence(layer, attributes, context);
  for (const { named, holder } of cells) {
    const cellAttributes = new Attributes(named);
    addCell(named, cellAttributes, holder, context);
    cellAttributes.finish();
  }
}

/** The cells of a StackedRNNCells; their weights stand with the outer layer, numbered by class. */
function stackedCells(layer: LayerConfig, stack: LayerConfig): { named: LayerConfig; holder: string }[] {
  const { cells } = stack.attributes;
  if (!Array.isArray(cells) || cells.length === 0) throw new CliError(`${layer.where}: StackedRNNCells without cells`);
  return cells.map((cell: unknown, index) => {
    const attributes = new Attributes({ ...stack, attributes: { cell } });
    const named = inner(layer, attributes, "cell", ["GRUCell"]);
    const name = String(named.attributes.name);
    return {
      named: { ...named, owner: layer.owner ?? layer.name, weightsOf: name },
      holder: `cell/cells/gru_cell${index === 0 ? "" : `_${index}`}/`,
    };
  });
}

/** What concerns the sequence. */
function addSequence(layer: LayerConfig, sequence: Attributes, context: Context): void {
  if (context.rank !== 3) {
    throw new CliError(`${layer.where}: Reads the last output of a layer before it; set return_sequences=True there`);
  }
  sequence.refuseFlag(
    "go_backwards",
    "a reversed layer needs the future and cannot stream; train with go_backwards=False",
  );
  sequence.refuseFlag("time_major", "load the model with time_major=False and save it again");
  const returnsSequences = sequence.flag("return_sequences", false);
  if (layer.readsState || !returnsSequences) context.rank = 2;
  if (sequence.flag("stateful", false)) context.stateful.push(layer.name);
}

/** What concerns the step. */
function addCell(named: LayerConfig, cell: Attributes, holder: string, context: Context): void {
  cell.ignore("dropout", "recurrent_dropout");
  const activation = activationOf(cell, "activation");
  if (activation !== "tanh") throw cell.refusal("activation", 'only "tanh" is supported; train with the default');
  const isHard = hasHardGates(named, cell, context);
  const gru = gruLayer(named, cell, holder, context);
  context.builder.append(isHard ? withHardGates(gru, context.hardSlope, 0.5) : gru);
}

/** Whether the gates are hard_sigmoid; sigmoid takes its place when that is allowed. */
function hasHardGates(layer: LayerConfig, cell: Attributes, context: Context): boolean {
  const activation = activationOf(cell, "recurrent_activation");
  if (activation === "sigmoid") return false;
  if (activation !== "hard_sigmoid") {
    throw cell.refusal(
      "recurrent_activation",
      'only "sigmoid" and "hard_sigmoid" are supported; train with the default',
    );
  }
  if (!context.allowApproximate) return true;
  context.substitutions.push(
    `layer "${layer.name}" (${layer.className}): sigmoid in place of recurrent_activation hard_sigmoid`,
  );
  return false;
}

/** The weights of a GRU layer or cell, turned to rows in gate order rzn. */
function gruLayer(layer: LayerConfig, cell: Attributes, holder: string, { weights, builder }: Context): GruLayer {
  const H = cell.size("units");
  const useBias = cell.flag("use_bias", true);
  const names = ["kernel", "recurrent_kernel", ...(useBias ? ["bias"] : [])];
  const [kernel, recurrent, bias] = weights.take(layer, holder, names) as [Hdf5Dataset, Hdf5Dataset, Hdf5Dataset?];
  const N = builder.size ?? kernel.shape[0] ?? 0;
  checkShape(layer, "kernel", kernel, [N, 3 * H]);
  checkShape(layer, "recurrent_kernel", recurrent, [H, 3 * H]);
  // Keras before 2.1.4 has no reset_after, and computes what reset_after=False means.
  const resetAfter = cell.flag("reset_after", false);
  if (bias)
    checkShape(
      layer,
      `bias with reset_after=${resetAfter ? "True" : "False"}`,
      bias,
      resetAfter ? [2, 3 * H] : [3 * H],
    );
  const zero = new Float32Array(3 * H);
  return {
    kind: "gru",
    name: layer.name,
    size: H,
    reset: resetAfter ? "after" : "before",
    W: toRzn(kernel.values, N, H),
    U: toRzn(recurrent.values, H, H),
    b: bias ? toRzn(bias.values.subarray(0, 3 * H), 1, H) : zero,
    c: bias && resetAfter ? toRzn(bias.values.subarray(3 * H), 1, H) : zero,
  };
}

/** [N][3H] with columns z, r, n -> [3H][N] with rows r, z, n. */
function toRzn(values: Float32Array, N: number, H: number): Float32Array {
  const result = new Float32Array(3 * H * N);
  [H, 0, 2 * H].forEach((from, gate) => {
    for (let j = 0; j < H; j++) {
      for (let k = 0; k < N; k++) result[(gate * H + j) * N + k] = values[k * 3 * H + from + j] as number;
    }
  });
  return result;
}
