// Turns NDJSON or CSV into samples, chunk by chunk. Pure, so that predict, quantize and the tests share it.

import { SampleError } from "../../host/model/errors.ts";
import { CliError } from "../errors.ts";
import { CsvParser } from "./csv.ts";
import { NdjsonParser } from "./ndjson.ts";
import type { LineParser } from "./parser.ts";

export type SampleFormat = "ndjson" | "csv";

export interface SampleReaderOptions {
  /** Where the bytes come from, for error messages: `stdin` or a file name. */
  readonly source: string;
  /** Names of the model's inputs, in order. */
  readonly inputs: readonly string[];
  /** Absent: decided by the first line. */
  readonly format?: SampleFormat | undefined;
}

/** Receives one sample, f64[I]; the array is reused for the next one. */
export type OnSample = (sample: Float64Array) => void;

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
    if (this.#tailBytes > MAX_LINE_BYTES) {
      throw this.#error(this.line + 1, new SyntaxError(`Line is longer than ${MAX_LINE_BYTES >> 20} MiB`));
    }
  }

  /** Hands over the last sample when its line has no newline. */
  end(onSample: OnSample): void {
    if (this.#tailBytes > 0) this.push(Uint8Array.of(NEWLINE), onSample);
    try {
      this.#parser?.end();
    } catch (error) {
      throw this.#error(this.line, error);
    }
  }

  #takeLine(line: string, onSample: OnSample): void {
    this.line++;
    if (this.line === 1 && line.startsWith("\ufeff")) line = line.slice(1);
    if (line.trim() === "") return;
    try {
      this.#parser ??= chooseParser(this.#options.format ?? detectFormat(line), this.#options.inputs);
      if (this.#parser.parse(line, this.#sample)) onSample(this.#sample);
    } catch (error) {
      throw this.#error(this.line, error);
    }
  }

  /** Puts the position before the text of a row's fault; anything else is a fault of the program and stays as it is. */
  #error(line: number, error: unknown): unknown {
    if (!(error instanceof SyntaxError || error instanceof SampleError)) return error;
    return new CliError(`${this.#options.source}:${line}: ${error.message}`, { cause: error });
  }
}

function detectFormat(firstLine: string): SampleFormat {
  return /^\s*[[{]/.test(firstLine) || Number.isFinite(Number(firstLine)) ? "ndjson" : "csv";
}

function chooseParser(format: SampleFormat, inputs: readonly string[]): LineParser {
  return format === "csv" ? new CsvParser(inputs) : new NdjsonParser(inputs);
}
