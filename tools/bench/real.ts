// `npm run bench:real -- FILE`: how well the machine temperature model forecasts that machine, next to the last value and to a
// linear model of as many readings as the skip of the model sees.

import type { Numeric } from "../../host/model/types.ts";
import { inNumeric } from "../../host/quantize/in-memory.ts";
import { createRuntime } from "../../host/runtime/index.ts";
import { alignColumns } from "../columns.ts";
import { CliError } from "../errors.ts";
import { openInput, readModel } from "../files.ts";
import type { Io } from "../io.ts";
import { SampleReader } from "../samples/reader.ts";
import { forecastLinear } from "./linear.ts";

const MODEL = "models/machine-temperature.safetensors";
/** Share of the readings that the model was trained on, `TRAIN_SHARE` of tools/training/machine_temperature.py. */
const TRAIN_SHARE = 0.15;

/** Answers the readings of a CSV file with the model's one input as a column. */
async function readReadings(file: string, input: string, io: Io): Promise<number[]> {
  const { source, chunks } = openInput(file, io);
  const reader = new SampleReader({ source, inputs: [input], format: "csv" });
  const readings: number[] = [];
  const onSample = ([value]: Float64Array) => void readings.push(value as number);
  for await (const chunk of chunks) reader.push(chunk, onSample);
  reader.end(onSample);
  return readings;
}

/** Mean absolute and root mean square of the errors from reading `first` on; the forecast of reading t is `forecasts[t - 1]`. */
function errorCells(readings: readonly number[], forecasts: ArrayLike<number>, first: number): string[] {
  let [absolute, square] = [0, 0];
  for (let t = first; t < readings.length; t++) {
    const error = (readings[t] as number) - (forecasts[t - 1] as number);
    absolute += Math.abs(error);
    square += error * error;
  }
  const count = readings.length - first;
  return [(absolute / count).toFixed(4), Math.sqrt(square / count).toFixed(4)];
}

async function main(file: string | undefined, io: Io): Promise<void> {
  if (file === undefined) throw new CliError("Expected a CSV file: npm run bench:real -- FILE");
  const model = await readModel(MODEL, { verify: true });
  const [input] = model.spec.inputs;
  const readings = await readReadings(file, input?.name ?? "", io);
  const known = Math.floor(TRAIN_SHARE * readings.length);
  const lags = model.spec.skip?.length ?? 1;
  const forecast = (numeric: Numeric) => createRuntime(inNumeric(model, numeric)).createSession().run(readings);
  const rows = [
    ["f32", forecast("f32")],
    ["q15", forecast("q15")],
    ["last value", readings],
    [`linear, last ${lags} readings`, forecastLinear(readings, known, lags)],
  ] as const;
  const table = [
    ["", "MAE", "RMSE", "MAE unseen", "RMSE unseen"],
    ...rows.map(([name, forecasts]) => [
      name,
      ...errorCells(readings, forecasts, 1),
      ...errorCells(readings, forecasts, known),
    ]),
  ];
  io.stdout.write(
    `${model.id}, one step ahead, ${readings.length} readings; unseen: all but the first ${known}\n${alignColumns(table).join("\n")}\n`,
  );
}

const { stdout, stderr, env } = process;
try {
  await main(process.argv[2], { stdout, stderr, env, isTty: false });
} catch (error) {
  if (!(error instanceof CliError)) throw error;
  stderr.write(`error: ${error.message}\n`);
  process.exitCode = 1;
}
