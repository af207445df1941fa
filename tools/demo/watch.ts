// What the demo's subscriber knows of the pumps.

import { PUMP_INPUTS } from "./pump.ts";

/** Points of a sparkline. */
export const HISTORY = 16;
/** A score above this is called "bearing?". */
export const THRESHOLD = 4;
/** Share of the newest residual in the smoothed one. */
const SMOOTHING = 0.1;
/** Predictions between two points of a sparkline. */
const STRIDE = 10;

const BEARING = PUMP_INPUTS.findIndex(({ name }) => name === "bearing_temperature");

/** One pump as the table shows it. */
export interface PumpView {
  readonly name: string;
  /** Latest readings in the order of PUMP_INPUTS. */
  readonly sample: readonly number[];
  /** Predicted next bearing temperature, °C; undefined before the first prediction. */
  readonly next: number | undefined;
  /** Smoothed residual of the bearing temperature, in standard deviations of a healthy pump's residual. */
  readonly score: number;
  /** Earlier scores, oldest first, at most HISTORY. */
  readonly history: readonly number[];
  /** Whether the model has seen enough to be judged. */
  readonly isWarm: boolean;
  readonly isSuspect: boolean;
}

/** What the bridge answers, as far as the demo reads it. */
export interface PumpAnswer {
  readonly prediction: readonly number[];
  readonly residual: readonly (number | null)[];
  /** Steps of the pump, this one included. */
  readonly n: number;
}

export interface WatchOptions {
  readonly name: string;
  /** Standard deviation of a healthy pump's bearing residual, °C. */
  readonly sigma: number;
  /** Steps before predictions are meaningful. */
  readonly warmup: number;
}

/** Follows one pump through the answers of the bridge. */
export class PumpWatch implements PumpView {
  readonly name: string;
  sample: readonly number[] = PUMP_INPUTS.map(() => 0);
  next: number | undefined;
  score = 0;
  readonly history: number[] = [];
  isWarm = false;
  /** Step at which the score first passed the threshold. */
  detectedAt: number | undefined;
  readonly #options: WatchOptions;

  constructor(options: WatchOptions) {
    this.name = options.name;
    this.#options = options;
  }

  get isSuspect(): boolean {
    return this.score > THRESHOLD;
  }

  /** Takes an answer and the readings that it answers. */
  observe(answer: PumpAnswer, sample: readonly number[]): void {
    const { sigma, warmup } = this.#options;
    this.sample = sample;
    this.next = answer.prediction[BEARING];
    this.isWarm = answer.n > warmup;
    const residual = answer.residual[BEARING] ?? null;
    if (!this.isWarm || residual === null) return;
    this.score += SMOOTHING * (Math.abs(residual) / sigma - this.score);
    if (this.isSuspect) this.detectedAt ??= answer.n;
    if (answer.n % STRIDE !== 0) return;
    this.history.push(this.score);
    if (this.history.length > HISTORY) this.history.shift();
  }
}
