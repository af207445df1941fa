// What a state block may hold (FORMAT.md 7): a snapshot whose CRC-32 is right may still come from a program that computed it
// over nonsense. A state beyond these bounds would answer NaN for ever, and a row beyond the ring would be written elsewhere.

import { RING_EXPECTED, RING_ROW, RING_STEPS } from "../../assembly/layout.ts";
import { SnapshotError } from "../model/errors.ts";
import { ringBytes } from "../model/forecasts.ts";
import { type Network, networkOf } from "../model/network.ts";
import type { Model } from "../model/types.ts";
import { align16 } from "./image.ts";
import { F32_LIMIT } from "./samples.ts";

/** Greatest |h| that is taken: 1, and what rounding may add to it in the long run. */
const H_LIMIT = 1 + 2 ** -10;
/** Greatest |h| in q15: every T(v) is less. */
const H_LIMIT_Q15 = 32767;
const F32_MAX = 3.4028234663852886e38;
const MOST_STEPS = 2 ** 32 - 1;

/** Reads the bounds of a state block: greatest |value| of each element of a part, repeated as often as it fits. */
interface Part {
  readonly name: string;
  readonly count: number;
  readonly limits: ArrayLike<number>;
}

/**
 * Checks a state block by the network's description.
 *
 * @param state  of a size that is right: with or without its ring
 * @throws {SnapshotError} at the first value that no step of this model could have left
 */
export function checkState(model: Model, state: Uint8Array): void {
  const view = new DataView(state.buffer, state.byteOffset, state.byteLength);
  const isFloat = model.spec.numeric === "f32";
  const elementBytes = isFloat ? 4 : 2;
  let at = 0;
  for (const { name, count, limits } of partsOf(model, networkOf(model.spec))) {
    for (let i = 0; i < count; i++) {
      const value = isFloat ? view.getFloat32(at + 4 * i, true) : view.getInt16(at + 2 * i, true);
      const limit = limits[i % limits.length] as number;
      // False for NaN as well.
      if (!(Math.abs(value) <= limit)) throw damaged(`element ${i} of ${name} is ${value}, expected at most ±${limit}`);
    }
    at = checkPadding(state, at + elementBytes * count);
  }
  if (at < state.length) checkRing(model, view, at);
}

function partsOf(model: Model, { skip, input, layers }: Network): Part[] {
  const isFloat = model.spec.numeric === "f32";
  const window: Part[] = skip
    ? [{ name: "the window", count: skip.w.columns, limits: isFloat ? inputLimits(model, input.size) : [32768] }]
    : [];
  const hidden = layers.flatMap(({ kind, size, name }): Part[] =>
    kind === "gru" ? [{ name: `h of ${name}`, count: size, limits: [isFloat ? H_LIMIT : H_LIMIT_Q15] }] : [],
  );
  return [...window, ...hidden];
}

/** Greatest |x| = |(sample - offset) * scale| of each input, and what rounding may add to it. */
function inputLimits(model: Model, size: number): number[] {
  const offset = model.tensors.get("input.offset")?.data;
  const scale = model.tensors.get("input.scale")?.data;
  return Array.from({ length: size }, (_, i) => {
    const greatest = (F32_LIMIT + Math.abs(offset?.[i] ?? 0)) * Math.abs(scale?.[i] ?? 1) * (1 + 2 ** -20);
    return Math.min(F32_MAX, greatest);
  });
}

function checkRing({ spec }: Model, view: DataView, at: number): void {
  const { horizon, numeric } = spec;
  const [steps, row] = [view.getUint32(at + RING_STEPS, true), view.getUint32(at + RING_ROW, true)];
  // Steps end at their greatest value; rows go on.
  const isRight = steps === MOST_STEPS ? row < horizon : row === steps % horizon;
  if (!isRight) throw damaged(`row ${row} of the ring of forecasts after ${steps} steps, of ${horizon} rows`);
  const end = at + ringBytes(spec);
  for (let value = at + RING_EXPECTED; numeric === "f32" && value < end; value += 4) {
    const found = view.getFloat32(value, true);
    if (!Number.isFinite(found)) throw damaged(`a forecast is ${found}`);
  }
  checkPadding(new Uint8Array(view.buffer, view.byteOffset, view.byteLength), end);
}

/** The kernels read whole vectors: padding that is not zero would count. Answers where the next part begins. */
function checkPadding(state: Uint8Array, from: number): number {
  const end = align16(from);
  for (let i = from; i < end; i++) if (state[i] !== 0) throw damaged("its padding is not zero");
  return end;
}

const damaged = (found: string): SnapshotError =>
  new SnapshotError(`Snapshot is damaged although its CRC-32 matches: ${found}`);
