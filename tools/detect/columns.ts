// Which columns of a file are readings, where the user does not say.

import { parseDecimal, parseDecimalComma } from "../../host/stream/decimal.ts";
import { CliError } from "../errors.ts";
import { readUserFileHead } from "../files.ts";
import { detectDelimiter } from "../samples/csv.ts";

const HEAD_BYTES = 1 << 16;

/**
 * Names the columns of a CSV file, or the fields of NDJSON objects, that hold numbers in the first row.
 *
 * @param time  the column of the time, which is no reading
 * @throws {CliError} when there are none, the file begins with neither, or it is no regular file, which can be read once only
 */
export function numericColumns(file: string, time: string | undefined, hasDecimalComma: boolean): string[] {
  if (file === "-") throw new CliError("Standard input is read once only; name the columns with --inputs");
  const readings = columnsOfHead(readUserFileHead(file, HEAD_BYTES), hasDecimalComma).filter((name) => name !== time);
  if (readings.length > 0) return readings;
  throw new CliError(`${file}: No column holds numbers in its first row; name them with --inputs`);
}

/** Names the columns or fields that hold numbers in the first row, of which `head` are the first bytes. */
export function columnsOfHead(head: Uint8Array, hasDecimalComma: boolean): string[] {
  const [first = "", second = ""] = new TextDecoder()
    .decode(head)
    .split(/\r?\n/)
    .filter((line) => line.trim() !== "");
  return first.startsWith("{") ? numericFields(first) : numericCells(first, second, hasDecimalComma);
}

function numericFields(line: string): string[] {
  try {
    const fields: Record<string, unknown> = JSON.parse(line);
    return Object.keys(fields).filter((name) => typeof fields[name] === "number");
  } catch {
    return [];
  }
}

function numericCells(header: string, row: string, hasDecimalComma: boolean): string[] {
  const delimiter = detectDelimiter(header);
  const cells = (line: string) => line.split(delimiter).map((cell) => cell.trim().replace(/^"(.*)"$/, "$1"));
  const parse = hasDecimalComma ? parseDecimalComma : parseDecimal;
  const values = cells(row);
  return cells(header).filter((_, i) => parse(values[i] ?? "") !== undefined);
}
