import { parseDecimal, parseDecimalComma } from "../../host/stream/decimal.ts";
import { isDeviceKey } from "../../host/stream/topic.ts";
import { UsageError } from "../errors.ts";

/** How `rivulet replay` writes a row. */
export type ReplayPayload = "json" | "array" | "number" | "f32le";

/** A row, ready to be published. */
export interface Reading {
  readonly topic: string;
  readonly payload: string | Uint8Array;
}

/** What a row is encoded with. */
export interface EncoderOptions {
  readonly header: readonly string[];
  /** Captures such as `{device}` are filled in from the columns of that name. */
  readonly topic: string;
  /** Columns of the payload, in order. Default: all that are not in the topic. */
  readonly columns?: readonly string[];
  readonly payload: ReplayPayload;
  /** Numbers are written as `21,5`. */
  readonly hasDecimalComma?: boolean;
}

/**
 * Makes a function that turns the cells of a row into a message.
 *
 * @throws {UsageError} when the topic or the columns name a column that the header does not have
 */
export function createRowEncoder(options: EncoderOptions): (cells: readonly string[]) => Reading {
  const { header, topic, payload } = options;
  const parts = topic.split(/\{([^{}]*)\}/); // literal, name, literal, name, … literal
  if (parts.some((part, index) => index % 2 === 0 && /[+#]/.test(part))) {
    throw new UsageError(`"${topic}" has a wildcard, expected a topic to publish on`);
  }
  const captured = parts.filter((_, index) => index % 2 === 1);
  const names = options.columns ?? header.filter((name) => !captured.includes(name));
  for (const name of [...captured, ...names]) {
    if (header.includes(name)) continue;
    throw new UsageError(
      `There is no column "${name}"; the file has ${header.map((column) => `"${column}"`).join(", ")}`,
    );
  }
  if (names.length === 0) throw new UsageError("No column is left for the payload");
  if (payload === "number" && names.length !== 1) {
    throw new UsageError(`A plain number is one column, found ${names.length}; name it with --columns`);
  }
  const columns = names.map((name) => ({ name, index: header.indexOf(name) }));
  const parse = options.hasDecimalComma === true ? parseDecimalComma : parseDecimal;
  const encode = encoders[payload];
  return (cells) => {
    const filled = parts.map((part, index) => (index % 2 === 0 ? part : (cells[header.indexOf(part)] ?? ""))).join("");
    if (!isDeviceKey(filled)) throw new SyntaxError(`"${filled}" is not a topic to publish on`);
    const toCell = ({ name, index }: { name: string; index: number }): Cell => {
      const text = cells[index] ?? "";
      return { name, text, number: readNumber(text, parse) };
    };
    return { topic: filled, payload: encode(columns.map(toCell)) };
  };
}

interface Cell {
  readonly name: string;
  readonly text: string;
  readonly number: number | undefined;
}

/** A number, unless that would change what the cell says: `007` is the name of something. */
function readNumber(text: string, parse: (text: string) => number | undefined): number | undefined {
  return /^\s*[+-]?0\d/.test(text) ? undefined : parse(text);
}

/** What recorders write where a sensor gave nothing. */
const MISSING = /^\s*([+-]?(nan|inf|infinity)|null|none|)\s*$/i;

const encoders: Record<ReplayPayload, (cells: readonly Cell[]) => string | Uint8Array> = {
  json: (cells) => {
    const value = ({ text, number }: Cell) => number ?? (MISSING.test(text) ? null : text);
    return `{${cells.map((cell) => `${JSON.stringify(cell.name)}:${JSON.stringify(value(cell))}`).join(",")}}`;
  },
  array: (cells) => JSON.stringify(cells.map(requireNumber)),
  number: ([cell]) => String(requireNumber(cell as Cell)),
  f32le: (cells) => {
    const bytes = new DataView(new ArrayBuffer(4 * cells.length));
    for (const [index, cell] of cells.entries()) bytes.setFloat32(4 * index, requireNumber(cell), true);
    return new Uint8Array(bytes.buffer);
  },
};

function requireNumber({ name, text, number }: Cell): number {
  if (number === undefined) throw new SyntaxError(`column "${name}" is "${text}", expected a number`);
  return number;
}
