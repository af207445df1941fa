// A model beside the readings that a detector is calibrated with: what it predicts of each, and whether that beats AR(8).

import { arErrors } from "../../host/detect/fit.ts";
import { mean } from "../../host/detect/statistics.ts";
import { forecastsOf } from "../../host/model/forecasts.ts";
import { rawOf } from "../../host/model/integers.ts";
import type { Model } from "../../host/model/types.ts";
import { createRuntime, type Session } from "../../host/runtime/index.ts";

/** Share of the rows to which AR(8) is fitted for the comparison; errors are of the rest. */
const FITTED = 0.7;
/** A model whose error is not this much less than that of AR(8) is left out: it costs a warm-up. */
export const LEAST_SKILL = 0.05;

/** Steps a model through readings and answers what it had predicted for them. */
export class Predictor {
  /** Per input, the output that forecasts it one step ahead; -1 where none does. */
  readonly outputs: readonly number[];
  readonly #session: Session;
  readonly #warmup: number;
  #steps = 0;

  constructor({ detector: _, ...model }: Model) {
    const { spec } = model;
    const forecasts = spec.horizon === 1 ? forecastsOf(spec) : [];
    this.outputs = spec.inputs.map((_, index) => forecasts.find(({ input }) => input === index)?.output ?? -1);
    this.#session = createRuntime(model).createSession();
    this.#warmup = spec.warmup;
  }

  /** Takes a row; writes what the model had not expected of each input, in its unit, NaN where it expected nothing. */
  take(values: ArrayLike<number>, residuals: Float64Array): void {
    this.#session.step(values);
    this.#steps++;
    const found = this.#steps > this.#warmup + 1 ? this.#session.residual : [];
    for (const [c, output] of this.outputs.entries()) residuals[c] = found[output] ?? Number.NaN;
  }
}

/** What a channel's residual is of, and why. */
export interface ResidualChoice {
  /** Raw residuals of the model, where it has skill. */
  readonly residuals: Float64Array | undefined;
  /** 1 - error of the model / error of AR(8); undefined where the model predicts nothing of the channel. */
  readonly skill: number | undefined;
}

/**
 * Decides between a model and AR(8) by their mean absolute errors on the last 30 % of the rows, which AR(8) was not fitted to.
 *
 * @param raw        raw readings
 * @param residuals  of the model, in the channel's unit, NaN where there is none
 */
export function chooseResidual(raw: Float64Array, residuals: Float64Array, fraction: number): ResidualChoice {
  const fitted = Math.floor(FITTED * raw.length);
  const own = residuals.map((value) => (Number.isNaN(value) ? value : rawOf(value, fraction)));
  const known = own.subarray(fitted).filter((value) => !Number.isNaN(value));
  if (known.length < 0.9 * (raw.length - fitted)) return { residuals: undefined, skill: undefined };
  const [ofModel, ofAr] = [known, arErrors(raw, fitted)].map((errors) => mean(errors.map(Math.abs)));
  // A channel that AR(8) predicts to the unit leaves nothing to win.
  const skill = ofAr === 0 ? 0 : Math.max(-99, Number((1 - (ofModel as number) / (ofAr as number)).toFixed(3)));
  return { residuals: skill >= LEAST_SKILL ? own : undefined, skill };
}
