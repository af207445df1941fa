// What the demo's subscriber knows of the pumps.

import { PUMP_INPUTS } from "./pump.ts";

/** Points of a sparkline. */
export const HISTORY = 16;
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
  /** Distance of the latest readings to the alarm, powers of 2; 0 and above is one. */
  readonly score: number;
  /** Earlier scores, oldest first, at most HISTORY. */
  readonly history: readonly number[];
  /** Whether model and detector have seen enough to be judged by. */
  readonly isWarm: boolean;
  readonly isAlarm: boolean;
  /** Input that explains most of the alarm; undefined without one. */
  readonly cause: string | undefined;
  /** Step at which its first alarm began; undefined when it had none. */
  readonly detectedAt: number | undefined;
}

/** What the bridge answers to a reading, as far as the demo reads it. */
export interface PumpAnswer {
  readonly prediction: readonly number[];
  readonly score: number | null;
  /** Readings still to come in which there is no alarm. */
  readonly warmup?: number;
  /** Steps of the pump, this one included. */
  readonly n: number;
}

/** What the bridge tells when an alarm begins or ends, as far as the demo reads it. */
export interface PumpAlarm {
  readonly alarm: boolean;
  /** The greatest share first. */
  readonly cause: readonly { readonly input: string }[];
  readonly n: number;
}

export interface WatchOptions {
  readonly name: string;
  /** Steps before predictions are meaningful. */
  readonly warmup: number;
}

/** Follows one pump through what the bridge publishes. */
export class PumpWatch implements PumpView {
  readonly name: string;
  sample: readonly number[] = PUMP_INPUTS.map(() => 0);
  next: number | undefined;
  score = 0;
  readonly history: number[] = [];
  isWarm = false;
  isAlarm = false;
  cause: string | undefined;
  /** Step at which the first alarm began. */
  detectedAt: number | undefined;
  /** What explained it. */
  detectedBy: string | undefined;
  readonly #options: WatchOptions;

  constructor(options: WatchOptions) {
    this.name = options.name;
    this.#options = options;
  }

  /** Takes an answer and the readings that it answers. */
  observe(answer: PumpAnswer, sample: readonly number[]): void {
    this.sample = sample;
    this.next = answer.prediction[BEARING];
    this.isWarm = answer.n > this.#options.warmup && (answer.warmup ?? 0) === 0;
    if (!this.isWarm || answer.score === null) return;
    this.score = answer.score;
    if (answer.n % STRIDE !== 0) return;
    this.history.push(this.score);
    if (this.history.length > HISTORY) this.history.shift();
  }

  /** Takes an alarm that begins or ends. */
  alarm({ alarm, cause, n }: PumpAlarm): void {
    this.isAlarm = alarm;
    this.cause = alarm ? cause[0]?.input : undefined;
    if (!alarm || this.detectedAt !== undefined) return;
    this.detectedAt = n;
    this.detectedBy = this.cause;
  }
}
