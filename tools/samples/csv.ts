import { parseDecimal, parseDecimalComma } from "../../host/stream/decimal.ts";
import { type LineParser, UnclosedRecord } from "./parser.ts";

/** Whether `text` holds an odd number of quotes: it begins or ends a record of several lines. */
function hasOddQuotes(text: string): boolean {
  let odd = false;
  for (let i = text.indexOf('"'); i >= 0; i = text.indexOf('"', i + 1)) odd = !odd;
  return odd;
}

/** Most lines and characters of a record; a quote that does not end is found there, not at the end of the file. */
const MAX_RECORD_LINES = 100;
const MAX_RECORD_LENGTH = 1 << 16;

/** Names the character that separates the columns: the most frequent one in the header. */
export function detectDelimiter(header: string): string {
  const count = (delimiter: string) => header.split(delimiter).length;
  return [",", ";", "\t"].reduce((best, other) => (count(other) > count(best) ? other : best));
}

/** Splits a record whose quotes are balanced (RFC 4180) into its cells. */
function splitRecord(record: string, delimiter: string): string[] {
  if (!record.includes('"')) return record.split(delimiter);
  const cells: string[] = [];
  for (let start = 0; start <= record.length; ) {
    while (record[start] === " ") start++;
    let stop = record.indexOf(delimiter, start);
    if (stop < 0) stop = record.length;
    let cell = record.slice(start, stop);
    if (cell.startsWith('"')) {
      // Balanced, so a quote that is not doubled follows.
      let close = record.indexOf('"', start + 1);
      while (record[close + 1] === '"') close = record.indexOf('"', close + 2);
      stop = close + 1;
      if (stop < record.length && record[stop] !== delimiter) throw new SyntaxError("Text follows a quoted cell");
      cell = record.slice(start + 1, close).replaceAll('""', '"');
    } else if (cell.includes('"')) {
      throw new SyntaxError("A quote is inside a cell that does not begin with one");
    }
    cells.push(cell);
    start = stop + 1;
  }
  return cells;
}

/** Refuses samples where the names of the columns should be. */
function checkHeader(header: readonly string[]): void {
  if (!header.every((cell) => parseDecimal(cell) !== undefined)) return;
  throw new SyntaxError(
    `CSV begins with a line of column names, found ${header.join()}; without one, write [${header.join()}]`,
  );
}

function findColumns(header: readonly string[], inputs: readonly string[]): number[] {
  return inputs.map((input) => {
    const column = header.indexOf(input);
    const found = header.map((name) => `"${name}"`).join(", ");
    if (column < 0) throw new SyntaxError(`Column "${input}" is missing; the header has ${found}`);
    if (header.indexOf(input, column + 1) >= 0) throw new SyntaxError(`Column "${input}" is there twice`);
    return column;
  });
}

/**
 * Parses CSV (RFC 4180; comma, semicolon or tab) whose first record names the columns; those of the model's inputs are
 * found by name, the others are ignored.
 */
export class CsvParser implements LineParser {
  readonly #inputs: readonly string[];
  #delimiter = ",";
  #width = 0;
  #columns: readonly number[] | undefined;
  /** Lines of a record that is not complete. */
  #open: string[] = [];
  #openLength = 0;
  recordLines = 1;
  time: string | undefined;
  texts: readonly string[] = [];
  readonly #timeName: string | undefined;
  #timeColumn = -1;
  readonly #textNames: readonly string[];
  #textColumns: readonly number[] = [];

  readonly #parseNumber: (cell: string) => number | undefined;

  /**
   * @param inputs  names of the model's inputs
   * @param hasDecimalComma  numbers are written as `21,5`
   * @param timeName  column that is read into `time`
   * @param textNames  columns that are read into `texts`
   */
  constructor(
    inputs: readonly string[],
    hasDecimalComma = false,
    timeName?: string,
    textNames: readonly string[] = [],
  ) {
    this.#inputs = inputs;
    this.#timeName = timeName;
    this.#textNames = textNames;
    this.#parseNumber = hasDecimalComma ? parseDecimalComma : parseDecimal;
  }

  get isReady(): boolean {
    return this.#columns !== undefined;
  }

  get isOpen(): boolean {
    return this.#open.length > 0;
  }

  /** Writes the row into `sample`; answers false for the header and within a record of several lines. */
  parse(text: string, sample: Float64Array): boolean {
    const line = text.endsWith("\r") ? text.slice(0, -1) : text;
    const { isOpen } = this;
    // Each line is looked at once, however long the record becomes.
    if (isOpen !== hasOddQuotes(line)) {
      this.#open.push(line);
      this.#openLength += line.length;
      if (this.#open.length > MAX_RECORD_LINES || this.#openLength > MAX_RECORD_LENGTH) throw this.#unclosed();
      return false;
    }
    const record = isOpen ? [...this.#open, line].join("\n") : line;
    this.recordLines = this.#open.length + 1;
    this.#forget();
    if (this.#columns === undefined) {
      this.#readHeader(record);
      return false;
    }
    this.#readRow(record, this.#columns, sample);
    return true;
  }

  end(): void {
    if (this.#open.length > 0) throw this.#unclosed();
  }

  #readHeader(record: string): void {
    this.#delimiter = detectDelimiter(record);
    const header = splitRecord(record, this.#delimiter).map((cell) => cell.trim());
    checkHeader(header);
    this.#width = header.length;
    if (this.#timeName !== undefined) this.#timeColumn = findColumns(header, [this.#timeName])[0] as number;
    this.#textColumns = findColumns(header, this.#textNames);
    this.#columns = findColumns(header, this.#inputs);
  }

  #readRow(record: string, columns: readonly number[], sample: Float64Array): void {
    const cells = splitRecord(record, this.#delimiter);
    if (cells.length !== this.#width) {
      throw new SyntaxError(`Row has ${cells.length} columns, the header has ${this.#width}`);
    }
    this.time = cells[this.#timeColumn];
    if (this.#textColumns.length > 0) this.texts = this.#textColumns.map((column) => (cells[column] as string).trim());
    for (const [i, column] of columns.entries()) {
      const cell = cells[column] as string;
      const value = this.#parseNumber(cell);
      if (value === undefined) {
        throw new SyntaxError(`Column "${this.#inputs[i]}" is "${cell.trim()}", expected a decimal number`);
      }
      sample[i] = value;
    }
  }

  #unclosed(): UnclosedRecord {
    const lines = this.#open;
    this.#forget();
    return new UnclosedRecord("A quoted cell does not end; a quote is missing or too many", lines);
  }

  #forget(): void {
    this.#open = [];
    this.#openLength = 0;
  }
}
