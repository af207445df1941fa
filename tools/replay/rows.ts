import { once } from "node:events";
import { createReadStream } from "node:fs";
import type { Readable } from "node:stream";
import { CsvError, parse } from "csv-parse";
import { describeFileError } from "../../host/config/secrets.ts";
import { CliError } from "../errors.ts";
import { detectDelimiter } from "../samples/csv.ts";

/** A row of a CSV file. */
export interface Row {
  /** Line of the file, from 1. */
  readonly line: number;
  /** One per column of the header. */
  readonly cells: readonly string[];
  /** Bytes of the file up to the end of the row. */
  readonly bytes: number;
}

/**
 * Reads a CSV file row by row, in constant memory; the first row yielded is the header.
 *
 * @param input  its bytes; by default they are read
 * @throws {CliError} with file and line, when it cannot be read or a row is not like the header
 */
export async function* readRows(file: string, input: Readable = createReadStream(file)): AsyncGenerator<Row> {
  const delimiter = await peekDelimiter(file, input);
  const parser = parse({
    bom: true,
    info: true,
    skip_empty_lines: true,
    delimiter,
    max_record_size: MAX_RECORD_LENGTH,
  });
  input.on("error", (error) => parser.destroy(error));
  input.pipe(parser);
  try {
    for await (const { record, info } of parser as AsyncIterable<{ record: string[]; info: ParserInfo }>) {
      yield { line: info.lines, cells: record, bytes: info.bytes };
    }
  } catch (error) {
    if (error instanceof CsvError) throw new CliError(describeCsvError(file, error), { cause: error });
    if (error instanceof Error && "syscall" in error) {
      throw new CliError(`Cannot read ${file}: ${describeFileError(error)}`, { cause: error });
    }
    throw error;
  } finally {
    input.destroy();
  }
}

/** Most characters of a record; a quote that does not end is found there, not at the end of the file. */
const MAX_RECORD_LENGTH = 1 << 16;

/** Names the separator of the columns, by the header; the stream stays at its start. */
async function peekDelimiter(file: string, input: Readable): Promise<string> {
  try {
    await once(input, "readable");
  } catch (error) {
    throw new CliError(`Cannot read ${file}: ${describeFileError(error)}`, { cause: error });
  }
  const head: Buffer | null = input.read();
  if (head === null) return ","; // an empty file
  input.unshift(head);
  return detectDelimiter(head.toString("utf8").split(/\r?\n/, 1)[0] as string);
}

interface ParserInfo {
  readonly lines: number;
  readonly bytes: number;
}

function describeCsvError(file: string, error: CsvError): string {
  const { lines, record } = error as unknown as { lines: number; record: readonly string[] };
  if (error.code !== "CSV_RECORD_INCONSISTENT_FIELDS_LENGTH") return `${file}:${lines}: ${error.message}`;
  const expected = / expect (\d+)/.exec(error.message)?.[1];
  return `${file}:${lines}: the row has ${record.length} columns, expected ${expected}`;
}
