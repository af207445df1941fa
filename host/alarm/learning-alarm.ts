import { LEAST_ROWS } from "../detect/calibrate.ts";
import { type DetectorFile, parseDetector } from "../detect/file.ts";
import { ModelFormatError, SnapshotError } from "../model/errors.ts";
import type { Alarm, Part } from "./alarm.ts";
import { DeviceAlarm } from "./device-alarm.ts";
import { learn } from "./learn.ts";
import { Learner } from "./learner.ts";
import { planAlarms } from "./plan.ts";
import type { AlarmChange, AlarmSettings, Anomaly } from "./types.ts";

// State of an alarm that learns, little-endian: "LRN1", u32 1 while it learns, 2 after that, f64 false alarms a week that a command
// asked for (NaN: none), then the state of the learner, or that of the alarm. Parts: the rows that are learnt from, then the detector.
const MAGIC = 0x314e524c;
const HEADER_BYTES = 16;
const LEARNING = 1;
const WATCHING = 2;
const DETECTOR = "detector";

/** Most rows that are learnt from. */
export const MOST_LEARN_ROWS = 50_000;
/** Samples, as a multiple of what was asked for, after which a constant channel is taken for one that stays so. */
const PATIENCE = 3;

/** How the devices of a stream are learnt. */
export interface LearningPlan {
  /** Names of the stream's inputs: all are watched. */
  readonly inputs: readonly string[];
  /** Samples, or milliseconds, to learn from. */
  readonly learn: { readonly rows: number } | { readonly ms: number };
  /** Milliseconds of a period; `auto`: a day, if two fit into what is learnt; undefined: none. */
  readonly periodMs: number | "auto" | undefined;
  readonly settings: AlarmSettings;
  readonly isTimed: boolean;
}

/** An alarm that learns from the first samples of its device what is usual, and watches it from then on. */
export class LearningAlarm implements Alarm {
  readonly canRelearn = true;
  readonly #plan: LearningPlan;
  #learner: Learner | undefined;
  #alarm: DeviceAlarm | undefined;
  /** False alarms a week that a command asked for. */
  #perWeek: number | undefined;
  #reason: string | undefined;
  #changed: Part[] = [];
  #provided: ReadonlyMap<string, Uint8Array> = new Map();

  constructor(plan: LearningPlan) {
    this.#plan = plan;
    this.#learner = this.#newLearner();
  }

  get perWeek(): number {
    return this.#perWeek ?? this.#plan.settings.perWeek ?? 1;
  }

  step(sample: ArrayLike<number>, time: number): Anomaly {
    if (this.#alarm !== undefined) return this.#alarm.step(sample, time);
    const learner = this.#learner as Learner;
    const [, last] = learner.span;
    // A reading that comes again, or late, tells nothing new.
    if (!this.#plan.isTimed || !(time <= last)) learner.add(time, sample);
    const learning = this.#progress(learner);
    if (learning >= 1) this.#learn(learner);
    return {
      detector: undefined,
      score: null,
      isAlarm: false,
      warmup: 0,
      learning,
      isMuted: false,
      ...(this.#reason !== undefined && { reason: this.#reason }),
    };
  }

  /** Share of the learning that is done, 0 to 1. */
  #progress(learner: Learner): number {
    const { learn: goal } = this.#plan;
    const byRows = learner.rows / learner.target;
    if ("rows" in goal || learner.rows >= MOST_LEARN_ROWS) return Math.min(byRows, 1);
    const [first, last] = learner.span;
    return Math.min((last - first) / goal.ms, byRows, 1);
  }

  #learn(learner: Learner): void {
    const { inputs, isTimed, periodMs, learn: goal } = this.#plan;
    const readings = learner.columns();
    const takesConstant = learner.rows >= PATIENCE * ("rows" in goal ? goal.rows : LEAST_ROWS);
    const learnt = learn(readings, { inputs, perWeek: this.perWeek, isTimed, periodMs, takesConstant });
    if ("reason" in learnt) {
      this.#reason = learnt.reason;
      learner.target = Math.min(Math.max(learnt.rows, learner.rows + 16), MOST_LEARN_ROWS);
      // What is learnt from stays bounded; the newest rows are tried again.
      learner.keepLast(Math.floor(0.9 * MOST_LEARN_ROWS));
      return;
    }
    const alarm = this.#watchBy(parseDetector(learnt.bytes));
    alarm.warmUp(readings);
    this.#changed.push(...learner.drop(), [DETECTOR, learnt.bytes]);
    this.#alarm = alarm;
    this.#learner = undefined;
    this.#reason = undefined;
  }

  mute(ms: number): void {
    this.#alarm?.mute(ms);
  }

  get isOn(): boolean {
    return this.#alarm?.isOn ?? false;
  }

  acknowledge(): void {
    this.#alarm?.acknowledge();
  }

  accept(perWeek: number): void {
    this.#perWeek = perWeek;
    this.#alarm?.accept(perWeek);
  }

  relearn(time: number): AlarmChange | undefined {
    const change = this.#alarm?.reset(time);
    this.#changed.push(...(this.#learner?.drop() ?? []), [DETECTOR, undefined]);
    this.#alarm = undefined;
    this.#reason = undefined;
    this.#learner = this.#newLearner();
    return change;
  }

  reset(time: number, forgetsAll = false): AlarmChange | undefined {
    return this.#alarm?.reset(time, forgetsAll);
  }

  takeParts(): readonly Part[] {
    return [...this.#changed.splice(0), ...(this.#learner?.takeParts() ?? [])];
  }

  provide(parts: ReadonlyMap<string, Uint8Array>): void {
    this.#provided = parts;
  }

  snapshot(): Uint8Array {
    const inner = (this.#alarm ?? (this.#learner as Learner)).snapshot();
    const bytes = new Uint8Array(HEADER_BYTES + inner.length);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, MAGIC, true);
    view.setUint32(4, this.#alarm === undefined ? LEARNING : WATCHING, true);
    view.setFloat64(8, this.#perWeek ?? Number.NaN, true);
    bytes.set(inner, HEADER_BYTES);
    return bytes;
  }

  prepare(bytes: Uint8Array): () => void {
    const { kind, perWeek, inner } = parse(bytes);
    const { inputs } = this.#plan;
    const found = Number.isNaN(perWeek) ? undefined : perWeek;
    if (kind === LEARNING) {
      const learner = Learner.read(inner, inputs.length, this.#provided);
      return () => this.#take(learner, undefined, found);
    }
    const alarm = this.#watchBy(readDetector(this.#provided, inputs));
    const take = alarm.prepare(inner);
    return () => {
      take();
      this.#take(undefined, alarm, found);
    };
  }

  #take(learner: Learner | undefined, alarm: DeviceAlarm | undefined, perWeek: number | undefined): void {
    this.#learner = learner;
    this.#alarm = alarm;
    this.#perWeek = perWeek;
    this.#provided = new Map();
  }

  /** What was learnt is made for the rate at that time, which a command may have changed. */
  #watchBy(file: DetectorFile): DeviceAlarm {
    const { inputs, settings, isTimed } = this.#plan;
    return new DeviceAlarm(planAlarms({ file, inputs, settings: { ...settings, perWeek: undefined }, isTimed }));
  }

  #newLearner(): Learner {
    const { inputs, learn: goal } = this.#plan;
    return new Learner(inputs.length, "rows" in goal ? goal.rows : LEAST_ROWS);
  }
}

/** Names of the parts of a state of an alarm; none of one that does not learn. */
export function partsOf(bytes: Uint8Array): string[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < HEADER_BYTES || view.getUint32(0, true) !== MAGIC) return [];
  return view.getUint32(4, true) === LEARNING ? Learner.partsOf(bytes.subarray(HEADER_BYTES)) : [DETECTOR];
}

function parse(bytes: Uint8Array): { readonly kind: number; readonly perWeek: number; readonly inner: Uint8Array } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < HEADER_BYTES || view.getUint32(0, true) !== MAGIC) {
    throw new SnapshotError("State is of another detector: it does not learn");
  }
  const kind = view.getUint32(4, true);
  if (kind !== LEARNING && kind !== WATCHING) throw new SnapshotError(`State of an alarm is of kind ${kind}`);
  return { kind, perWeek: view.getFloat64(8, true), inner: bytes.subarray(HEADER_BYTES) };
}

function readDetector(parts: ReadonlyMap<string, Uint8Array>, inputs: readonly string[]): DetectorFile {
  const bytes = parts.get(DETECTOR);
  if (bytes === undefined) throw new SnapshotError("State of an alarm is damaged: its detector is missing");
  try {
    const file = parseDetector(bytes);
    const names = file.spec.inputs.map(({ name }) => name);
    if (names.join() === inputs.join()) return file;
    throw new SnapshotError(`State is of a detector of ${names.join(", ")}`);
  } catch (error) {
    if (!(error instanceof ModelFormatError)) throw error;
    throw new SnapshotError(`State of an alarm is damaged: ${error.message}`, { cause: error });
  }
}
