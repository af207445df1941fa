// Errors of the models and of the baselines on held-out rows, side by side.

import type { Skill, SkillRow } from "../../host/model/types.ts";
import { type Errors, type Forecaster, measure, type OnAnswer } from "./evaluate.ts";
import type { Piece } from "./pieces.ts";
import type { View } from "./prepare.ts";

/** Digits of an error in the model file. */
const DIGITS = 6;

/**
 * Measures all forecasters over the same held-out steps.
 *
 * @param named     the model itself first
 * @param onAnswer  hears the answers of the model itself
 */
export function measureSkill(
  view: View,
  pieces: readonly Piece[],
  named: ReadonlyMap<string, Forecaster>,
  onAnswer?: OnAnswer,
): Skill {
  // `measure` tells the answers of the last one.
  const entries = [...named].reverse();
  const errors = measure(
    view,
    pieces,
    entries.map(([, forecaster]) => forecaster),
    onAnswer,
  );
  const table = entries.map(([name], index) => rowOf(name, errors[index] as Errors)).reverse();
  return { rows: errors[0]?.steps ?? 0, table };
}

function rowOf(name: string, { mae, rmse }: Errors): SkillRow {
  const rounded = (values: Float64Array) => Array.from(values, (value) => Number(value.toPrecision(DIGITS)));
  return { name, mae: rounded(mae), rmse: rounded(rmse) };
}

/**
 * Mean over the outputs of squared errors, each as a share of that of another row.
 *
 * @returns below 1: better than the other
 */
export function shareOf({ rmse = [] }: SkillRow, other: SkillRow): number {
  const shares = rmse.map((error, o) => {
    const base = other.rmse?.[o] as number;
    return base === 0 ? (error === 0 ? 1 : 2) : (error / base) ** 2;
  });
  return shares.reduce((sum, share) => sum + share, 0) / shares.length;
}
