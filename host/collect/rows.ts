// The rows of collected readings, as CSV (RFC 4180) with line feeds: `time,device,speed,pressure`.

/** Columns before those of the inputs. */
export const ROW_COLUMNS: readonly string[] = ["time", "device"];

/** Prints the first line, line feed included. */
export function headerOf(inputs: readonly string[]): string {
  return `${[...ROW_COLUMNS, ...inputs].map(cellOf).join(",")}\n`;
}

/** Prints a row, line feed included; values read back give the same bits. */
export function rowOf(time: number, device: string, sample: ArrayLike<number>): string {
  let text = `${new Date(time).toISOString()},${cellOf(device)}`;
  for (let i = 0; i < sample.length; i++) text += `,${sample[i]}`;
  return `${text}\n`;
}

/** Answers the time of a row that begins with these bytes, Unix milliseconds; undefined where it tells none. */
export function timeOfRow(row: Uint8Array): number | undefined {
  const comma = row.indexOf(0x2c);
  const time = Date.parse(new TextDecoder().decode(row.subarray(0, comma < 0 ? undefined : comma)));
  return Number.isNaN(time) ? undefined : time;
}

function cellOf(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
