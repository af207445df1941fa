import { Detector, type Verdict } from "../detect/detector.ts";
import type { DetectorFile } from "../detect/file.ts";
import { toRaw } from "../detect/real.ts";
import { ModelResiduals } from "../detect/residuals.ts";
import { SnapshotError } from "../model/errors.ts";
import type { Alarm, Part } from "./alarm.ts";
import { explain } from "./cause.ts";
import { Latch, type LatchRow } from "./latch.ts";
import type { Readings } from "./learn.ts";
import { type AlarmPlan, fileOf, fileWithRate } from "./plan.ts";
import { RowClock } from "./rows.ts";
import { type AlarmState, readAlarmState, writeAlarmState } from "./state.ts";
import type { AlarmChange, Anomaly } from "./types.ts";

/** Samples at the start in which no alarm begins: the means are of too few readings. */
const SETTLE_ROWS = 20;
/** A deviation from here on is a fault that lasts; an alarm goes on until it is clearly less. */
const UNUSUAL = 2;
/** Missed rows after which a detector begins anew (FORMAT.md 8.4), and one more. */
const GAP_ROWS = 34;

/** The alarm of one device: a detector, the numbers of its rows, and what is told of its alarms. */
export class DeviceAlarm implements Alarm {
  readonly canRelearn = false;
  readonly #plan: AlarmPlan;
  readonly #clock: RowClock;
  readonly #latch: Latch;
  readonly #values: Float64Array;
  readonly #raw: Float64Array;
  readonly #residuals: ModelResiduals | undefined;
  /** The detector with the rate that it was made for. */
  readonly #original: DetectorFile;
  #file: DetectorFile;
  #detector: Detector;
  #settling = SETTLE_ROWS;
  /** By the clock of the rows, ms; NaN: not muted. */
  #mutedUntil = Number.NaN;
  #gapUntil = Number.NaN;
  /** A mute that begins with the next sample, ms. */
  #muteNext = Number.NaN;
  /** False alarms a week that a command asked for. */
  #perWeek: number | undefined;
  /** An alarm that the state held when its detector was replaced. */
  #hasOrphan = false;
  #at = Number.NEGATIVE_INFINITY;

  constructor(plan: AlarmPlan) {
    const { settings, isTimed, model } = plan;
    const file = fileOf(plan);
    const { interval, inputs } = file.spec;
    this.#plan = plan;
    this.#original = file;
    this.#residuals = model && new ModelResiduals(file.spec, model);
    this.#file = fileWithRate(file, settings.perWeek);
    this.#detector = new Detector(this.#file.parameters);
    this.#clock = new RowClock({
      intervalMs: interval === undefined ? undefined : 1000 * interval,
      period: file.parameters.seasonality?.period ?? 1,
      isTimed,
    });
    this.#latch = new Latch(settings);
    this.#values = new Float64Array(inputs.length);
    this.#raw = new Float64Array(inputs.length);
  }

  /** False alarms a week that are accepted at present. */
  get perWeek(): number {
    return this.#perWeek ?? this.#plan.settings.perWeek ?? this.#plan.file.spec.alarmsPerWeek;
  }

  /**
   * Takes a sample.
   *
   * @param sample  finite values in the order of the stream's inputs
   * @param time  Unix milliseconds
   * @param residuals  per output of the model, if the detector looks at them: the sample minus what was predicted for it
   */
  step(sample: ArrayLike<number>, time: number, residuals?: readonly (number | null)[]): Anomaly {
    const lastRow = this.#clock.state.lastRow;
    const row = this.#clock.take(time);
    if (row === undefined) return this.#answer(null);
    const at = this.#advance(row, lastRow, time);
    const { inputs } = this.#plan;
    for (let c = 0; c < inputs.length; c++) this.#values[c] = sample[inputs[c] as number] as number;
    this.#convert();
    const isMuted = at < this.#mutedUntil;
    const isQuiet = isMuted || this.#settling > 0 || at < this.#gapUntil;
    const verdict = this.#detector.step(this.#raw, row, isQuiet, residuals && this.#residuals?.toRaw(residuals));
    if (this.#settling > 0) this.#settling--;
    const change = isMuted
      ? this.#latch.end(time)
      : this.#latch.take({ ...this.#judge(verdict), at, time }, () =>
          explain(this.#file, this.#detector, verdict, this.#values),
        );
    return this.#answer(verdict.score, change ?? this.#endOrphan(time));
  }

  #judge({ isAlarm, score }: Verdict): Pick<LatchRow, "isActive" | "isUnusual" | "score"> {
    return { isActive: isAlarm, isUnusual: this.#detector.deviation >= UNUSUAL, score };
  }

  /** An f32 model takes its samples in single precision, and so does the detector that travels with it. */
  #convert(): void {
    if (this.#plan.model?.numeric === "f32") {
      for (let c = 0; c < this.#values.length; c++) this.#values[c] = Math.fround(this.#values[c] as number);
    }
    toRaw(this.#file, this.#values, this.#raw);
  }

  /** Moves the clock of the rows; answers it, ms. */
  #advance(row: number, lastRow: number, time: number): number {
    const { interval } = this.#file.spec;
    this.#at = Math.max(this.#at, interval === undefined ? time : row * interval * 1000);
    if (!Number.isNaN(this.#muteNext)) {
      this.#mutedUntil = this.#at + this.#muteNext;
      this.#muteNext = Number.NaN;
    }
    const { muteAfterGapMs } = this.#plan.settings;
    if (muteAfterGapMs !== undefined && row - lastRow >= GAP_ROWS) this.#gapUntil = this.#at + muteAfterGapMs;
    return this.#at;
  }

  #answer(score: number | null, change?: AlarmChange): Anomaly {
    return {
      detector: this.#file.id,
      score,
      isAlarm: this.#latch.state.isOn,
      warmup: Math.max(this.#settling, this.#detector.mutedRows),
      isMuted: this.#at < this.#mutedUntil || this.#at < this.#gapUntil,
      ...(this.#latch.state.isOn && { deviation: this.#detector.deviation }),
      ...(this.#latch.state.isAcknowledged && { isAcknowledged: true }),
      ...(change && { change }),
    };
  }

  /** An alarm whose detector is gone ends with the first sample of the next one. */
  #endOrphan(time: number): AlarmChange | undefined {
    if (!this.#hasOrphan) return undefined;
    this.#hasOrphan = false;
    return this.#latch.state.isOn ? undefined : { isAlarm: false, since: time, score: null, cause: [], text: "" };
  }

  /** Lets no alarm begin for some time from the next sample on, and ends one that is. 0 ends a mute. */
  mute(ms: number): void {
    this.#muteNext = ms;
  }

  get isOn(): boolean {
    return this.#latch.state.isOn;
  }

  acknowledge(): void {
    this.#latch.acknowledge();
  }

  /** Accepts another number of false alarms a week. */
  accept(perWeek: number): void {
    this.#perWeek = perWeek;
    const snapshot = this.#detector.snapshot();
    this.#file = fileWithRate(this.#original, perWeek);
    this.#detector = new Detector(this.#file.parameters);
    this.#detector.restore(snapshot);
  }

  /**
   * Forgets what is recent and ends the alarm; thresholds, ranges and times of day stay.
   *
   * @param time  Unix milliseconds
   * @param forgetsAll  be as new
   */
  reset(time: number, forgetsAll = false): AlarmChange | undefined {
    this.#detector.reset(forgetsAll);
    if (forgetsAll) {
      this.#clock.state.lastRow = Number.NaN;
      this.#at = Number.NEGATIVE_INFINITY;
      this.#mutedUntil = Number.NaN;
      this.#gapUntil = Number.NaN;
      this.#muteNext = Number.NaN;
    }
    this.#settling = SETTLE_ROWS;
    return this.#latch.end(time) ?? this.#endOrphan(time);
  }

  relearn(): undefined {}

  takeParts(): readonly Part[] {
    return [];
  }

  provide(): void {}

  /** Has rows of before scored without judging them, so that ranges, means and times of day are known. */
  warmUp({ times, values }: Readings): void {
    const { inputs } = this.#plan;
    for (const [i, time] of times.entries()) {
      const row = this.#clock.take(time);
      if (row === undefined) continue;
      this.#advance(row, row, time);
      for (let c = 0; c < inputs.length; c++) this.#values[c] = values[inputs[c] as number]?.[i] as number;
      this.#convert();
      this.#detector.step(this.#raw, row, true);
      if (this.#settling > 0) this.#settling--;
    }
  }

  /** Copies the state out. */
  snapshot(): Uint8Array {
    const { explanation, ...latch } = this.#latch.state;
    return writeAlarmState({
      ...this.#clock.state,
      ...latch,
      explanation,
      settling: this.#settling,
      at: this.#at,
      mutedUntil: this.#mutedUntil,
      gapUntil: this.#gapUntil,
      muteNext: this.#muteNext,
      perWeek: this.#perWeek ?? Number.NaN,
      hasOrphan: this.#hasOrphan,
      detector: this.#detector.snapshot(),
    });
  }

  /**
   * Reads a state; answers a function that takes it over. Of another detector only the alarm is taken over, to be ended.
   *
   * @throws {SnapshotError} when the bytes are no such state
   */
  prepare(bytes: Uint8Array): () => void {
    const state = readAlarmState(bytes);
    const perWeek = Number.isNaN(state.perWeek) ? undefined : state.perWeek;
    const file = perWeek === undefined ? this.#file : fileWithRate(this.#original, perWeek);
    const detector = new Detector(file.parameters);
    try {
      detector.restore(state.detector);
    } catch (error) {
      if (!(error instanceof SnapshotError)) throw error;
      return () => {
        this.#hasOrphan = state.isOn || state.hasOrphan;
      };
    }
    return () => {
      this.#perWeek = perWeek;
      this.#file = file;
      this.#detector = detector;
      this.#take(state);
    };
  }

  #take({ lastRow, lastTime, offset, late, ...state }: AlarmState): void {
    Object.assign(this.#clock.state, { lastRow, lastTime, offset, late });
    const { isOn, activeAt, since, quietAt, peak, isAcknowledged, explanation } = state;
    Object.assign(this.#latch.state, { isOn, activeAt, since, quietAt, peak, isAcknowledged, explanation });
    this.#settling = state.settling;
    this.#at = state.at;
    this.#mutedUntil = state.mutedUntil;
    this.#gapUntil = state.gapUntil;
    this.#muteNext = state.muteNext;
    this.#hasOrphan = state.hasOrphan;
  }
}
