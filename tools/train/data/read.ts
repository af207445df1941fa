// Files → sequences of rows, in bounded memory.

import { createHash } from "node:crypto";
import path from "node:path";
import { CliError, showJson } from "../../errors.ts";
import { openInput } from "../../files.ts";
import type { Io } from "../../io.ts";
import { SampleReader } from "../../samples/reader.ts";
import { Assembler, type Assembly, type Oddities } from "./assemble.ts";
import type { Columns } from "./columns.ts";
import type { Pace } from "./pace.ts";
import { type Sequence, SequenceWriter } from "./sequences.ts";
import { RowStore } from "./store.ts";

/** Most devices whose rows may be mixed in a file. */
const MAX_DEVICES = 10_000;
/** Most classes that a label may have. */
const MAX_CLASSES = 256;
/** Share of rows out of order from which on the data are refused. */
const MOST_REPEATED = 0.1;
/** Missing rows that are filled where rows are brought to an interval anyway. */
const RESAMPLED_BRIDGE = 4;
/** Intervals that differ by less than this share are the same. */
const SAME_INTERVAL = 0.25;

/** What there is to read, and how. */
export interface ReadOptions {
  readonly columns: Columns;
  readonly pace: Pace | undefined;
  /** Seconds between two rows, where the user says. */
  readonly interval?: number | undefined;
  readonly bridge?: number | undefined;
  readonly decimalComma: boolean;
  readonly skipBad: boolean;
  /** Whether the label is text, a name of a class; otherwise it is a number. */
  readonly isClass: boolean;
  /** Folder for rows that memory does not hold. */
  readonly folder: string;
}

/** All rows that were read. Columns are the inputs in their order, then the label. */
export interface Data extends Oddities {
  readonly store: RowStore;
  readonly sequences: readonly Sequence[];
  readonly interval: number | undefined;
  readonly isResampled: boolean;
  /** Rows in the files. */
  readonly rows: number;
  /** Rows that are none, and the first reason. */
  readonly bad: number;
  readonly firstBad: string;
  /** Rows of sequences that were too short. */
  readonly dropped: number;
  readonly devices: number;
  /** Names of the classes of a label, in the order in which they were met; a row has the index of its own. */
  readonly classes: readonly string[];
  /** SHA-256 of the files one after the other. */
  readonly hash: string;
}

/**
 * Reads the files.
 *
 * @throws {CliError} `file:line: …` at the first bad row, unless these are skipped
 */
export async function readData(files: readonly string[], options: ReadOptions, io: Io): Promise<Data> {
  const reading = new Reading(options);
  const hash = createHash("sha256");
  for (const file of files) {
    const { source, chunks } = openInput(file, io);
    const reader = new SampleReader({ source, ...reading.columns, onBadRow: reading.onBadRow });
    const onRow = reading.intoDevice(file);
    for await (const chunk of chunks) {
      hash.update(chunk);
      reader.push(chunk, onRow);
    }
    if (io.signal?.aborted) {
      reading.store.close();
      throw new CliError("Stopped before the data were read; nothing is written");
    }
    reader.end(onRow);
    reading.endFile();
  }
  return reading.finish(hash.digest("hex"));
}

class Reading {
  readonly store: RowStore;
  readonly #options: ReadOptions;
  readonly #assembly: Assembly;
  readonly #sequences: Sequence[] = [];
  readonly #writers: SequenceWriter[] = [];
  readonly #assemblers = new Map<string, Assembler>();
  readonly #odd: Oddities = { repeated: 0, gaps: 0, bridged: 0 };
  readonly #classes = new Map<string, number>();
  #rows = 0;
  #bad = 0;
  #firstBad = "";

  constructor(options: ReadOptions) {
    const { columns, pace, interval, folder } = options;
    this.#options = options;
    this.store = new RowStore(columns.inputs.length + (columns.label === undefined ? 0 : 1), folder);
    const isOther = (a: number, b: number) => Math.abs(a / b - 1) > SAME_INTERVAL;
    const isResampled =
      pace !== undefined && (!pace.isRegular || (interval !== undefined && isOther(interval, pace.interval)));
    this.#assembly = {
      interval: pace && (interval ?? pace.interval),
      isResampled,
      bridge: options.bridge ?? (isResampled ? RESAMPLED_BRIDGE : 0),
      firstLabel: columns.inputs.length,
    };
  }

  /** What the reader of samples is to find. */
  get columns() {
    const { columns, decimalComma, isClass } = this.#options;
    const { inputs, label, time, device } = columns;
    const isNumber = label !== undefined && !isClass;
    return {
      inputs: isNumber ? [...inputs, label] : inputs,
      time,
      texts: [...(device === undefined ? [] : [device]), ...(label !== undefined && isClass ? [label] : [])],
      hasDecimalComma: decimalComma,
    };
  }

  /** Skips a bad row, or throws what is wrong with it. */
  get onBadRow(): (error: CliError, rows: number) => void {
    return (error, rows) => {
      if (!this.#options.skipBad) {
        this.store.close();
        throw new CliError(`${error.message}; --skip-bad leaves such rows out`, { cause: error });
      }
      if (this.#bad === 0) this.#firstBad = error.message;
      this.#bad += rows;
    };
  }

  /** A function that takes the rows of a file. */
  intoDevice(file: string) {
    const { columns, isClass } = this.#options;
    const row = new Float64Array(this.store.width);
    return (values: Float64Array, time?: number, texts: readonly unknown[] = []) => {
      this.#rows++;
      row.set(values);
      if (columns.label !== undefined && isClass) row[row.length - 1] = this.#classOf(texts.at(-1), file);
      const device = columns.device === undefined ? file : `${texts[0]}`;
      this.#assemblerOf(device).take(row, time);
    };
  }

  /** Rows without times do not go on in another file. */
  endFile(): void {
    if (this.#options.columns.time !== undefined && this.#options.columns.device !== undefined) return;
    for (const assembler of this.#assemblers.values()) assembler.end();
    this.#assemblers.clear();
  }

  finish(hash: string): Data {
    for (const assembler of this.#assemblers.values()) assembler.end();
    const dropped = this.#writers.reduce((sum, writer) => sum + writer.dropped, 0);
    const { repeated } = this.#odd;
    if (repeated > MOST_REPEATED * this.#rows) {
      this.store.close();
      const hint =
        this.#options.columns.device === undefined ? "; of several devices, name their column with --device" : "";
      throw new CliError(
        `${repeated} of ${this.#rows} rows are not later than the row before them: the data are not in the order of "${this.#options.columns.time}"${hint}`,
      );
    }
    return {
      ...this.#odd,
      store: this.store,
      sequences: this.#sequences,
      interval: this.#assembly.interval ?? this.#options.interval,
      isResampled: this.#assembly.isResampled,
      rows: this.#rows,
      bad: this.#bad,
      firstBad: this.#firstBad,
      dropped,
      devices: new Set(this.#sequences.map(({ device }) => device)).size,
      classes: [...this.#classes.keys()],
      hash,
    };
  }

  #assemblerOf(device: string): Assembler {
    const known = this.#assemblers.get(device);
    if (known !== undefined) return known;
    if (this.#assemblers.size === MAX_DEVICES) {
      throw new CliError(
        `More than ${MAX_DEVICES} devices; the column of devices, "${this.#options.columns.device}", may be another`,
      );
    }
    const writer = new SequenceWriter(path.basename(device), this.store, this.#sequences);
    this.#writers.push(writer);
    const made = new Assembler(this.store.width, this.#assembly, writer, this.#odd);
    this.#assemblers.set(device, made);
    return made;
  }

  #classOf(label: unknown, file: string): number {
    const name = typeof label === "string" ? label : showJson(label);
    if (name === "" || label === undefined || label === null) {
      throw new SyntaxError(`Label "${this.#options.columns.label}" is empty, expected the name of a class`);
    }
    const known = this.#classes.get(name);
    if (known !== undefined) return known;
    if (this.#classes.size === MAX_CLASSES) {
      throw new CliError(
        `${file}: Label "${this.#options.columns.label}" has more than ${MAX_CLASSES} values; one that is a number is learned with --task regress`,
      );
    }
    this.#classes.set(name, this.#classes.size);
    return this.#classes.size - 1;
  }
}
