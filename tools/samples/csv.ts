import type { LineParser } from "./parser.ts";

/** Whether `text` holds an odd number of quotes: the record goes on in the next line. */
function isOpen(text: string): boolean {
  let open = false;
  for (let i = text.indexOf('"'); i >= 0; i = text.indexOf('"', i + 1)) open = !open;
  return open;
}

/** Names the character that separates the columns: the most frequent one in the header. */
function detectDelimiter(header: string): string {
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
  if (!header.every((cell) => cell !== "" && Number.isFinite(Number(cell)))) return;
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
  #record = "";

  constructor(inputs: readonly string[]) {
    this.#inputs = inputs;
  }

  /** Writes the row into `sample`; answers false for the header and within a record of several lines. */
  parse(line: string, sample: Float64Array): boolean {
    const record = this.#record + (line.endsWith("\r") ? line.slice(0, -1) : line);
    this.#record = isOpen(record) ? `${record}\n` : "";
    if (this.#record !== "") return false;
    if (this.#columns === undefined) {
      this.#delimiter = detectDelimiter(record);
      const header = splitRecord(record, this.#delimiter).map((cell) => cell.trim());
      checkHeader(header);
      this.#width = header.length;
      this.#columns = findColumns(header, this.#inputs);
      return false;
    }
    const cells = splitRecord(record, this.#delimiter);
    if (cells.length !== this.#width) {
      throw new SyntaxError(`Row has ${cells.length} columns, the header has ${this.#width}`);
    }
    for (const [i, column] of this.#columns.entries()) {
      const cell = cells[column] as string;
      const value = Number(cell);
      // Number("") is 0.
      if (!Number.isFinite(value) || (value === 0 && cell.trim() === "")) {
        throw new SyntaxError(`Column "${this.#inputs[i]}" is "${cell.trim()}", expected a finite number`);
      }
      sample[i] = value;
    }
    return true;
  }

  end(): void {
    if (this.#record !== "") throw new SyntaxError("A quoted cell does not end");
  }
}
