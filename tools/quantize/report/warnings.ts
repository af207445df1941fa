// What an engineer should not overlook in a report.

import { LONGEST_STATE } from "./layers.ts";
import { percent } from "./outputs.ts";
import type { InputReport, LayerReport, OutputReport, WeightError } from "./types.ts";

/** int8 rounding of a usual row leaves 45 dB; below this a few large weights drown the others. */
const LEAST_SNR_DB = 25;

/** Part of sums, or of inputs, that may be clamped before it is told. */
const SATURATED = 0.001;

/** Growth of the error over the long run that is told. */
const DRIFT = 2;

/** A forecast may become worse by this, percent. */
const MAE_INCREASE = 1;

/** An rms error beyond this part of the output's range is told, percent. */
const RMS_PERCENT = 2;

/** A growing error below this part of the output's range is not told, percent. */
const NOTABLE_PERCENT = 0.5;

/** Error on held-out data that is this many times the one on calibration data is told. */
const HELD_OUT = 3;

/** The parts of a report that warnings are drawn from. */
export interface Findings {
  readonly inputs: readonly InputReport[];
  readonly layers: readonly LayerReport[];
  readonly skip?: WeightError;
  readonly outputs: readonly OutputReport[];
}

/** Lists what is out of the ordinary, one sentence each. */
export function findWarnings({ inputs, layers, skip, outputs }: Findings): string[] {
  return [
    ...inputs.flatMap(inputWarnings),
    ...layers.flatMap(layerWarnings),
    ...(skip ? snrWarnings("The skip", skip) : []),
    ...outputs.flatMap(outputWarnings),
  ];
}

const short = (value: number) => String(Number(value.toPrecision(3)));

function inputWarnings({ name, samples, beyondRange, saturated }: InputReport): string[] {
  if (saturated > SATURATED * samples) {
    return [`Input "${name}" saturates int16 in ${saturated} of ${samples} samples; widen its range`];
  }
  if (beyondRange <= SATURATED * samples) return [];
  return [`Input "${name}" is beyond its range in ${beyondRange} of ${samples} samples; calibrate with more data`];
}

function layerWarnings(layer: LayerReport): string[] {
  const name = `Layer ${layer.index}`;
  const warnings = layer.weights.flatMap((error) => snrWarnings(name, error));
  const { saturation, memory } = layer;
  if (saturation.sums > SATURATED * saturation.sumCount) {
    warnings.push(`${name}: ${saturation.sums} of ${saturation.sumCount} sums are clamped to int16`);
  }
  if (layer.kind === "dense" && saturation.preactivations > SATURATED * saturation.preactivationCount) {
    const { preactivations, preactivationCount } = saturation;
    warnings.push(`${name}: ${preactivations} of ${preactivationCount} pre-activations are clamped to int16`);
  }
  if (memory === undefined) return warnings;
  const { slowest } = memory;
  if (memory.tooLong > 0) {
    // A change of the state below half a unit of 2^-15 rounds away.
    const stuck = Math.min(100, (100 * slowest.f32) / 65536);
    warnings.push(
      `${name}: int16 state is coarse for ${memory.tooLong} of ${layer.size} units that remember more than ${LONGEST_STATE} steps; ` +
        `unit ${slowest.unit} remembers ${short(slowest.f32)} and stops up to ${short(stuck)} % short of where it goes`,
    );
  }
  if (memory.changed > 0) {
    warnings.push(
      `${name}: int8 weights are coarse for the memory of ${memory.changed} of ${layer.size} units, which changes by more than 10 %; ` +
        `unit ${slowest.unit} remembers ${short(slowest.f32)} steps in f32 and ${short(slowest.q15)} in q15`,
    );
  }
  return warnings;
}

function snrWarnings(name: string, { tensor, gate, snrDb }: WeightError): string[] {
  if (snrDb === null || snrDb >= LEAST_SNR_DB) return [];
  const which = gate === undefined ? tensor : `${tensor} of gate ${gate}`;
  return [`${name}: the weights ${which} have an SNR of ${short(snrDb)} dB, expected at least ${LEAST_SNR_DB}`];
}

function outputWarnings({ name, calibration, heldOut, drift }: OutputReport): string[] {
  const warnings: string[] = [];
  const worst = Math.max(calibration.rmsPercent ?? 0, heldOut.rmsPercent ?? 0);
  if (worst > RMS_PERCENT) warnings.push(`Output "${name}" has an rms error of ${short(worst)} % of its range`);
  if (heldOut.rms > HELD_OUT * calibration.rms && (heldOut.rmsPercent ?? 0) > NOTABLE_PERCENT) {
    warnings.push(
      `Output "${name}" has an error of ${short(heldOut.rms)} on held-out data, ${short(calibration.rms)} on calibration data`,
    );
  }
  const increase = Math.max(
    calibration.forecast?.increasePercent ?? -Infinity,
    heldOut.forecast?.increasePercent ?? -Infinity,
  );
  if (increase > MAE_INCREASE) warnings.push(`Output "${name}" forecasts ${short(increase)} % worse than in f32`);
  if (drift.ratio !== null && drift.ratio > DRIFT && (percent(drift.last, calibration.span) ?? 100) > NOTABLE_PERCENT) {
    warnings.push(
      `Output "${name}" drifts: its error is ${short(drift.last)} at the end of ${drift.steps} steps, ${short(drift.first)} at their start`,
    );
  }
  return warnings;
}
