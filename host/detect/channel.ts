import {
  CHANNEL_GREATEST,
  CHANNEL_LAGS,
  CHANNEL_LEAST,
  CHANNEL_MAGNITUDE,
  CHANNEL_MEANS,
  CHANNEL_RESIDUAL_MEAN,
} from "../../assembly/detect/layout.ts";
import { log2, squash } from "./log2.ts";
import type { ChannelParameters } from "./parameters.ts";

/** Score of a reading within the range seen so far: less than any other. */
const NO_EXTREME: number = -31 * 2048;

/** floor(a m / 2^16) without 64 bits; a is i32, m is 0..32767 (FORMAT.md 5.5). */
function mulhi(a: number, m: number): number {
  return Math.imul(a >> 16, m) + (Math.imul(a & 0xffff, m) >>> 16);
}

/** Shifts of the three running means. */
const MEANS = [2, 3, 5] as const;
/** Rows before residuals mean something. */
const LAGS = 8;
/** Where the running magnitude of residuals starts: .8 in Q19. */
const MAGNITUDE_START = 419430;
/** .05 in Q19, so that a silent channel has a logarithm. */
const MAGNITUDE_FLOOR = 26214;

const clamp = (value: number, least: number, greatest: number): number => Math.min(Math.max(value, least), greatest);

/** A raw difference, i32, in units of its spread, squashed: i16 Q11. */
function deviation(d: number, multiplier: number, shift: number): number {
  if (shift >= 0) return squash(mulhi(d, multiplier) >> shift);
  const limit = (1 << 30) >> -shift;
  return squash(mulhi(clamp(d, -limit, limit) << -shift, multiplier));
}

/**
 * One channel of a detector: a raw reading becomes seven features, i16 Q11 each, in int32 arithmetic:
 *
 *     0     x          deviation from the middle, squashed
 *     1..3  means      of x over about 4, 8 and 32 rows
 *     4     e          x minus its prediction from the last eight, or the reading minus the model's, squashed
 *     5     mean       of e over about 8 rows
 *     6     log2       of the mean of |e| over about 8 rows: how noisy the channel is
 */
export class Channel {
  /** i16[7] Q11, of the last row. */
  readonly features: Int32Array = new Int32Array(7);
  /** log2 of how far the last reading is outside of the range before it, in units of that range, Q11. */
  extreme: number = NO_EXTREME;
  /** Deviation that AR(8) expected of the last reading, Q11; of no meaning for a channel with a model's residual. */
  expected: number = 0;
  readonly #parameters: ChannelParameters;
  readonly #means = new Int32Array(3);
  readonly #lags = new Int32Array(LAGS);
  #residualMean = 0;
  #magnitude = MAGNITUDE_START;
  #least = 0;
  #greatest = 0;
  #settled = 0;
  #isNew = true;

  constructor(parameters: ChannelParameters) {
    this.#parameters = parameters;
    this.start();
  }

  /**
   * Takes a raw reading.
   *
   * @param raw  |raw| <= 2^30
   * @param residual  of a model: the reading minus what it predicted, |residual| <= 2^30; undefined while it is not known. Of no
   *   meaning for a channel with AR(8)
   */
  step(raw: number, residual?: number): void {
    const { features } = this;
    const { offset, multiplier, shift } = this.#parameters;
    const x = deviation(raw - offset, multiplier, shift);
    if (this.#isNew) {
      this.#least = raw;
      this.#greatest = raw;
      this.#isNew = false;
    }
    if (this.#settled === 0) this.#seed(x);
    const isModel = this.#parameters.residual === "model";
    const known = this.#settled < LAGS ? undefined : residual;
    const e = isModel ? this.#modelResidual(known) : this.#residual(x);
    this.#settled = Math.min(this.#settled + 1, LAGS);
    this.#lags.copyWithin(1, 0);
    this.#lags[0] = x;
    features[0] = x;
    for (let i = 0; i < MEANS.length; i++) {
      const shift = MEANS[i] as number;
      const mean = this.#means[i] as number;
      this.#means[i] = mean + (((x << 8) - mean + (1 << (shift - 1))) >> shift);
      features[1 + i] = (this.#means[i] as number) >> 8;
    }
    // Residuals that are not known yet would make the channel look silent.
    if (!isModel || known !== undefined) {
      this.#residualMean += ((e << 8) - this.#residualMean + 4) >> 3;
      this.#magnitude += ((Math.abs(e) << 8) - this.#magnitude + 4) >> 3;
    }
    features[4] = e;
    features[5] = this.#residualMean >> 8;
    features[6] = log2(this.#magnitude + MAGNITUDE_FLOOR) - (19 << 11);
    this.#meetRange(raw);
  }

  /** Forgets what is recent, after a gap: the next reading stands for all before it. The range seen is kept. */
  restart(): void {
    this.#settled = 0;
  }

  /** Forgets everything. */
  start(): void {
    this.restart();
    this.#residualMean = 0;
    this.#magnitude = MAGNITUDE_START;
    const { range } = this.#parameters;
    this.#isNew = range === undefined;
    if (range !== undefined) [this.#least, this.#greatest] = range;
  }

  /** Rows since the start or the last gap, up to 8. */
  get settled(): number {
    return this.#settled;
  }

  /** Writes the state into its place in the state of the detector (FORMAT.md 8.5). */
  save(view: DataView, at: number): void {
    for (const [i, mean] of this.#means.entries()) view.setInt32(at + CHANNEL_MEANS + 4 * i, mean, true);
    view.setInt32(at + CHANNEL_RESIDUAL_MEAN, this.#residualMean, true);
    view.setInt32(at + CHANNEL_MAGNITUDE, this.#magnitude, true);
    view.setInt32(at + CHANNEL_GREATEST, this.#greatest, true);
    view.setInt32(at + CHANNEL_LEAST, this.#least, true);
    for (const [j, lag] of this.#lags.entries()) view.setInt16(at + CHANNEL_LAGS + 2 * j, lag, true);
  }

  /**
   * Takes over a state that {@link save} wrote.
   *
   * @param settled  rows since the start or the last gap, 0..8
   */
  load(view: DataView, at: number, settled: number): void {
    for (let i = 0; i < MEANS.length; i++) this.#means[i] = view.getInt32(at + CHANNEL_MEANS + 4 * i, true);
    this.#residualMean = view.getInt32(at + CHANNEL_RESIDUAL_MEAN, true);
    this.#magnitude = view.getInt32(at + CHANNEL_MAGNITUDE, true);
    this.#greatest = view.getInt32(at + CHANNEL_GREATEST, true);
    this.#least = view.getInt32(at + CHANNEL_LEAST, true);
    for (let j = 0; j < LAGS; j++) this.#lags[j] = view.getInt16(at + CHANNEL_LAGS + 2 * j, true);
    this.#settled = settled;
    this.#isNew = false;
  }

  /** The first reading stands for all before it. */
  #seed(x: number): void {
    this.#means.fill(x << 8);
    this.#lags.fill(x);
  }

  #residual(x: number): number {
    const { ar, arBias, residualMultiplier, residualShift } = this.#parameters;
    let sum = arBias;
    for (let j = 0; j < LAGS; j++) sum += (ar[j] as number) * (this.#lags[j] as number);
    this.expected = sum >> 13;
    if (this.#settled < LAGS) return 0;
    const e = clamp(x - this.expected, -65535, 65535);
    return squash((e * residualMultiplier) >> residualShift);
  }

  #modelResidual(residual: number | undefined): number {
    if (residual === undefined) return 0;
    const { residualMultiplier, residualShift } = this.#parameters;
    return deviation(residual, residualMultiplier, residualShift);
  }

  #meetRange(raw: number): void {
    const excess = Math.max(raw - this.#greatest, this.#least - raw);
    this.extreme = excess > 0 ? log2(excess) - log2(Math.max(this.#greatest - this.#least, 1)) : NO_EXTREME;
    this.#greatest = Math.max(this.#greatest, raw);
    this.#least = Math.min(this.#least, raw);
  }
}
