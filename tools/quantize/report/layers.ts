// Both forms of the network side by side, layer by layer: state errors, memory and saturation.

import { Q15_UNIT } from "../../../host/model/integers.ts";
import type { Model } from "../../../host/model/types.ts";
import { F32Trace } from "../trace.ts";
import { IntegerForward } from "./integer.ts";
import type { MemoryReport, SaturationReport } from "./types.ts";

/** Mean memories beyond this, 1 - z below 16 · 2^-15, are coarse in int16: the state stops where z (h - n) rounds away. */
export const LONGEST_STATE = 2048;

/** From this mean memory on, a change of it matters. */
const LONG = 100;

/** A mean memory that q15 changes by more than this part is told. */
const CHANGE = 0.1;

/** Greatest number of values that a median is taken of. */
const MEDIAN_VALUES = 100_000;

/** What a trace tells of one layer. */
export interface LayerFacts {
  readonly saturation: SaturationReport;
  readonly memory?: MemoryReport;
  readonly state?: { readonly rms: number; readonly max: number };
}

/** Runs both forms over the first `steps` samples, f64[T][I]. */
export function traceLayers(f32: Model, q15: Model, samples: Float64Array, steps: number): LayerFacts[] {
  const [exact, rounded] = [new F32Trace(f32), new IntegerForward(q15)];
  const width = f32.spec.inputs.length;
  const observers = f32.spec.layers.map(({ kind, size }) =>
    kind === "gru" ? new GruObserver(size, steps) : undefined,
  );
  for (let t = 0; t < steps; t++) {
    const layers = exact.step(samples, t);
    rounded.step(samples.subarray(t * width, (t + 1) * width));
    for (const [index, { z, y }] of layers.entries()) observers[index]?.observe({ z, h: y }, rounded.view(index));
  }
  return observers.map((observer, index) => ({
    saturation: { ...rounded.view(index).saturation },
    ...observer?.facts(),
  }));
}

/** Gathers facts of one GRU layer step by step. */
class GruObserver {
  readonly #size: number;
  readonly #leakF32: Float64Array;
  readonly #leakQ15: Float64Array;
  readonly #memories: number[] = [];
  readonly #stride: number;
  #steps = 0;
  #least = 1;
  #squares = 0;
  #max = 0;

  constructor(size: number, steps: number) {
    this.#size = size;
    this.#leakF32 = new Float64Array(size);
    this.#leakQ15 = new Float64Array(size);
    this.#stride = Math.max(1, Math.ceil((steps * size) / MEDIAN_VALUES));
  }

  observe(
    f32: { readonly z: Float64Array; readonly h: Float64Array },
    q15: { readonly z: Int32Array; readonly h: Int32Array },
  ): void {
    for (let j = 0; j < this.#size; j++) {
      // A gate that rounds to 1 forgets nothing: no memory is infinite in a report.
      const leak = Math.max(1 - (f32.z[j] as number), Number.EPSILON);
      this.#least = Math.min(this.#least, leak);
      this.#leakF32[j] = (this.#leakF32[j] as number) + leak;
      this.#leakQ15[j] = (this.#leakQ15[j] as number) + 1 - (q15.z[j] as number) * Q15_UNIT;
      if ((this.#steps * this.#size + j) % this.#stride === 0) this.#memories.push(1 / leak);
      const error = Math.abs((q15.h[j] as number) * Q15_UNIT - (f32.h[j] as number));
      this.#squares += error * error;
      this.#max = Math.max(this.#max, error);
    }
    this.#steps++;
  }

  facts(): { memory: MemoryReport; state: { rms: number; max: number } } {
    const means = Array.from(this.#leakF32, (leak, unit) => ({
      unit,
      f32: this.#steps / leak,
      q15: this.#steps / (this.#leakQ15[unit] as number),
    }));
    const slowest = means.reduce((best, mean) => (mean.f32 > best.f32 ? mean : best));
    const sorted = this.#memories.sort((a, b) => a - b);
    return {
      memory: {
        longest: 1 / this.#least,
        median: sorted[Math.floor(sorted.length / 2)] as number,
        slowest,
        tooLong: means.filter(({ f32 }) => f32 > LONGEST_STATE).length,
        changed: means.filter(({ f32, q15 }) => f32 > LONG && Math.abs(q15 / f32 - 1) > CHANGE).length,
      },
      state: { rms: Math.sqrt(this.#squares / (this.#steps * this.#size)), max: this.#max },
    };
  }
}
