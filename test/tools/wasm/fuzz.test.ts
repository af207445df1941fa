// Damaged and hostile modules end in a WasmError or a report, whatever the bytes are.

import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { WasmError } from "../../../tools/wasm/bytes.ts";
import { renderCheck } from "../../../tools/wasm/check/text.ts";
import { checkModule } from "../../../tools/wasm/check.ts";
import type { WasmModule } from "../../../tools/wasm/module.ts";
import { readModule } from "../../../tools/wasm/read.ts";
import { sampleModule } from "../../support/wasm-module.ts";

const SAMPLE = sampleModule();

/** One change of a file: what is written where, in the place of how many bytes. */
interface Change {
  readonly place: number;
  readonly dropped: number;
  readonly written: Uint8Array;
}

const changes: fc.Arbitrary<readonly Change[]> = fc.array(
  fc.record({
    place: fc.noBias(fc.nat(9999)).map((place) => place / 10_000),
    dropped: fc.nat(6),
    written: fc.oneof(
      fc.uint8Array({ minLength: 1, maxLength: 2 }),
      fc.constantFrom(
        Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x0f),
        Uint8Array.of(0x80, 0x80, 0x80, 0x80, 0x00),
        Uint8Array.of(0x0b),
        Uint8Array.of(0x10, 0x00),
        Uint8Array.of(0xfc, 0x0a, 0, 0),
      ),
    ),
  }),
  { minLength: 1, maxLength: 3 },
);

/** Writes over bytes in place most of the time, so that lengths stay right and the change is looked at. */
function change(bytes: Uint8Array, list: readonly Change[], isInPlace: boolean): Uint8Array {
  return list.reduce((before, { place, dropped, written }) => {
    const at = Math.floor(place * before.length);
    const end = at + (isInPlace ? written.length : dropped);
    return Uint8Array.from([...before.subarray(0, at), ...written, ...before.subarray(end)]);
  }, bytes);
}

/** Reads a module; undefined when it is refused. Anything but a WasmError fails. */
function readOrRefuse(bytes: Uint8Array): WasmModule | undefined {
  try {
    return readModule(bytes);
  } catch (error) {
    if (!(error instanceof WasmError)) throw error;
    expect(error.message).toMatch(/^[^\n]+, at byte \d+$/);
    expect(error.offset).toBeLessThanOrEqual(bytes.length);
    return undefined;
  }
}

function look(bytes: Uint8Array): { readonly wasRead: boolean; readonly isWellFormed: boolean } {
  const module = readOrRefuse(bytes);
  const report = checkModule(bytes, { integerOnly: true });
  expect(renderCheck(report, false)).toMatch(/^integer module/);
  const isWellFormed = report.properties[0]?.status === "ok";
  // What engines take and we refuse came after WebAssembly 2.0: nothing that a mutation is likely to hit upon.
  if (report.properties[1]?.status === "ok") expect(isWellFormed).toBe(true);
  return { wasRead: module !== undefined, isWellFormed };
}

describe("damaged modules", () => {
  it("end in a WasmError or a report, 10,000 of them", () => {
    let read = 0;
    let wellFormed = 0;
    fc.assert(
      fc.property(changes, fc.integer({ min: 0, max: 3 }), (list, kind) => {
        const { wasRead, isWellFormed } = look(change(SAMPLE, list, kind > 0));
        if (wasRead) read++;
        if (isWellFormed) wellFormed++;
      }),
      { numRuns: 10_000, seed: 4 },
    );
    // The mutations reach the reader, the instructions and the checks.
    expect(read).toBeGreaterThan(1000);
    expect(wellFormed).toBeGreaterThan(1000);
    expect(wellFormed).toBeLessThan(9000);
  });

  it("of the host's kernels end so, too", () => {
    for (const name of ["q15", "f32-simd"]) {
      const bytes = new Uint8Array(readFileSync(`build/${name}.wasm`));
      fc.assert(
        fc.property(changes, (list) => void look(change(bytes, list, true))),
        { numRuns: 200, seed: 4 },
      );
    }
  });

  it("that are no modules at all end so, too", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        look(bytes);
        look(Uint8Array.from([...SAMPLE.subarray(0, 8), ...bytes]));
      }),
      { numRuns: 1000, seed: 4 },
    );
  });
});
