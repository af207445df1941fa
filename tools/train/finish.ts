// A trained network → a model file with everything that a deployment needs.

import { LEAST_ROWS } from "../../host/detect/calibrate.ts";
import { MAX_CHANNELS } from "../../host/detect/document.ts";
import { parseModel, serializeModel } from "../../host/model/model.ts";
import type { Model, Tensor } from "../../host/model/types.ts";
import { createRuntime } from "../../host/runtime/index.ts";
import { makeDetector } from "../detect/make.ts";
import { Predictor } from "../detect/model.ts";
import { choosePeriod } from "../detect/pace.ts";
import type { Data } from "./data/read.ts";
import { readRows, type Sequence } from "./data/sequences.ts";
import type { Piece } from "./pieces.ts";
import { readPiece } from "./pieces.ts";

const SELFTEST_STEPS = 64;
/** Readings that a detector is calibrated with: each takes 2 KB for that time, as measured. */
const MOST_READINGS = 40_000;
/** Rows of a sequence, in the mean, from which on sequences can stand one after the other: a detector sees each seam as a jump. */
const LEAST_MEAN_ROWS = 500;

/** Adds test vectors: the model's own answers to the first rows of some pieces. */
export function withSelftest(model: Model, { store }: Data, pieces: readonly Piece[]): Model {
  const I = model.spec.inputs.length;
  const samples: number[] = [];
  for (const piece of pieces) {
    const rows = readPiece(store, { ...piece, lead: 0 }, 0);
    for (let t = 0; t < piece.steps && samples.length < SELFTEST_STEPS * I; t++) {
      samples.push(...rows.subarray(t * store.width, t * store.width + I));
    }
  }
  const steps = samples.length / I;
  const answers = createRuntime(model).createSession().run(samples);
  const tensor = (values: ArrayLike<number>): Tensor => ({
    dtype: "F32",
    shape: [steps, values.length / steps],
    data: Float32Array.from(values),
  });
  const tensors = new Map(model.tensors).set("selftest.input", tensor(samples)).set("selftest.output", tensor(answers));
  return parseModel(serializeModel({ ...model.spec, selftest: { steps } }, tensors));
}

/** A model with its detector, or why it has none. */
export interface Watched {
  readonly model: Model;
  readonly bytes: Uint8Array;
  /** What is to be told of the detector. */
  readonly note: string;
}

/** Calibrates a detector with the latest rows of the data and puts it into the model, where that is possible. */
export function withDetector(model: Model, data: Data, alarmsPerWeek: number, name: string): Watched {
  const bare = (note: string): Watched => ({
    model,
    bytes: serializeModel(model.spec, model.tensors),
    note: `detector: none, ${note}`,
  });
  const { interval } = data;
  const count = model.spec.inputs.length;
  if (interval === undefined)
    return bare("how far rows are apart is not known; give --time COLUMN or --interval SECONDS");
  if (count > MAX_CHANNELS) return bare(`${count} inputs, at most ${MAX_CHANNELS} can be watched`);
  const rows = data.sequences.reduce((sum, sequence) => sum + sequence.rows, 0);
  if (rows < LEAST_ROWS) return bare(`${rows} rows, at least ${LEAST_ROWS} are needed`);
  if (data.sequences.length > 1 && rows / data.sequences.length < LEAST_MEAN_ROWS) {
    return bare(
      `sequences have ${Math.round(rows / data.sequences.length)} rows in the mean, at least ${LEAST_MEAN_ROWS} are needed; rivulet calibrate makes one of longer data`,
    );
  }
  const readings = gather(model, data);
  const period = choosePeriod({ data: name, period: "auto" }, interval, readings.columns[0]?.length ?? 0);
  const { bytes, choices } = makeDetector(
    {
      ...readings,
      inputs: model.spec.inputs.map((input) => input.name),
      interval,
      period,
      alarmsPerWeek,
      name: model.spec.name,
      data: name,
    },
    model,
  );
  const own = choices.filter((choice) => choice?.residuals !== undefined).length;
  const note = `detector: ${alarmsPerWeek} false ${alarmsPerWeek === 1 ? "alarm" : "alarms"} a week accepted; residuals of the model for ${own} of ${count} inputs`;
  return { model: parseModel(bytes), bytes, note };
}

/** The latest sequences one after the other, at most as many rows as a detector is calibrated with. */
function gather(model: Model, { store, sequences, interval }: Data) {
  const chosen: { sequence: Sequence; from: number }[] = [];
  const most = Math.floor(MOST_READINGS / model.spec.inputs.length);
  let total = 0;
  for (const sequence of [...sequences].reverse()) {
    if (total === most) break;
    const rows = Math.min(sequence.rows, most - total);
    chosen.unshift({ sequence, from: sequence.rows - rows });
    total += rows;
  }
  const columns = model.spec.inputs.map(() => new Float64Array(total));
  const residuals = model.spec.inputs.map(() => new Float64Array(total));
  const times = new Float64Array(total);
  const own = new Float64Array(columns.length);
  let at = 0;
  for (const { sequence, from } of chosen) {
    const predictor = new Predictor(model);
    const rows = readRows(store, sequence, from, sequence.rows - from);
    for (let t = 0; t < sequence.rows - from; t++, at++) {
      const values = rows.subarray(t * store.width, t * store.width + columns.length);
      predictor.take(values, own);
      for (const [c, column] of columns.entries()) {
        column[at] = values[c] as number;
        (residuals[c] as Float64Array)[at] = own[c] as number;
      }
      times[at] = (sequence.start ?? Number.NaN) + 1000 * (interval ?? 0) * (from + t);
    }
  }
  const isClocked =
    times.every((time, row) => row === 0 || time > (times[row - 1] as number)) && !Number.isNaN(times[0]);
  return { columns, residuals, times: isClocked ? times : undefined };
}
