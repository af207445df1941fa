// Which columns of the data are what, where the user does not say.

import { parseDecimal } from "../../../host/stream/decimal.ts";
import { parseIsoTime } from "../../../host/stream/time.ts";
import { columnsOfHead } from "../../detect/columns.ts";
import { CliError, UsageError } from "../../errors.ts";
import { readUserFileHead } from "../../files.ts";
import { detectDelimiter } from "../../samples/csv.ts";

const HEAD_BYTES = 1 << 16;
/** Names under which a column is taken for the time. */
const TIME_NAMES = /^(time|timestamp|date|datetime|ts)$/i;
/** Names under which a column is taken for the device. */
const DEVICE_NAMES = /^(device|device_id)$/i;

/** What is asked for on the command line. */
export interface ColumnsAsked {
  readonly inputs?: readonly string[] | undefined;
  readonly targets?: readonly string[] | undefined;
  readonly label?: string | undefined;
  readonly time?: string | undefined;
  readonly device?: string | undefined;
  readonly decimalComma: boolean;
}

/** Which columns are what. */
export interface Columns {
  readonly inputs: readonly string[];
  /** Columns that are forecast; each is an input. Empty with a label. */
  readonly targets: readonly string[];
  readonly label?: string;
  readonly time?: string;
  readonly device?: string;
}

/**
 * Decides by the first lines of the first file: the time is a column of such a name whose first cell is a time, inputs are all other
 * columns with a number in the first row, targets are all inputs.
 *
 * @throws {CliError} when there is no column of numbers
 * @throws {UsageError} when names contradict each other
 */
export function chooseColumns(file: string, asked: ColumnsAsked): Columns {
  const head = readUserFileHead(file, HEAD_BYTES);
  const cells = firstCells(head);
  if (cells.size === 0) throw new CliError(`${file}: The file holds no row of data`);
  const time = asked.time ?? [...cells].find(([name, cell]) => TIME_NAMES.test(name) && isTime(cell))?.[0];
  const device = asked.device ?? [...cells.keys()].find((name) => DEVICE_NAMES.test(name));
  const { label } = asked;
  const taken = [time, device, label];
  const inputs = asked.inputs ?? columnsOfHead(head, asked.decimalComma).filter((name) => !taken.includes(name));
  if (inputs.length === 0) {
    throw new CliError(`${file}: No column holds numbers in its first row; name them with --inputs`);
  }
  checkNames("--inputs", inputs);
  for (const [flag, name] of [
    ["--time", time],
    ["--device", device],
    ["--label", label],
  ] as const) {
    if (name !== undefined && inputs.includes(name)) throw new UsageError(`${flag}: "${name}" is an input, too`);
  }
  const targets = label === undefined ? (asked.targets ?? inputs) : [];
  checkNames("--targets", targets);
  const other = targets.find((name) => !inputs.includes(name));
  if (other !== undefined) {
    throw new UsageError(
      `--targets: "${other}" is no input; a forecast is of an input, these are ${inputs.join(", ")}`,
    );
  }
  return { inputs, targets, ...(label && { label }), ...(time && { time }), ...(device && { device }) };
}

function checkNames(flag: string, names: readonly string[]): void {
  const twice = names.find((name, index) => names.indexOf(name) < index);
  if (twice !== undefined) throw new UsageError(`${flag}: "${twice}" stands twice`);
}

/** The cells or fields of the first row by name, as text. */
function firstCells(head: Uint8Array): Map<string, string> {
  const [first = "", second] = new TextDecoder()
    .decode(head)
    .replace(/^\ufeff/, "")
    .split(/\r?\n/)
    .filter((line) => line.trim() !== "");
  if (first.startsWith("{")) return fieldsOf(first);
  if (second === undefined) return new Map();
  const delimiter = detectDelimiter(first);
  const split = (line: string) => line.split(delimiter).map((cell) => cell.trim().replace(/^"(.*)"$/, "$1"));
  const cells = split(second);
  return new Map(split(first).map((name, index) => [name, cells[index] ?? ""]));
}

function fieldsOf(line: string): Map<string, string> {
  try {
    return new Map(Object.entries(JSON.parse(line)).map(([name, value]) => [name, String(value)]));
  } catch {
    return new Map();
  }
}

const isTime = (cell: string): boolean => parseIsoTime(cell) !== undefined || parseDecimal(cell) !== undefined;
