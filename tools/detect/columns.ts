// Which columns of a file are readings, where the user does not say.

import { closeSync, openSync, readSync } from "node:fs";
import { parseDecimal, parseDecimalComma } from "../../host/stream/decimal.ts";
import { CliError } from "../errors.ts";
import { detectDelimiter } from "../samples/csv.ts";

const HEAD_BYTES = 1 << 16;

/**
 * Names the columns of a CSV file, or the fields of NDJSON objects, that hold numbers in the first row.
 *
 * @param time  the column of the time, which is no reading
 * @throws {CliError} when there are none, or the file begins with neither
 */
export function numericColumns(file: string, time: string | undefined, hasDecimalComma: boolean): string[] {
  const [first = "", second = ""] = headOf(file)
    .replace(/^\ufeff/, "")
    .split(/\r?\n/)
    .filter((line) => line.trim() !== "");
  const names = first.startsWith("{") ? numericFields(first) : numericCells(first, second, hasDecimalComma);
  const readings = names.filter((name) => name !== time);
  if (readings.length > 0) return readings;
  throw new CliError(`${file}: No column holds numbers in its first row; name them with --inputs`);
}

function headOf(file: string): string {
  const bytes = Buffer.alloc(HEAD_BYTES);
  try {
    const handle = openSync(file, "r");
    try {
      return bytes.subarray(0, readSync(handle, bytes, 0, HEAD_BYTES, 0)).toString("utf8");
    } finally {
      closeSync(handle);
    }
  } catch (error) {
    throw new CliError(`${file}: ${(error as Error).message.replace(/^\w+: /, "").replace(/, \w+( .*)?$/, "")}`, {
      cause: error,
    });
  }
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
