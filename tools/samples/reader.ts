// Turns NDJSON or CSV into samples, chunk by chunk. Pure, so that predict, quantize and the tests share it.

import { SampleError } from "../../host/model/errors.ts";
import { parseDecimal } from "../../host/stream/decimal.ts";
import { parseIsoTime } from "../../host/stream/time.ts";
import { CliError, showJson } from "../errors.ts";
import { CsvParser } from "./csv.ts";
import { NdjsonParser } from "./ndjson.ts";
import { type LineParser, UnclosedRecord } from "./parser.ts";

export type SampleFormat = "ndjson" | "csv";

export interface SampleReaderOptions {
  /** Where the bytes come from, for error messages: `stdin` or a file name. */
  readonly source: string;
  /** Names of the model's inputs, in order. */
  readonly inputs: readonly string[];
  /** Absent: decided by the first line. */
  readonly format?: SampleFormat | undefined;
  /** CSV: numbers are written as `21,5`. */
  readonly hasDecimalComma?: boolean;
  /** Column or field that tells the time of a row: ISO 8601, or Unix seconds or milliseconds. */
  readonly time?: string | undefined;
  /** Columns or fields that are handed over as they stand: names of devices, labels. */
  readonly texts?: readonly string[];
  /** Called with the rows of the file that are no samples, and why; they are skipped. Absent: the first one is thrown. */
  readonly onBadRow?: ((error: CliError, lines: number) => void) | undefined;
}

/**
 * Receives one sample, f64[I], which is reused for the next one, its time in Unix milliseconds where the reader looks for one, and
 * the cells of `texts`.
 */
export type OnSample = (sample: Float64Array, time?: number, texts?: readonly unknown[]) => void;

/** A line that grows beyond this is not a sample. */
const MAX_LINE_BYTES = 1 << 24;
const NEWLINE = 10;

/** Splits bytes into lines and lines into samples. Empty lines are skipped. */
export class SampleReader {
  /** Number of lines read so far. */
  line = 0;
  readonly #options: SampleReaderOptions;
  readonly #sample: Float64Array;
  #parser: LineParser | undefined;
  #tail: Uint8Array[] = [];
  #tailBytes = 0;
  #isTooLong = false;

  constructor(options: SampleReaderOptions) {
    this.#options = options;
    this.#sample = new Float64Array(options.inputs.length);
  }

  /**
   * Hands every sample that is complete with `chunk` to `onSample`.
   *
   * @throws {CliError} `source:line: …` at the first bad row, or when `onSample` throws a SampleError; the rows before it
   * have been handed over
   */
  push(chunk: Uint8Array, onSample: OnSample): void {
    if (this.#isTooLong) {
      this.#skipLine(chunk, onSample);
      return;
    }
    const end = chunk.lastIndexOf(NEWLINE) + 1;
    if (end > 0) {
      const lines = Buffer.concat([...this.#tail, chunk.subarray(0, end)]).toString("utf8");
      this.#tail = [];
      this.#tailBytes = 0;
      for (let start = 0; start < lines.length; ) {
        const stop = lines.indexOf("\n", start);
        this.#takeLine(lines.slice(start, stop), onSample);
        start = stop + 1;
      }
    }
    if (end === chunk.length) return;
    this.#tail.push(chunk.slice(end));
    this.#tailBytes += chunk.length - end;
    if (this.#tailBytes <= MAX_LINE_BYTES) return;
    this.#tail = [];
    this.#tailBytes = 0;
    this.#isTooLong = true;
    this.line++;
    this.#reject(this.line, new SyntaxError(`Line is longer than ${MAX_LINE_BYTES >> 20} MiB`), onSample);
  }

  /** Drops what is left of a line that is too long. */
  #skipLine(chunk: Uint8Array, onSample: OnSample): void {
    const end = chunk.indexOf(NEWLINE);
    if (end < 0) return;
    this.#isTooLong = false;
    this.push(chunk.subarray(end + 1), onSample);
  }

  /** Hands over the last sample when its line has no newline. */
  end(onSample: OnSample): void {
    if (this.#tailBytes > 0) this.push(Uint8Array.of(NEWLINE), onSample);
    try {
      this.#parser?.end();
    } catch (error) {
      // Read anew without the line at fault, what follows it is complete.
      this.#reject(this.line, error, onSample);
    }
  }

  #takeLine(line: string, onSample: OnSample): void {
    this.line++;
    this.#feed(this.line === 1 && line.startsWith("\ufeff") ? line.slice(1) : line, this.line, onSample);
  }

  #feed(text: string, line: number, onSample: OnSample): void {
    if (text.trim() === "" && this.#parser?.isOpen !== true) return;
    try {
      this.#parser ??= this.#chooseParser(text);
      if (!this.#parser.parse(text, this.#sample)) return;
      const { time } = this.#options;
      const { texts } = this.#parser;
      onSample(this.#sample, time === undefined ? undefined : readTime(this.#parser.time, time), texts);
    } catch (error) {
      this.#reject(line, error, onSample);
    }
  }

  #chooseParser(firstLine: string): LineParser {
    const { format = detectFormat(firstLine), inputs, hasDecimalComma, time, texts } = this.#options;
    return format === "csv"
      ? new CsvParser(inputs, hasDecimalComma, time, texts)
      : new NdjsonParser(inputs, time, texts);
  }

  /** Throws what is wrong with a row, or skips the row; anything else is a fault of the program and thrown as it is. */
  #reject(line: number, error: unknown, onSample: OnSample): void {
    const { onBadRow } = this.#options;
    const isUnclosed = error instanceof UnclosedRecord;
    const first = line + 1 - (isUnclosed ? error.lines.length : (this.#parser?.recordLines ?? 1));
    const located = this.#error(first, error);
    if (onBadRow === undefined || !(located instanceof CliError) || this.#parser?.isReady !== true) throw located;
    onBadRow(located, isUnclosed ? 1 : line + 1 - first);
    if (!isUnclosed) return;
    // Of these lines each has its quotes in pairs, so that none opens a record again.
    for (const [index, text] of error.lines.slice(1).entries()) this.#feed(text, first + 1 + index, onSample);
  }

  /** Puts the position before the text of a row's fault; anything else is a fault of the program and stays as it is. */
  #error(line: number, error: unknown): unknown {
    if (!(error instanceof SyntaxError || error instanceof SampleError)) return error;
    return new CliError(`${this.#options.source}:${line}: ${error.message}`, { cause: error });
  }
}

function detectFormat(firstLine: string): SampleFormat {
  return /^\s*[[{]/.test(firstLine) || parseDecimal(firstLine) !== undefined ? "ndjson" : "csv";
}

/** Unix milliseconds of ISO 8601 text, or of a number: seconds below 10^11 (the year 5138), else milliseconds. */
function readTime(value: unknown, name: string): number {
  const seconds = typeof value === "string" ? parseDecimal(value) : value;
  if (typeof seconds === "number" && Number.isFinite(seconds))
    return Math.abs(seconds) < 1e11 ? 1000 * seconds : seconds;
  const time = typeof value === "string" ? parseIsoTime(value.trim()) : undefined;
  if (time !== undefined) return time;
  throw new SyntaxError(
    `Time "${name}" is ${value === undefined ? "missing" : showJson(value)}, expected ISO 8601 or Unix time`,
  );
}
