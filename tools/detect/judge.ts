// A detector over the rows of a file, alone or with the model that it is in.

import { describeCause } from "../../host/detect/cause.ts";
import { Detector, type Verdict } from "../../host/detect/detector.ts";
import { type DetectorFile, detectorOf, parseDetector } from "../../host/detect/file.ts";
import { withoutClock } from "../../host/detect/parameters.ts";
import { expectationOf, toRaw } from "../../host/detect/real.ts";
import { checkTestResult, runDetectorTest } from "../../host/detect/selftest.ts";
import { withRate } from "../../host/detect/thresholds.ts";
import { ModelFormatError } from "../../host/model/errors.ts";
import { rawOf } from "../../host/model/integers.ts";
import { readContainer } from "../../host/model/safetensors.ts";
import type { Model } from "../../host/model/types.ts";
import { loadModel } from "../../host/runtime/index.ts";
import { CliError } from "../errors.ts";
import { readUserFile } from "../files.ts";
import { Predictor } from "./model.ts";

/** A detector, and the model whose file it is in. */
export interface Watched {
  readonly file: DetectorFile;
  readonly model?: Model;
}

/**
 * Reads a detector, alone or in a model file, and proves it by its test vectors.
 *
 * @throws {CliError} when the file holds none, or a damaged one
 */
export async function readWatched(path: string): Promise<Watched> {
  const bytes = readUserFile(path);
  try {
    if (readContainer(bytes).metadata.has("rivulet")) return fromModel(path, await loadModel(bytes));
    const file = parseDetector(bytes);
    checkTestResult(runDetectorTest(file));
    return { file };
  } catch (error) {
    if (error instanceof ModelFormatError) throw new CliError(`${path}: ${error.message}`, { cause: error });
    throw error;
  }
}

function fromModel(path: string, model: Model): Watched {
  const file = detectorOf(model);
  if (file !== undefined) return { file, model };
  throw new CliError(
    `${path}: The model holds no detector; make one with rivulet calibrate ${path} --data FILE -o OUTPUT`,
  );
}

/** Runs a detector over rows. */
export class Judge {
  readonly file: DetectorFile;
  readonly detector: Detector;
  readonly #predictor: Predictor | undefined;
  /** Of a model, in the unit of each channel. */
  readonly #residuals: Float64Array;
  readonly #rawResiduals: Float64Array;
  readonly #raw: Float64Array;
  readonly #single: Float32Array | undefined;
  #values: ArrayLike<number> = [];

  /**
   * @param isClocked  whether rows are numbered by the clock
   * @param alarmsPerWeek  by default what the detector was calibrated for
   */
  constructor({ file, model }: Watched, isClocked: boolean, alarmsPerWeek: number = file.spec.alarmsPerWeek) {
    const { spec } = file;
    const parameters = isClocked ? file.parameters : withoutClock(file.parameters);
    const tracker = withRate(parameters.tracker, alarmsPerWeek / spec.alarmsPerWeek);
    this.file = file;
    this.detector = new Detector(alarmsPerWeek === spec.alarmsPerWeek ? parameters : { ...parameters, tracker });
    this.#predictor = model && new Predictor(model);
    this.#residuals = new Float64Array(spec.inputs.length).fill(Number.NaN);
    this.#rawResiduals = new Float64Array(spec.inputs.length);
    this.#raw = new Float64Array(spec.inputs.length);
    // What the kernels of an f32 model read.
    this.#single = model?.spec.numeric === "f32" ? new Float32Array(spec.inputs.length) : undefined;
  }

  /** Takes a row. @param isWarmup  raise no alarm, leave the thresholds alone */
  step(values: ArrayLike<number>, row: number, isWarmup: boolean): Verdict {
    this.#values = values;
    this.#predictor?.take(values, this.#residuals);
    this.#single?.set(values);
    toRaw(this.file, this.#single ?? values, this.#raw);
    return this.detector.step(this.#raw, row, isWarmup, this.#knownResiduals());
  }

  #knownResiduals(): Float64Array | undefined {
    let isKnown = false;
    for (const [c, { fraction, residual }] of this.file.spec.inputs.entries()) {
      if (residual === undefined || Number.isNaN(this.#residuals[c])) continue;
      this.#rawResiduals[c] = rawOf(this.#residuals[c] as number, fraction);
      isKnown = true;
    }
    return isKnown ? this.#rawResiduals : undefined;
  }

  /** What the model predicted for each input of the latest row, in its unit; null where it did not. */
  predicted(): (number | null)[] {
    return Array.from(this.#residuals, (residual, c) =>
      Number.isNaN(residual) ? null : (this.#values[c] as number) - residual,
    );
  }

  /** What was expected of each input of the latest row, in its unit: by the model or by AR(8); null while nothing was. */
  expected(): (number | null)[] {
    const predicted = this.predicted();
    return this.file.parameters.channels.map((channel, c) => {
      if (channel.residual === "model") return predicted[c] ?? null;
      return expectationOf(channel, this.file.spec.inputs[c]?.fraction ?? 0, this.detector.expectedOf(c));
    });
  }

  /** What explains the verdict of the latest row, in words. */
  cause(verdict: Verdict): string {
    return describeCause(this.file, this.detector, verdict, this.#values, this.predicted());
  }
}
