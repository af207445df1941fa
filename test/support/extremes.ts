import type { LayerSpec, ModelSpec, Tensor } from "../../host/model/types.ts";
import { type BuiltModel, buildModel, randomQ15Model, tensorOf } from "./models.ts";
import { integer, mulberry32, type Random } from "./random.ts";
import type { ShapeOptions } from "./shapes.ts";

const I16 = 32768;
const I32 = 2 ** 31 - 1;

/**
 * Makes a q15 model of a shape whose numbers lie anywhere within the bounds of FORMAT.md 5, often at their very ends: sums that fill
 * 32 bits, multipliers of 1 and 32767, shifts of 0 to 30. It computes nonsense, and every build must compute the same nonsense.
 */
export function extremeModel(options: ShapeOptions): BuiltModel {
  const random = mulberry32(options.seed ?? 1);
  const built = randomQ15Model(options);
  const layers = built.spec.layers.map((layer) => withShifts(layer, random));
  const tensors = new Map(built.tensors);
  const put = ({ dtype, shape }: Tensor, name: string, values: readonly number[]) =>
    tensors.set(name, tensorOf(dtype, shape, values));
  for (const [name, tensor] of built.tensors) {
    const count = tensor.data.length;
    const each = (min: number, max: number) => Array.from({ length: count }, () => draw(random, min, max));
    if (/\.[WU]$/.test(name)) {
      const limit = name === "skip.W" ? I16 - 1 : 127;
      const rows = Array.from({ length: tensor.shape[0] ?? 0 }, () => drawRow(random, tensor.shape[1] ?? 0, limit));
      put(
        tensor,
        name,
        rows.flatMap(({ weights }) => weights),
      );
      const biasName = name.replace(/W$/, "b").replace(/U$/, "c");
      const bias = built.tensors.get(biasName);
      if (bias) {
        put(
          bias,
          biasName,
          rows.map(({ room }) => draw(random, -room, room)),
        );
      }
    } else if (name.endsWith(".multiplier")) {
      put(tensor, name, multipliers(built.spec, name, count, random));
    } else if (name === "input.offset") {
      put(
        tensor,
        name,
        each(-(2 ** 30) + 1, 2 ** 30).map((value) => (random() < 0.8 ? value % 5000 : value)),
      );
    } else if (name === "output.offset") {
      // With a skip, both products may fill their half of an i32.
      const limit = options.skip ? 60_000 : 2 ** 30;
      put(tensor, name, each(-limit, limit));
    } else if (name === "embedding.weight") {
      put(tensor, name, each(-I16, I16 - 1));
    }
  }
  return buildModel({ ...built.spec, layers }, tensors);
}

/** An integer from min to max; one time in three an end. */
function draw(random: Random, min: number, max: number): number {
  const kind = random();
  if (kind < 1 / 6) return min;
  return kind < 1 / 3 ? max : integer(random, min, max);
}

/** Weights with the room that they leave for a bias. */
function drawRow(random: Random, columns: number, limit: number): { weights: number[]; room: number } {
  let room = I32;
  const isFull = random() < 0.3;
  const weights = Array.from({ length: columns }, () => {
    const most = Math.min(limit, Math.floor(room / I16));
    const weight = isFull ? (random() < 0.5 ? -most : most) : draw(random, -most, most);
    room -= I16 * Math.abs(weight);
    return weight;
  });
  return { weights, room };
}

function multipliers(spec: ModelSpec, name: string, count: number, random: Random): number[] {
  const layer = spec.layers[Number(name.split(".")[1])];
  const isHalf = name.endsWith(".U.multiplier") && layer?.kind === "gru" && layer.reset === "after";
  return Array.from({ length: count }, (_, row) =>
    draw(random, name === "skip.multiplier" ? 0 : 1, isHalf && row >= (2 * count) / 3 ? 16384 : 32767),
  );
}

function withShifts(layer: LayerSpec, random: Random): LayerSpec {
  const shift = () => (random() < 0.2 ? draw(random, 0, 30) : integer(random, 8, 16));
  if (layer.kind === "gru") return { ...layer, shift_x: shift(), shift_h: shift() };
  return layer.shift_x === undefined ? layer : { ...layer, shift_x: shift() };
}
