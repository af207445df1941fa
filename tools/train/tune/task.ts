// A model that is there → what it answers, as columns of the data.

import type { Model } from "../../../host/model/types.ts";
import { CliError } from "../../errors.ts";
import type { Columns } from "../data/columns.ts";
import { regressTask, type Target, type Task } from "../task.ts";

/**
 * What a model is to be fitted to: forecasts of its inputs, or with a label the column of that name.
 *
 * @param file  of the model, for messages
 * @throws {CliError} when the model does not say what it forecasts
 */
export function tuneTask({ spec }: Model, columns: Columns, file: string): Task {
  const { outputs, horizon } = spec;
  if (columns.label !== undefined) {
    const [output, ...more] = outputs;
    if (output === undefined || more.length > 0) {
      throw new CliError(`--label: ${file} has ${outputs.length} outputs; a label is the answer of one`);
    }
    const task = regressTask(columns);
    return { ...task, targets: task.targets.map((target) => ({ ...target, name: output.name })) };
  }
  const targets = outputs.map(({ name, forecasts }): Target => {
    const found = forecasts === undefined ? aheadOf(name) : { input: forecasts, ahead: horizon };
    const column = columns.inputs.indexOf(found?.input ?? "");
    if (found === undefined || column < 0) {
      const how = outputs.length === 1 ? "; --label COLUMN names the column that it tells" : "";
      throw new CliError(`${file}: Output "${name}" does not say which input it forecasts${how}`);
    }
    return { name, column, ahead: found.ahead, ...(found.ahead === horizon && { forecasts: found.input }) };
  });
  return { kind: "forecast", targets, ahead: Math.max(...targets.map(({ ahead }) => ahead)), horizon };
}

/** Outputs of `rivulet train` beyond the first horizon say in their names what they are of. */
function aheadOf(name: string): { readonly input: string; readonly ahead: number } | undefined {
  const [, next, input, steps] = /^(?:next_(.+)|(.+)_in_(\d+))$/.exec(name) ?? [];
  if (next !== undefined) return { input: next, ahead: 1 };
  return input === undefined ? undefined : { input, ahead: Number(steps) };
}
