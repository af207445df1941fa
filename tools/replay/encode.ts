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
  const encode = encoders[payload];
  return (cells) => {
    const filled = parts.map((part, index) => (index % 2 === 0 ? part : (cells[header.indexOf(part)] ?? ""))).join("");
    if (!isDeviceKey(filled)) throw new SyntaxError(`"${filled}" is not a topic to publish on`);
    return { topic: filled, payload: encode(columns.map(({ name, index }) => [name, cells[index] ?? ""])) };
  };
}

type Cell = readonly [column: string, text: string];

const encoders: Record<ReplayPayload, (cells: readonly Cell[]) => string | Uint8Array> = {
  json: (cells) => {
    const members = cells.map(([name, text]) => `${JSON.stringify(name)}:${JSON.stringify(toNumber(text) ?? text)}`);
    return `{${members.join(",")}}`;
  },
  array: (cells) => JSON.stringify(cells.map(requireNumber)),
  number: ([cell]) => String(requireNumber(cell ?? ["", ""])),
  f32le: (cells) => {
    const bytes = new DataView(new ArrayBuffer(4 * cells.length));
    for (const [index, cell] of cells.entries()) bytes.setFloat32(4 * index, requireNumber(cell), true);
    return new Uint8Array(bytes.buffer);
  },
};

function toNumber(text: string): number | undefined {
  const value = Number(text);
  return text.trim() !== "" && Number.isFinite(value) ? value : undefined;
}

function requireNumber([name, text]: Cell): number {
  const value = toNumber(text);
  if (value === undefined) throw new SyntaxError(`column "${name}" is "${text}", expected a number`);
  return value;
}
