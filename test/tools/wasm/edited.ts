import { expect } from "vitest";
import { checkModule } from "../../../tools/wasm/check.ts";
import { readSections } from "../../../tools/wasm/read.ts";
import { SAMPLE_DATA, type SampleConstant, sampleModule, sampleText } from "../../support/wasm-module.ts";
import { wat } from "../../support/wat.ts";

export const check = (bytes: Uint8Array, integerOnly = true) => checkModule(bytes, { integerOnly });

/** The sample with parts of its text replaced by others. */
export function edited(...changes: readonly (readonly [from: string, to: string])[]): Uint8Array {
  const text = changes.reduce((before, [from, to]) => {
    expect(before).toContain(from);
    return before.replace(from, () => to);
  }, sampleText());
  return wat(text);
}

export const MEMORY = "(memory 1 1)";

/** The sample with more fields behind its functions. */
export const withMore = (fields: string): Uint8Array => edited([MEMORY, `${fields} ${MEMORY}`]);

/** The sample with one more function, which nothing calls. */
export const withFunction = (body: string, locals = "", more = ""): Uint8Array =>
  withMore(`(func (type 1) (local ${locals}) ${body}) ${more}`);

/** The sample with other constants in its globals. */
export const constants = (values: Partial<Record<SampleConstant, number>>) => wat(sampleText(values));

/** A ring of one forecast: addresses in the state of the sample. */
export const RING = { steps: 64, horizon: 1, expected: 72, residual: 76, residual_count: 1 };

/** The sample with a ring of one forecast that fills its state, changed. */
export function withRing(values: Partial<Record<keyof typeof RING, number | undefined>>): Uint8Array {
  const all = Object.entries({ ...RING, ...values }).filter(([, value]) => value !== undefined);
  return withMore(
    all
      .map(([name, value]) => `(global $${name} i32 (i32.const ${value})) (export "${name}" (global $${name}))`)
      .join("\n"),
  );
}

/** The sample with other data. */
export const withData = (...segments: readonly string[]): Uint8Array => edited([SAMPLE_DATA, segments.join("\n")]);

export const segment = (address: number, length: number): string =>
  `(data (i32.const ${address}) "${"x".repeat(length)}")`;

/** The sample with one exported global replaced. */
export const withGlobal = (name: SampleConstant, type: string, value: string): Uint8Array =>
  edited([`(global $${name} i32 (i32.const 80))`, `(global $${name} ${type} (${value}))`]);

export const renamed = (name: string): Uint8Array => edited([`(export "${name}"`, `(export "${name}2"`]);

export const exportedAs = (name: string, what: string): Uint8Array => {
  const own = name === "memory" ? "memory 0" : name.startsWith("__") ? `global $${name}` : `func $${name}`;
  return edited([`(export "${name}" (${own}))`, `(export "${name}" (${what}))`]);
};

export const memory = (limits: string): Uint8Array => edited([MEMORY, `(memory ${limits})`]);

/** A module with bytes in the place of others, which it holds once. */
export function patched(bytes: Uint8Array, from: readonly number[], to: readonly number[]): Uint8Array {
  const found = Buffer.from(bytes).indexOf(Buffer.from(from));
  expect(found).toBeGreaterThan(0);
  return Uint8Array.from([...bytes.subarray(0, found), ...to, ...bytes.subarray(found + from.length)]);
}

/** The sample with a count of its one data segment in front of the code. */
export function withDataCount(): Uint8Array {
  const bytes = sampleModule();
  const code = readSections(bytes).find(({ id }) => id === 10)!;
  const start = code.fileOffset - (code.bytes.length < 128 ? 2 : 3);
  return Uint8Array.from([...bytes.subarray(0, start), 12, 1, 1, ...bytes.subarray(start)]);
}
