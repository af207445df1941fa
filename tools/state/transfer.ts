// States of devices as lines of JSON: `{"key":"device/pump/7","value":"<base64>"}`, below a line that says what they are.

import { isDeviceKey } from "./devices.ts";

const HEAD = { format: "rivulet state", version: 1 } as const;

/** The first line of an export. */
export const exportHead = (): string => JSON.stringify(HEAD);

/** Prints a value. */
export const exportLine = (key: string, value: Uint8Array): string =>
  JSON.stringify({ key, value: Buffer.from(value).toString("base64") });

/** Checks the first line of an export. @throws {SyntaxError} when it is none */
export function checkHead(line: string): void {
  const { format, version } = parse(line) as Partial<Record<keyof typeof HEAD, unknown>>;
  if (format !== HEAD.format) throw new SyntaxError("not an export of rivulet state");
  if (version !== HEAD.version) throw new SyntaxError(`version ${version} of an export, expected ${HEAD.version}`);
}

/** Reads a value. @throws {SyntaxError} when the line is not of an export, or the key not one of a device */
export function parseLine(line: string): readonly [key: string, value: Uint8Array] {
  const { key, value } = parse(line) as { readonly key?: unknown; readonly value?: unknown };
  if (typeof key !== "string" || typeof value !== "string") throw new SyntaxError('expected {"key": …, "value": …}');
  if (!isDeviceKey(key)) throw new SyntaxError(`"${key}" is not a key of a device`);
  const bytes = Buffer.from(value, "base64");
  if (bytes.toString("base64") !== value) throw new SyntaxError(`the value of "${key}" is not base64`);
  return [key, bytes];
}

function parse(line: string): object {
  const value: unknown = JSON.parse(line);
  if (typeof value !== "object" || value === null) throw new SyntaxError("not an object");
  return value;
}
