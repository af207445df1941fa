// The way of a message, as text: stream, device, each input with its value, and the sample or why there is none.

import type { Anomaly } from "../../host/alarm/types.ts";
import type { MessageOutcome } from "../../host/mqtt/outcomes.ts";
import type { RehearsedMessage, WayStep } from "../../host/mqtt/rehearsal.ts";
import type { StreamOptions } from "../../host/mqtt/stream.ts";
import { formatNumber } from "../../host/stream/format.ts";
import { alignColumns } from "../columns.ts";

type Told = Extract<WayStep, { readonly kind: "reading" }>;
type Stepped = Extract<MessageOutcome, { readonly kind: "step" }>;

/** A value that came in an earlier message. */
interface Earlier {
  readonly value: number;
  readonly time: number;
}

/** Puts the ways of messages into words; knows the values of the messages before. */
export class WayWriter {
  readonly #streams: ReadonlyMap<string, StreamOptions>;
  /** By stream, device and input. */
  readonly #earlier = new Map<string, Earlier>();

  constructor(streams: readonly StreamOptions[]) {
    this.#streams = new Map(streams.map((stream) => [stream.name, stream]));
  }

  /** Answers the lines of a message that reached a stream. */
  describe(message: RehearsedMessage, steps: readonly WayStep[]): string[] {
    const readings = steps.filter((step) => step.kind === "reading");
    const outcomes = steps.flatMap((step) => (step.kind === "outcome" ? [step.outcome] : []));
    const asked = steps.flatMap((step) =>
      step.kind === "asked" ? [`asked for another message by ${step.topic}, ${step.payload.length} bytes`] : [],
    );
    const lines = outcomes.flatMap((outcome) => this.#describeOutcome(outcome, readings, message));
    for (const told of readings) {
      // The topic tells the device of a reading whose payload does not, and of what became of it.
      const device = told.reading.device ?? outcomes.find(({ stream }) => stream === told.stream)?.device;
      this.#remember(told, device, message.time);
    }
    return [...lines, ...asked];
  }

  #describeOutcome(outcome: MessageOutcome, readings: readonly Told[], message: RehearsedMessage): string[] {
    const { stream, device } = outcome;
    const where = `stream ${stream}${device === undefined ? "" : `, device ${device}`}`;
    const own = readings.filter((told) => told.stream === stream && (told.reading.device ?? device) === device);
    switch (outcome.kind) {
      case "reject":
        return [`${where}: rejected, ${outcome.reason}: ${withoutTopic(outcome.text, message.topic)}`];
      case "command":
        return [`${where}: a command, which is ${outcome.outcome.isDone ? "obeyed" : "refused"}`];
      case "hold": {
        const told = own.find(({ reading }) => (reading.time ?? message.time) === outcome.time) ?? own[0];
        const why = outcome.text === undefined ? "no sample yet" : `no sample yet: ${outcome.text}`;
        const rows = told === undefined ? [] : this.#inputs(stream, (_, input) => valueRow(told.reading.sample[input]));
        return [`${where}, ${timeText(outcome.time, told, message)}: values are remembered, ${why}`, ...indent(rows)];
      }
      case "step": {
        const told = own.find(({ reading }) => (reading.time ?? message.time) === outcome.time);
        const rows = this.#inputs(stream, (name, input) =>
          this.#valueOf(outcome, own, input, `${stream} ${device} ${name}`),
        );
        const answers = this.#answersOf(outcome);
        return [
          `${where}, ${timeText(outcome.time, told, message)}: sample ${outcome.n}`,
          ...indent(rows),
          ...indent(answers),
        ];
      }
    }
  }

  #inputs(stream: string, row: (name: string, index: number) => string[]): string[][] {
    const names = this.#streams.get(stream)?.runtime.model.spec.inputs ?? [];
    return names.map(({ name }, index) => [name, ...row(name, index)]);
  }

  #valueOf({ sample }: Stepped, own: readonly Told[], input: number, key: string): string[] {
    const value = sample[input] ?? Number.NaN;
    const earlier = this.#earlier.get(key);
    if (earlier === undefined || own.some(({ reading }) => reading.sample[input] === value)) return valueRow(value);
    return [...valueRow(value), `held since ${new Date(earlier.time).toISOString()}`];
  }

  #answersOf({ stream, prediction, residual, anomaly }: Stepped): string[][] {
    const numeric = this.#streams.get(stream)?.runtime.numeric ?? "f32";
    const numbers = (values: Iterable<number | null>) =>
      Array.from(values, (value) => (value === null ? "none" : formatNumber(value, numeric))).join(", ");
    const rows: string[][] = [];
    if (prediction.length > 0) rows.push(["→ prediction", numbers(prediction)], ["→ residual", numbers(residual)]);
    if (anomaly !== undefined) rows.push(["→ detector", describeAnomaly(anomaly)]);
    return rows;
  }

  #remember({ stream, reading }: Told, device: string | undefined, arrival: number): void {
    this.#inputs(stream, (name, index) => {
      const value = reading.sample[index] ?? Number.NaN;
      if (!Number.isNaN(value))
        this.#earlier.set(`${stream} ${device} ${name}`, { value, time: reading.time ?? arrival });
      return [];
    });
  }
}

function valueRow(value: number | undefined): string[] {
  return [value === undefined || Number.isNaN(value) ? "no value" : String(Number(value.toPrecision(9)))];
}

/** The time of what is told, and whose clock it is of. */
function timeText(time: number, told: Told | undefined, message: RehearsedMessage): string {
  const text = Number.isFinite(time) && Math.abs(time) <= 8.64e15 ? new Date(time).toISOString() : `time ${time}`;
  if (told === undefined) return text;
  if (told.reading.isTimeReplaced) return `${text} (arrival: the time in the payload cannot be right)`;
  return `${text} (${told.reading.time === undefined && time === message.time ? "arrival" : "in the payload"})`;
}

function describeAnomaly({ score, isAlarm, learning, reason, warmup }: Anomaly): string {
  if (learning !== undefined)
    return `learning, ${Math.floor(100 * learning)} %${reason === undefined ? "" : `: ${reason}`}`;
  const judged = score === null ? "not judged" : `score ${score}`;
  return `${judged}${isAlarm ? ", alarm" : ""}${warmup > 0 ? `, ${warmup} samples of warm-up to come` : ""}`;
}

/** The intake names the topic behind every reason; it stands above already. */
const withoutTopic = (text: string, topic: string): string =>
  text.endsWith(` (topic ${topic})`) ? text.slice(0, -` (topic ${topic})`.length) : text;

const indent = (rows: readonly string[][]): string[] => alignColumns(rows).map((row) => `  ${row}`);
